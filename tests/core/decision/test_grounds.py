"""What records keep of a decision's grounds."""

from __future__ import annotations

from typing import Any

import pytest

from router.core.cost.preference import Side
from router.core.decision.decide import decide
from router.core.decision.grounds import StateNotes, grounds_of, noted
from router.core.values import BackendState, Grounds


def test_a_backend_that_is_healthy_and_free_is_not_noted() -> None:
    states = {
        "gpu": BackendState(full=True, context=8192),
        "openai": BackendState(),
        "down": BackendState(healthy=False, why="circuit open", models=frozenset({"llama"})),
        "cold": BackendState(off="It is off.", coming=True, wakes=False, rests=True, retry_after=41.5),
    }
    assert noted(states) == (
        "gpu full context=8192",
        "down unhealthy lists",
        "cold off coming asleep rests starts=41.5",
    )


def test_the_last_states_are_remembered() -> None:
    notes, states = StateNotes(), {"gpu": BackendState(full=True)}
    assert notes.of({}) == ()
    assert notes.of(states) is notes.of(states)
    assert notes.of({"gpu": BackendState()}) == ()


def test_what_is_usual_is_empty(make: Any) -> None:
    facts, snapshot = make.facts(), make.snapshot(tokens=7)
    decision = decide(facts, make.plan(cost={"strategy": "local_first"}), snapshot)
    assert grounds_of(facts, snapshot, decision, "v", ("gpu full",), "local-first") == Grounds(
        policy="v",
        estimated_input=100,
        seen_input=7,
        previous="cloud",
        states=("gpu full",),
        side="local",
        candidates=("gpu", "openai"),
    )


def test_what_is_unusual_is_told(make: Any) -> None:
    facts = make.facts(
        key=make.key(zones=frozenset({"local", "cloud"})),
        modalities=frozenset({"text", "image"}),
        fetch="outside",
        max_output_tokens=20,
        answers=2,
        quality_floor=0.5,
        uses=("hosted tools",),
        pinned="openai",
    )
    snapshot = make.snapshot(
        {"gpu": BackendState(full=True), "openai": BackendState(full=True)},
        cloud_blocked="lost",
        untranslated="none",
        cloud_price=0.4,
        previous=Side.LOCAL,
    )
    routes = [make.route(name, modalities=frozenset({"text", "image"})) for name in ("gpu", "openai")]
    decision = decide(facts, make.plan(routes), snapshot)
    grounds = grounds_of(facts, snapshot, decision, "v", (), "failover from gpu: reset")
    assert (grounds.modalities, grounds.key_zones, grounds.blocked) == (
        ("image", "text"),
        ("cloud", "local"),
        ("cloud", "translation"),
    )
    assert (grounds.fetch, grounds.uses, grounds.pinned) == ("outside", ("hosted tools",), "openai")
    assert (grounds.answers, grounds.max_output_tokens, grounds.quality_floor) == (2, 20, 0.5)
    assert (grounds.cloud_price, grounds.previous, grounds.decided) == (0.4, "local", "backend_unavailable")


@pytest.mark.parametrize(("why", "blocked"), [("cloud_blocked", "cloud"), ("untranslated", "translation")])
def test_each_of_what_blocks_is_told_by_itself(make: Any, why: str, blocked: str) -> None:
    facts, snapshot = make.facts(), make.snapshot(**{why: "it is so"})
    decision = decide(facts, make.plan(), snapshot)
    assert grounds_of(facts, snapshot, decision, "v", (), "").blocked == (blocked,)


def test_whether_it_waits_is_told(make: Any) -> None:
    facts, snapshot = make.facts(), make.snapshot(dict.fromkeys(("gpu", "openai"), BackendState(full=True)))
    decision = decide(facts, make.plan(), snapshot)
    grounds = grounds_of(facts, snapshot, decision, "v", (), "backend_full")
    assert grounds.waits and set(grounds.candidates) == {"gpu", "openai"}
    assert grounds.decided == decision.waiting[0].reason
