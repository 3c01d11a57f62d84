"""A recorded decision, made again, is the recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.cost.preference import Side
from router.core.decision.decide import decide
from router.core.decision.grounds import grounds_of, noted
from router.core.decision.replay import RecordedDecision, decide_again, differences, read_note, states_of
from router.core.values import BackendState, Decision, Facts, Grounds, Plan, Rates, Snapshot

SENSITIVITY = {
    "levels": {"public": ["local", "cloud"], "restricted": ["local"]},
    "default": "public",
    "tags": {"phi": ["local"]},
}
STATES: tuple[Mapping[str, BackendState], ...] = (
    {},
    {"gpu": BackendState(healthy=False, why="circuit open", retry_after=3.0)},
    {"gpu": BackendState(full=True, load="9 waiting"), "openai": BackendState(full=True)},
    {"gpu": BackendState(context=50), "openai": BackendState(context=400)},
    {"gpu": BackendState(off="It is off.", retry_after=240.0), "gpu2": BackendState(off="It is off.", retry_after=9.5)},
    {"gpu": BackendState(off="It starts.", coming=True), "gpu2": BackendState(off="It is off.", rests=True)},
    {"gpu": BackendState(off="It is kept off.", wakes=False), "openai": BackendState(full=True)},
)
POWERED = {"powered": True, "rates": Rates(input=0.0, output=0.3, cached_input=0.0, cache_write=0.0, request=0.00002)}
TRANSLATED = {
    "translated": frozenset({"chat"}),
    "loses": {"chat": frozenset({"hosted tools"})},
    "modalities": frozenset({"text", "image"}),
}
RULES = ({"name": "night", "when": {"hours": "00-06"}, "cost": {"strategy": "cloud_first"}},)
NOON, NIGHT = 43_200.0, 7_200.0

asks = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["chat", "gpt-99"]),
        "label": st.sampled_from([None, "public", "restricted", "Restricted"]),
        "tag": st.sampled_from([(), ("phi",), ("unknown",)]),
        "input_tokens": st.sampled_from([10, 100, 200, 1000]),
        "max_output_tokens": st.sampled_from([None, 1, 300]),
        "answers": st.sampled_from([1, 3]),
        "modalities": st.sampled_from([frozenset({"text"}), frozenset({"text", "image"})]),
        "quality_floor": st.sampled_from([0.0, 0.95]),
        "fetch": st.sampled_from(["nothing", "outside", "forbidden"]),
        "pinned": st.sampled_from(["", "", "gpu", "openai", "gone"]),
        "uses": st.sampled_from([(), ("hosted tools",)]),
        "zones": st.sampled_from([None, frozenset({"local"})]),
        "models": st.sampled_from([None, frozenset()]),
    }
)
moments = st.fixed_dictionaries(
    {
        "tokens": st.sampled_from([0, 799, 800, 999, 1000, 200_000_000]),
        "previous": st.sampled_from(list(Side)),
        "cloud_price": st.sampled_from([None, 0.0, 0.05, 1000.0]),
        "cloud_blocked": st.sampled_from(["", "the ledger cannot be reached"]),
        "untranslated": st.sampled_from(["", "", "no adapter is installed"]),
    }
)


def recorded(facts: Facts, plan: Plan, snapshot: Snapshot, decision: Decision, reason: str = "") -> RecordedDecision:
    return RecordedDecision(
        at=snapshot.at,
        model=decision.model,
        endpoint=facts.endpoint,
        key=facts.key.name,
        team=facts.key.team,
        level=decision.level,
        tags=decision.tags,
        reason=reason,
        grounds=grounds_of(facts, snapshot, decision, plan.version, noted(snapshot.backends), reason),
    )


@settings(max_examples=400, deadline=None)
@given(
    cost=st.sampled_from(["threshold", "breakeven", "cheapest", "local_first"]),
    rules=st.sampled_from([(), RULES]),
    own=st.sampled_from([{}, POWERED]),
    sensitivity=st.sampled_from([None, SENSITIVITY]),
    ask=asks,
    moment=moments,
    states=st.sampled_from(STATES),
    at=st.sampled_from([NOON, NIGHT]),
)
def test_a_decision_that_is_made_again_is_the_recorded_one(
    make: Any, cost: Any, rules: Any, own: Any, sensitivity: Any, ask: Any, moment: Any, states: Any, at: float
) -> None:
    routes = [make.route("gpu", **own), make.route("gpu2", **own), make.route("openai", **TRANSLATED)]
    costs = {"strategy": cost, "threshold_tokens_per_day": 1000} if cost == "threshold" else {"strategy": cost}
    plan = make.plan(routes, sensitivity=sensitivity, cost=costs, rules=list(rules))
    fields = dict(ask)
    key = make.key("stored", zones=fields.pop("zones"), models=fields.pop("models"))
    labels = (make.label(fields.pop("label"), *fields.pop("tag")),)
    facts = make.facts(key=key, labels=labels, **fields)
    snapshot = make.snapshot(states, at=at, hour=int(at // 3600), **moment)
    decision = decide(facts, plan, snapshot)
    kept = recorded(facts, plan, snapshot, decision)
    assert differences(kept, decide_again(kept, plan)) == []


def test_a_key_of_the_policy_is_what_the_policy_says(make: Any) -> None:
    key = make.key("app", models=frozenset())
    plan = replace(make.plan(), keys={"aa": key})
    facts, snapshot = make.facts(key=key), make.snapshot()
    kept = recorded(facts, plan, snapshot, decide(facts, plan, snapshot))
    again = decide_again(kept, plan)
    assert again.refusal is not None and again.refusal.code == "model_not_allowed"


def test_what_came_after_the_decision_does_not_hide_its_reason(make: Any) -> None:
    facts, plan, snapshot = make.facts(), make.plan(cost={"strategy": "local_first"}), make.snapshot()
    kept = recorded(facts, plan, snapshot, decide(facts, plan, snapshot), "failover from gpu: reset")
    assert kept.decided == "local-first" and differences(kept, decide_again(kept, plan)) == []


def test_by_another_policy_it_may_be_another_one(make: Any) -> None:
    facts, plan, snapshot = make.facts(), make.plan(cost={"strategy": "local_first"}), make.snapshot()
    kept = recorded(facts, plan, snapshot, decide(facts, plan, snapshot), "local-first")
    other = make.plan(cost={"strategy": "cloud_first"})
    assert differences(kept, decide_again(kept, other)) == ["candidates", "decided", "side"]


def by_pattern(make: Any, pattern: str, asked: str, published: str = "") -> Plan:
    """A policy whose pattern takes what was asked for, and calls it as it is published where it is."""
    gpu, api = make.route("gpu", as_asked=True), make.route("openai", as_asked=True)
    taken = make.model([replace(each, upstream_model=asked) for each in (gpu, api)], name=published or pattern)
    plan = make.plan(models=[make.model([make.route("gpu"), make.route("openai")], name=pattern)])
    return replace(plan, models={**plan.models, asked: taken})


@pytest.mark.parametrize("listed", [None, {"llama-3"}, set()])
def test_who_lists_a_model_that_a_pattern_takes_is_known(make: Any, listed: set[str] | None) -> None:
    plan = by_pattern(make, "*", "llama-3")
    models = None if listed is None else frozenset(listed)
    facts, snapshot = make.facts(model="llama-3"), make.snapshot({"gpu": BackendState(models=models)})
    decision = decide(facts, plan, snapshot)
    kept = recorded(facts, plan, snapshot, decision)
    # The pattern itself takes it too, by whatever name it is recorded.
    taken = replace(plan, models=dict.fromkeys((kept.model, "*"), plan.models["llama-3"]))
    assert differences(kept, decide_again(kept, taken)) == []


def test_what_is_recorded_by_its_published_name_is_found_by_the_pattern(make: Any) -> None:
    plan = by_pattern(make, "hosted/*", "hosted/gpt-4o", published="gpt-4o")
    facts, snapshot = make.facts(model="hosted/gpt-4o"), make.snapshot()
    kept = recorded(facts, plan, snapshot, decide(facts, plan, snapshot))
    assert kept.model == "gpt-4o"
    assert differences(kept, decide_again(kept, plan)) == []


def test_a_list_of_a_backend_that_was_not_noted_is_one_of_a_ready_one(make: Any) -> None:
    plan = make.plan([make.route("gpu"), make.route("openai")])
    states = states_of(Grounds(states=("gpu full",), listed=("openai", "gone")), plan, "chat")
    assert states == {"gpu": BackendState(full=True), "openai": BackendState(models=frozenset({"gpt-4o-mini"}))}
    assert states_of(Grounds(listed=("openai",)), plan, "no such model") == {}


def test_a_note_is_read_as_it_was_written() -> None:
    states = {
        "a": BackendState(healthy=False, full=True, context=10),
        "b": BackendState(off="as recorded", coming=True, wakes=False, rests=True, retry_after=2.5),
        "c": BackendState(models=frozenset()),
    }
    assert dict(map(read_note, noted(states))) == states


@pytest.mark.parametrize("note", ["gpu broken", "gpu context=many"])
def test_what_is_no_note_is_an_error(note: str) -> None:
    with pytest.raises(ValueError):
        read_note(note)
