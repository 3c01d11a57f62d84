from __future__ import annotations

from pathlib import Path

import pytest

from router.config.load import load
from router.config.stored_teams import has_limits, limits_in_force, misfits, working_budgets
from router.core.values import Plan

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends: {b: {zone: local, kind: vllm, url: "http://x/v1", serves: {chat: m}}}
models: {chat: {backends: [b]}}
keys: [{name: app, sha256: "%s", budget: {usd_per_day: 1}}]
teams: {own: {budget: {usd_per_day: 2}}, free: {}}
"""
STORED = "server: {stored_keys: true}\n"


@pytest.fixture
def plan_of(tmp_path: Path):
    def make(rest: str = STORED) -> Plan:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY % ("0" * 64) + rest)
        return load(path)

    return make


def test_a_team_that_the_policy_names_is_the_policys_with_a_budget_or_without(plan_of):
    entries = {name: {"usd_per_day": 9} for name in ("own", "free", "search")}
    budgets, problems = working_budgets(plan_of(), entries)
    assert {name: budget.usd_per_day for name, budget in budgets.items()} == {"search": 9.0}
    assert len(problems) == 2 and all("the policy names this team" in problem for problem in problems)


def test_a_policy_that_takes_no_keys_of_the_ledger_takes_no_teams_either(plan_of):
    assert working_budgets(plan_of(""), {"search": {"usd_per_day": 9}}) == ({}, ())


def test_what_is_no_budget_does_not_count_and_is_said(plan_of):
    budgets, problems = working_budgets(plan_of(), {"odd": {"wishes_per_day": 1}, "two words": {}})
    assert budgets == {} and "wishes_per_day" in problems[0] and "a name may not contain spaces" in problems[1]


def test_a_budget_of_a_model_that_is_not_there_is_said(plan_of):
    assert misfits(plan_of(), "search", {"models": {"chat": {"usd_per_day": 1}}}) == ()
    (problem,) = misfits(plan_of(), "search", {"models": {"cha": {"usd_per_day": 1}}})
    assert 'there is no model "cha"; did you mean "chat"?' in problem
    with pytest.raises(ValueError, match="must be at least 0"):
        misfits(plan_of(), "search", {"usd_per_day": -1})


def test_all_limits_that_are_in_force(plan_of):
    keys = {"a" * 64: {"name": "batch", "team": "search", "budget": {"usd_per_day": 3}}}
    found = limits_in_force(plan_of(), keys, {"search": {"usd_per_day": 4}, "own": {"usd_per_day": 5}})
    assert sorted((limit.scope, limit.amount // 10**9) for limit in found) == [
        ("key:app", 1),
        ("key:batch", 3),
        ("team:own", 2),
        ("team:search", 4),
    ]


def test_a_budget_that_limits_nothing_is_known() -> None:
    assert has_limits({"usd_per_day": 5}) and has_limits({"models": {"m": {"local": {"usd_per_day": 0}}}})
    assert not has_limits({}) and not has_limits({"soft": 0.5, "on_budget_exhausted": "local_only", "cloud": {}})
