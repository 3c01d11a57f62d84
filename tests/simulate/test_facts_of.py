from __future__ import annotations

import pytest
from support.simulating import POLICY, ask, plan

from router.core.values import Label, Permits
from router.simulate import facts_of
from router.simulate.facts_of import FactsMaker, reading_of

KEYS = f"""
keys:
  - {{name: app, team: search, sha256: "{"a" * 64}"}}
"""


def test_what_was_recorded_is_what_is_decided_on():
    request = ask(model="chat", endpoint="completions", estimated_input=1500, limit=50, quality=0.5, key="app")
    facts = FactsMaker(plan(POLICY + KEYS)).facts(request)

    assert (facts.model, facts.endpoint) == ("chat", "completions")
    assert (facts.input_tokens, facts.max_output_tokens) == (1500, 50)
    assert (facts.quality_floor, facts.key.team, facts.modalities) == (0.5, "search", {"text"})


def test_what_was_not_recorded_is_the_policy_s_own():
    made = FactsMaker(plan())
    facts = made.facts(ask())

    assert (facts.model, facts.input_tokens, facts.labels[0].level) == ("chat", 1000, "internal")
    assert facts.key.name == "nobody" and not any(made.unknown.values())


def test_labels_are_those_that_it_was_given():
    made = FactsMaker(plan())
    first = made.facts(ask(level="restricted", tags=("patient",)))

    assert first.labels == (Label("restricted", ("patient",), "recorded"),)
    assert made.facts(ask(level="restricted", tags=("patient",))).labels is first.labels
    assert made.facts(ask(tags=("patient",))).labels == (Label(None, ("patient",), "recorded"),)


def test_what_the_policy_does_not_have_is_counted():
    made = FactsMaker(plan(POLICY + KEYS))
    for _ in range(2):
        facts = made.facts(ask(model="other", key="stranger", team="sales", level="secret"))

    assert (facts.model, facts.key.name, facts.key.team) == ("other", "stranger", "sales")
    assert facts.key.permits == Permits()
    assert made.unknown == {"model": {"other": 2}, "key": {"stranger": 2}, "level": {"secret": 2}}
    for number in range(200):
        made.facts(ask(model=f"m{number}"))
    assert len(made.unknown["model"]) == 100


def test_names_that_come_from_elsewhere_do_not_add_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facts_of, "_MOST", 3)
    made = FactsMaker(plan())
    for number in range(10):
        made.facts(ask(key=f"k{number}", tags=(f"t{number}",)))

    assert len(made._others) <= 3 and len(made._labels) <= 3


def test_holds_are_made_from_what_is_known():
    request = ask(limit=50)
    reading = reading_of(request, FactsMaker(plan()).facts(request))

    assert (reading.input_tokens, reading.max_output_tokens, reading.input_bound) == (1000, 50, 3256)
