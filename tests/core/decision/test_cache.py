"""A remembered decision is the decision."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.cost.preference import Side
from router.core.cost.timeline import DAY, built
from router.core.decision import cache as recall
from router.core.decision.cache import DecisionCache
from router.core.decision.decide import decide
from router.core.policy import Budget
from router.core.sensitivity.media import FORBIDDEN
from router.core.values import (
    BackendState,
    Decision,
    Facts,
    GpuFigures,
    KeyGrant,
    Label,
    Mixture,
    Permits,
    Rates,
    Snapshot,
)

SENSITIVITY = {
    "levels": {"public": ["local", "cloud"], "restricted": ["local"]},
    "default": "public",
    "tags": {"phi": ["local"]},
}
STATES = (
    {},
    {"gpu": BackendState(healthy=False, why="circuit open", retry_after=3.0)},
    {"gpu": BackendState(full=True, load="9 waiting")},
    {"gpu": BackendState(context=50), "openai": BackendState(context=400)},
    {"gpu": BackendState(off="It is off.", retry_after=240.0)},
    {"gpu": BackendState(off="It is being switched on.", coming=True)},
    {"gpu": BackendState(off="It is kept off.", wakes=False), "openai": BackendState(full=True)},
)
OWN = (
    {},
    {"powered": True},
    {"powered": True, "wake_for": frozenset({"public"})},
    {"powered": True, "rates": Rates(input=0.0, output=0.3, cached_input=0.0, cache_write=0.0, request=0.00002)},
)
COSTS = (
    {"strategy": "threshold", "threshold_tokens_per_day": 1000},
    {"strategy": "breakeven"},
    {"strategy": "cheapest"},
    {"strategy": "local_first"},
)


def essence(decision: Decision) -> Any:
    """All but the sentences, whose figures may be those of an earlier request."""
    data = msgspec.to_builtins(decision, builtin_types=(frozenset,))
    data.pop("removed")
    for name in ("candidates", "waiting"):
        data[name] = [(each["route"]["backend"], each["reason"]) for each in data[name]]
    if data["refusal"] is not None:
        data["refusal"].pop("message")
    return data, [(each.backend, each.step) for each in decision.removed]


asks = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["chat", "gpt-99"]),
        "label": st.sampled_from([None, "public", "restricted", "Restricted"]),
        "tag": st.sampled_from([(), ("phi",), ("unknown",)]),
        "input_tokens": st.sampled_from([10, 100, 200, 1000]),
        "max_output_tokens": st.sampled_from([None, 1, 300]),
        "modalities": st.sampled_from([frozenset({"text"}), frozenset({"text", "image"})]),
        "quality_floor": st.sampled_from([0.0, 0.95]),
        "key": st.sampled_from(["app", "scoped"]),
        "pinned": st.sampled_from(["", "", "gpu", "openai", "gone"]),
    }
)
moments = st.fixed_dictionaries(
    {
        "states": st.integers(0, len(STATES) - 1),
        "tokens": st.sampled_from([0, 799, 800, 999, 1000, 200_000_000]),
        "previous": st.sampled_from(list(Side)),
        "hour": st.sampled_from([1, 12]),
        "cloud_price": st.sampled_from([None, 0.0, 0.05, 1000.0]),
        "cloud_blocked": st.sampled_from(["", "the ledger cannot be reached"]),
    }
)
RULES = ({"name": "night", "when": {"hours": "00-06"}, "cost": {"strategy": "cloud_first"}},)


@settings(max_examples=150, deadline=None)
@given(
    cost=st.sampled_from(COSTS),
    rules=st.sampled_from([(), RULES]),
    own=st.sampled_from(OWN),
    history=st.lists(st.tuples(asks, moments), min_size=1, max_size=30),
)
def test_a_remembered_decision_is_what_decide_would_say(
    make: Any, cost: Any, rules: Any, own: Any, history: Any
) -> None:
    routes = [make.route("gpu", **own), make.route("openai")]
    plan = make.plan(routes=routes, sensitivity=SENSITIVITY, cost=cost, rules=list(rules))
    remembered = DecisionCache(plan)
    for ask, moment in history:
        fields = dict(ask)
        labels = (make.label(fields.pop("label"), *fields.pop("tag")),)
        models = frozenset() if fields["key"] == "scoped" else None
        facts = make.facts(labels=labels, **(fields | {"key": make.key(fields["key"], models=models)}))
        state = dict(moment)
        snapshot = make.snapshot(STATES[state.pop("states")], **state)
        assert essence(remembered.decide(facts, snapshot)) == essence(decide(facts, plan, snapshot))


grants = st.fixed_dictionaries(
    {
        "team": st.sampled_from(["search", "sales"]),
        "models": st.sampled_from([None, frozenset(), frozenset({"chat"})]),
        "zones": st.sampled_from([None, frozenset({"local"}), frozenset({"cloud"}), frozenset({"local", "cloud"})]),
        "level": st.sampled_from([None, "public", "restricted"]),
        "tags": st.sampled_from([(), ("phi",)]),
    }
)
FEW_ASKS = ({}, {"modalities": frozenset({"text", "image"})}, {"labels": (Label("restricted"),)}, {"model": "gpt-99"})
NAMES = ("app", "batch", "night-job", "web")
EDITS = (
    {},
    {"sensitivity": SENSITIVITY | {"levels": {"public": ["local"], "restricted": ["local"]}}},
    {"sensitivity": SENSITIVITY, "rules": [{"name": "sales", "when": {"team": "sales"}, "zones": ["local"]}]},
    {
        "sensitivity": SENSITIVITY,
        "rules": [{"name": "app", "when": {"key": "app"}, "cost": {"strategy": "cloud_first"}}],
    },
    {
        "sensitivity": SENSITIVITY,
        "rules": [
            {"name": "web", "when": {"key": "web"}, "zones": ["local"]},
            {"name": "search", "when": {"team": "search"}, "zones": ["cloud"]},
        ],
    },
)


@settings(max_examples=200, deadline=None)
@given(
    history=st.lists(
        st.one_of(
            st.tuples(st.just("key"), st.sampled_from(NAMES), grants),
            st.tuples(st.just("alike"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
            st.tuples(st.just("policy"), st.integers(0, len(EDITS) - 1)),
            st.tuples(st.just("ask"), st.sampled_from(NAMES), st.sampled_from(FEW_ASKS)),
        ),
        max_size=40,
    )
)
def test_no_answer_outlives_its_key_or_its_policy(make: Any, history: Any) -> None:
    """Keys are made anew under old names, or to permit the same as another, and policies edited, between requests;
    nothing is told to forget. And no sentence names the key that it was first said to."""
    plan = make.plan(sensitivity=SENSITIVITY, cost=COSTS[3])
    remembered, snapshot = DecisionCache(plan), make.snapshot()
    keys = {name: make.key(name) for name in NAMES}
    for kind, *what in history:
        if kind == "key":
            keys[what[0]] = make.key(what[0], **what[1])
        elif kind == "alike":
            keys[what[0]] = msgspec.structs.replace(keys[what[1]], name=what[0])
        elif kind == "policy":
            plan = make.plan(cost=COSTS[3], **EDITS[what[0]])
            remembered = DecisionCache(plan)
        else:
            facts = make.facts(key=keys[what[0]], **what[1])
            found = remembered.decide(facts, snapshot)
            assert found.permitted <= (facts.key.permits.zones or plan.zones)
            assert essence(found) == essence(decide(facts, plan, snapshot))
            assert words(found) == words(decide(facts, plan, snapshot))


def words(decision: Decision) -> list[str]:
    """All that is said in it to people; every figure in these tests is that of one moment."""
    said = [each.explanation for each in (*decision.candidates, *decision.waiting, *decision.removed)]
    return said if decision.refusal is None else [*said, decision.refusal.message]


KEY_FIELDS = sorted({*KeyGrant.__struct_fields__, *Permits.__struct_fields__} - {"permits"})
OTHER_KEYS: dict[str, Any] = {
    "name": "other",
    "team": "sales",
    "budget": Budget(usd_per_day=1.0),
    "models": frozenset(),
    "zones": frozenset({"local"}),
    "level": "restricted",
    "tags": ("phi",),
    "via": "playground",
}
BY_RULES = (
    {"name": "n", "when": {"key": "other"}, "zones": ["local"]},
    {"name": "t", "when": {"team": "sales"}, "zones": ["cloud"]},
)


@pytest.mark.parametrize("field", KEY_FIELDS)
def test_everything_that_a_key_permits_is_part_of_the_question(make: Any, field: str) -> None:
    """A new field of the grant fails here until it is asked for too, or is known to decide nothing."""
    plan = make.plan(sensitivity=SENSITIVITY, rules=list(BY_RULES))
    remembered, snapshot = DecisionCache(plan), make.snapshot()
    plain, changed = (make.facts(key=make.key(**fields)) for fields in ({}, {field: OTHER_KEYS[field]}))
    first = remembered.decide(plain, snapshot)
    assert essence(remembered.decide(changed, snapshot)) == essence(decide(changed, plan, snapshot))
    assert (essence(decide(changed, plan, snapshot)) == essence(first)) is (field in ("budget", "via"))


def test_keys_that_permit_the_same_share_their_answers(make: Any) -> None:
    """But for those that rules name, or whose teams they name."""
    remembered, snapshot = DecisionCache(make.plan(rules=list(BY_RULES))), make.snapshot()
    first, second = (make.key(name, zones=frozenset({"cloud"})) for name in ("one", "two"))
    assert first.permits is not second.permits
    shared = remembered.decide(make.facts(key=first), snapshot)
    assert remembered.decide(make.facts(key=second), snapshot) is shared
    for other in (make.key("other", zones=frozenset({"cloud"})), make.key(team="sales", zones=frozenset({"cloud"}))):
        assert remembered.decide(make.facts(key=other), snapshot) is not shared


OTHERWISE: dict[str, Any] = {
    "endpoint": "embeddings",
    "model": "gpt-99",
    "labels": (Label("restricted"),),
    "input_tokens": 1_000_000,
    "max_output_tokens": 1_000_000,
    "modalities": frozenset({"text", "image"}),
    "quality_floor": 0.95,
    "answers": 2,
    "fetch": FORBIDDEN,
    "pinned": "openai",
    "uses": ("hosted tools",),
}
LOSES = {"chat": frozenset({"hosted tools"})}
OTHER_MOMENTS: dict[str, Any] = {
    "backends": {"gpu": BackendState(healthy=False)},
    "seen": Mixture(input=1000),
    "previous": Side.LOCAL,
    "hour": 12,
    "cloud_price": 1_000_000.0,
    "cloud_blocked": "the ledger cannot be reached",
    "untranslated": "no adapter is installed",
}


@pytest.mark.parametrize("field", Facts.__struct_fields__)
def test_everything_that_is_known_of_a_request_is_part_of_the_question(make: Any, field: str) -> None:
    """A new field of the facts fails here until it is asked for too."""
    routes = [make.route("gpu", context=1000), make.route("openai", loses=LOSES)]
    plan = make.plan(routes, sensitivity=SENSITIVITY)
    limit = 1_500 if field == "answers" else None
    plain = make.facts(labels=(Label("public"),), max_output_tokens=limit)
    remembered, snapshot = DecisionCache(plan), make.snapshot()
    other = make.key(zones=frozenset({"local"})) if field == "key" else OTHERWISE[field]
    changed = msgspec.structs.replace(plain, **{field: other})
    first = remembered.decide(plain, snapshot)
    assert essence(remembered.decide(changed, snapshot)) == essence(decide(changed, plan, snapshot)) != essence(first)


@pytest.mark.parametrize("field", [field for field in Snapshot.__struct_fields__ if field != "at"])
def test_everything_that_is_known_of_the_moment_is_part_of_the_question(make: Any, field: str) -> None:
    cost = COSTS[1] if field == "cloud_price" else COSTS[0]
    routes = [make.route("gpu"), make.route("openai", translated=frozenset({"chat"}))]
    rules = [{"name": "day", "when": {"hours": "08-20"}, "quality_floor": 0.95}]
    plan = make.plan(routes, cost=cost, rules=rules)
    remembered, facts, plain = DecisionCache(plan), make.facts(), make.snapshot(tokens=900)
    changed = msgspec.structs.replace(plain, **{field: OTHER_MOMENTS[field]})
    first = remembered.decide(facts, plain)
    assert essence(remembered.decide(facts, changed)) == essence(decide(facts, plan, changed)) != essence(first)


def test_prices_of_the_time_are_part_of_the_question(make: Any) -> None:
    """A break-even that moves at midnight moves remembered decisions too."""
    dear, cheap = make.gpt_4o_mini, make.free
    plan = msgspec.structs.replace(
        make.plan(cost={"strategy": "breakeven"}),
        cloud_reference=built(0, [DAY], [], lambda now: cheap if now < DAY else dear),
    )
    remembered, facts = DecisionCache(plan), make.facts()
    before, after = (make.snapshot(tokens=1_000_000_000, at=at) for at in (0, DAY))
    assert remembered.decide(facts, before).side is Side.CLOUD
    assert remembered.decide(facts, after).side is decide(facts, plan, after).side is Side.LOCAL


def test_nothing_to_break_even_with_is_remembered_too(make: Any) -> None:
    never = make.plan([make.route("gpu")], cost={"strategy": "breakeven"})
    dear = make.plan(gpu=GpuFigures(1e9, 0.0, 1_000_000), cost={"strategy": "breakeven"})
    for plan in (never, dear):
        decision = DecisionCache(plan).decide(make.facts(), make.snapshot())
        assert essence(decision) == essence(decide(make.facts(), plan, make.snapshot()))


def test_the_same_question_is_answered_once(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def counting(*arguments: Any) -> Decision:
        asked.append(arguments)
        return decide(*arguments)

    monkeypatch.setattr(recall, "decide", counting)
    remembered = DecisionCache(make.plan())
    states: dict[str, BackendState] = {}
    key = make.key()
    for tokens in (1, 2, 3):
        remembered.decide(
            make.facts(key=key, input_tokens=tokens), msgspec.structs.replace(make.snapshot(), backends=states)
        )
    assert len(asked) == 1
    remembered.decide(make.facts(), make.snapshot({"gpu": BackendState(healthy=False)}))
    assert len(asked) == 2


def test_what_clients_choose_cannot_fill_the_memory(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "MOST", 10)
    remembered = DecisionCache(make.plan())
    snapshot = make.snapshot()
    for number in range(100):
        remembered.decide(make.facts(labels=(Label(f"level-{number}"),)), snapshot)
    assert 0 < len(remembered._answers) <= 10


@pytest.mark.parametrize(
    "chosen", [{"model": "gpt-99"}, {"labels": (Label("x" * 2000),)}, {"labels": (Label(None, ("",) * 2000),)}]
)
def test_nor_can_names_without_end(make: Any, chosen: Any) -> None:
    remembered = DecisionCache(make.plan())
    remembered.decide(make.facts(**chosen), make.snapshot())
    assert not remembered._answers


def test_where_prices_of_single_requests_decide_nothing_is_remembered(make: Any) -> None:
    two_clouds = make.plan([make.route("gpu"), make.route("openai"), make.route("other")])
    cheapest = make.plan(cost={"strategy": "cheapest"})
    by_rule = make.plan(rules=[{"name": "r", "when": {}, "cost": {"strategy": "threshold"}}])
    for plan in (two_clouds, cheapest, by_rule):
        remembered = DecisionCache(plan)
        remembered.decide(make.facts(), make.snapshot())
        assert not remembered._answers
