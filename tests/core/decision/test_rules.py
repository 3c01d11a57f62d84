from __future__ import annotations

from typing import Any

import pytest

from router.core.decision.rules import NOTHING, applied, reaches, within

LEVELS = {"public": ["local", "cloud"], "internal": ["local", "cloud"], "secret": ["local"]}


def effect(
    make, rules: list[dict[str, Any]], level: str = "internal", tags: tuple[str, ...] = (), hour: int = 12, **facts
):
    plan = make.plan(sensitivity={"levels": LEVELS}, rules=rules)
    return applied(plan, make.facts(**facts), "chat", level, tags, hour)


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("00-06", [0, 5], [6, 23]),
        ("09-17", [9, 16], [8, 17]),
        ("22-04", [22, 23, 0, 3], [4, 21]),
        ("22-24", [22, 23], [0, 21]),
        ("00-24", [0, 12, 23], []),
        ("06-06", [0, 6, 23], []),
    ],
)
def test_hours(hours: str, inside: list[int], outside: list[int]):
    assert [hour for hour in inside if not within(hours, hour)] == []
    assert [hour for hour in outside if within(hours, hour)] == []


def test_no_rules_change_nothing(make):
    assert effect(make, []) is NOTHING


@pytest.mark.parametrize(
    ("when", "holds", "differs"),
    [
        ({"tag": "batch"}, {"tags": ("eu", "batch")}, {"tags": ("eu",)}),
        ({"level": "internal"}, {"level": "internal"}, {"level": "secret"}),
        ({"model": "chat"}, {}, None),
        ({"team": "search"}, {}, {"team": "ads"}),
        ({"key": "app"}, {}, {"key": "other"}),
        ({"endpoint": "chat"}, {}, {"endpoint": "embeddings"}),
        ({"hours": "22-04"}, {"hour": 23}, {"hour": 12}),
        ({}, {}, None),
    ],
)
def test_conditions(make, when: dict[str, str], holds: dict[str, Any], differs: dict[str, Any] | None):
    rules = [{"name": "r", "when": when, "quality_floor": 0.5, "cost": {"strategy": "cloud_first"}}]
    result = effect(make, rules, **holds)
    assert (result.names, result.quality_floor) == (("r",), 0.5)
    assert result.cost is not None
    assert result.cost.strategy == "cloud_first"
    if differs is not None:
        if "team" in differs or "key" in differs:
            differs = {"key": make.key(differs.get("key", "app"), team=differs.get("team", "search"))}
        assert effect(make, rules, **differs) == NOTHING


def test_a_rule_for_another_model_does_not_hold(make):
    plan = make.plan(rules=[{"name": "r", "when": {"model": "chat"}}])
    assert applied(plan, make.facts(), "other", "", (), 0) == NOTHING


def test_all_conditions_must_hold(make):
    rules = [{"name": "r", "when": {"tag": "batch", "hours": "00-06"}, "quality_floor": 0.5}]
    assert effect(make, rules, tags=("batch",), hour=3).names == ("r",)
    assert effect(make, rules, tags=("batch",), hour=12) == NOTHING
    assert effect(make, rules, hour=3) == NOTHING


def test_the_first_rule_that_holds_sets_strategy_and_floor(make):
    rules = [
        {"name": "never", "when": {"tag": "x"}, "quality_floor": 0.9},
        {"name": "first", "when": {}, "cost": {"strategy": "local_first"}},
        {"name": "second", "when": {}, "cost": {"strategy": "cloud_first"}, "quality_floor": 0.8},
    ]
    result = effect(make, rules)
    assert result.names == ("first",)
    assert result.cost is not None
    assert result.cost.strategy == "local_first"
    assert result.quality_floor == 0


def test_every_rule_that_holds_narrows_the_zones(make):
    rules = [
        {"name": "first", "when": {}, "zones": ["local", "cloud-eu"]},
        {"name": "no zones", "when": {}},
        {"name": "second", "when": {}, "zones": ["cloud-eu", "cloud"]},
    ]
    result = effect(make, rules)
    assert result.names == ("first", "second")
    assert result.zones == {"cloud-eu"}


def test_a_rule_may_leave_no_zone(make):
    assert effect(make, [{"name": "stop", "when": {}, "zones": []}]).zones == frozenset()


def test_a_rule_for_a_level_narrows_the_more_restricted_levels_too(make):
    rules = [{"name": "r", "when": {"level": "internal"}, "zones": ["local"], "cost": {"strategy": "cloud_first"}}]
    assert effect(make, rules, level="public") == NOTHING
    secret = effect(make, rules, level="secret")
    assert (secret.names, secret.zones, secret.cost) == (("r",), {"local"}, None)


@pytest.mark.parametrize(
    ("level", "least", "expected"),
    [("b", "a", True), ("b", "b", True), ("b", "c", False), ("b", "unknown", False), ("", "a", False)],
)
def test_reaches(level: str, least: str, expected: bool):
    assert reaches(("a", "b", "c"), level, least) is expected


@pytest.mark.parametrize(
    ("when", "model", "holds"), [("gpt-*", "gpt-4o", True), ("gpt-*", "chat", False), ("*", "chat", True)]
)
def test_a_rule_may_be_for_a_pattern(make, when, model, holds):
    plan = make.plan(rules=[{"name": "r", "when": {"model": when}, "zones": ["local"]}])
    assert bool(applied(plan, make.facts(), model, "", (), 0).names) is holds
