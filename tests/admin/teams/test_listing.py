from __future__ import annotations

from pathlib import Path

import pytest
from support.control import POLICY

from router.admin.keys import listing as keys_of
from router.admin.keys.listing import NOT_TAKEN
from router.admin.teams.listing import members_of, rows_of, visible, wanted
from router.config.load import load
from router.core.values import Plan
from router.ledger.stored_key import StoredKey
from router.ledger.stored_teams import StoredTeam

TEAMS = "server: {stored_keys: true}\nteams: {own: {budget: {usd_per_day: 2}}, search: {}}\n"


@pytest.fixture
def plan_of(tmp_path: Path):
    def make(rest: str = TEAMS) -> Plan:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY + rest)
        return load(path)

    return make


def key(name: str, sha: str, team: str, **fields) -> StoredKey:
    return StoredKey(sha * 64, {"name": name, "team": team}, 1.0, **fields)


def test_teams_are_those_that_the_policy_a_key_or_a_budget_names(plan_of):
    plan = plan_of()
    keys = keys_of.rows_of(plan, [key("a", "a", "legal"), key("b", "b", "legal", revoked=5.0)], 10.0)
    stored = [StoredTeam("sales", {"usd_per_day": 3}), StoredTeam("own", {"usd_per_day": 4})]
    rows = {row.name: row for row in rows_of(plan, keys, stored)}
    assert list(rows) == ["legal", "own", "sales", "search"]
    assert [(row.keys, row.source, row.budget) for row in rows.values()] == [
        (1, "", None),
        (0, "policy", {"usd_per_day": 2.0}),
        (0, "ledger", {"usd_per_day": 3}),
        (1, "policy", None),
    ]
    assert "the policy names this team" in rows["own"].problems[0] and rows["sales"].problems == []
    assert rows["legal"].version == "none" != rows["sales"].version
    assert [member.name for member in members_of("legal", keys)] == ["a"]


def test_a_budget_that_no_worker_takes_says_so(plan_of):
    (row,) = [row for row in rows_of(plan_of(""), [], [StoredTeam("sales", {})]) if row.name == "sales"]
    assert row.problems == [NOT_TAKEN]


def test_only_what_somebody_sees_and_looks_for(plan_of):
    rows = rows_of(plan_of(), [], [])
    assert [row.name for row in visible(rows, {"own"}.__contains__)] == ["own"]
    assert [row.name for row in wanted(rows, " OW ")] == ["own"]
