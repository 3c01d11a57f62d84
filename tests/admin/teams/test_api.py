"""Teams over HTTP, in a real ledger."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from support.control import ADMIN, API, POLICY, Answer, Plane

from router.admin.sources.interface import Sources
from router.admin.sources.limits import LedgerBudgets
from router.core.audit.entry import read_entry
from router.ledger.audit import open_audit

DAILY = {"usd_per_day": 5, "models": {"chat": {"requests_per_day": 2}}}


@pytest.fixture
async def teams(start, policy, session_valkey) -> Plane:
    """A control plane whose policy takes teams of the ledger, and names one."""
    policy.write_text(POLICY + "server: {stored_keys: true}\nteams: {own: {budget: {usd_per_day: 2}}}\n")
    plane = await start(Sources(budgets=LedgerBudgets(session_valkey, lambda: plane.control.desk.plan)))
    return plane


async def put(plane: Plane, name: str, budget: dict, seen: str = "none") -> Answer:
    path = f"/api/teams/{quote(name, safe='')}/budget"
    return await plane.ask("PUT", path, ADMIN, {"if-match": seen}, json={"budget": budget})


async def test_a_budget_is_set_changed_and_removed_and_two_at_once_are_told_apart(teams):
    made = await put(teams, "search", DAILY)
    assert made.status == 200 and (made.json["source"], made.json["budget"]) == ("ledger", DAILY), made.body
    late = await put(teams, "search", {"usd_per_day": 6})
    assert (late.status, late.code, late.json["error"]["version"]) == (412, "changed", made.json["version"])
    edited = await put(teams, "search", {"usd_per_day": 6}, made.json["version"])
    assert edited.json["budget"] == {"usd_per_day": 6}
    remove = "/api/teams/search/budget"
    assert (await teams.ask("DELETE", remove, ADMIN, {"if-match": made.json["version"]})).code == "changed"
    assert (await teams.ask("DELETE", remove, ADMIN)).code == "version_needed"
    gone = await teams.ask("DELETE", remove, ADMIN, {"if-match": edited.json["version"]})
    assert (gone.status, gone.json["budget"], gone.json["keys"]) == (200, None, 1)


async def test_a_team_has_its_keys_its_spend_and_what_is_left(teams, settle):
    await put(teams, "search", DAILY)
    await settle(API, cost=1_500_000)
    row = (await teams.get("/api/teams/search")).json
    assert [member["name"] for member in row["members"]] == ["app"]
    assert (row["spent_micro_usd"], row["last_used"]) == (1_500_000, "2026-11-25")
    assert [(limit["name"], limit["left"]) for limit in row["limits"]] == [
        ("team search: usd_per_day", 3_500_000),
        ("team search: requests_per_day (model chat)", 1),
    ]
    answer = (await teams.get("/api/teams?search=SEA")).json
    assert [each["name"] for each in answer["teams"]] == ["search"] and answer["total"] == 1
    assert answer["teams"][0]["limits"] == row["limits"] and answer["month"] == "2026-11"


async def test_what_the_policy_names_is_changed_there(teams):
    refused = await put(teams, "own", {"usd_per_day": 6})
    assert (refused.status, refused.code) == (409, "in_policy")
    (own,) = (await teams.get("/api/teams?search=own")).json["teams"]
    assert (own["source"], own["budget"]) == ("policy", {"usd_per_day": 2.0})


@pytest.mark.parametrize(
    ("name", "budget", "said"),
    [
        ("search", {}, "no limit"),
        ("search", {"usd_per_week": 1}, "usd_per_week"),
        ("search", {"usd_per_day": -1}, "must be at least 0"),
        ("search", {"models": {"cha": {"usd_per_day": 1}}}, 'there is no model "cha"'),
        ("x" * 5000, {"usd_per_day": 1}, "at most 128 characters"),
        ("two words", {"usd_per_day": 1}, "a name may not contain spaces"),
    ],
)
async def test_what_cannot_count_is_refused_with_what_is_wrong(teams, name, budget, said):
    answer = await put(teams, name, budget)
    assert (answer.status, answer.code) == (400, "bad_budget")
    assert said in answer.json["error"]["message"] and len(answer.json["error"]["message"]) < 1000


@pytest.mark.parametrize("name", ["فريق", "🚀🚀", "<b>x</b>", "a/b", "100%", "a?b#c"])
async def test_names_in_any_script_come_back_as_they_are(teams, name):
    assert (await put(teams, name, DAILY)).json["name"] == name
    assert (await teams.get(f"/api/teams/{quote(name, safe='')}")).json["budget"] == DAILY


async def test_no_budget_is_set_that_no_worker_would_take(plane):
    assert (await put(plane, "search", DAILY)).code == "keys_not_taken"


async def test_a_team_that_nothing_names_is_not_found(teams):
    assert (await teams.get("/api/teams/nobody")).code == "unknown_team"
    gone = await teams.ask("DELETE", "/api/teams/nobody/budget", ADMIN, {"if-match": "none"})
    assert (gone.status, gone.code) == (404, "unknown_team")


async def test_every_change_is_in_the_audit(teams, session_valkey):
    made = await put(teams, "search", DAILY)
    edited = await put(teams, "search", {"usd_per_day": 6}, made.json["version"])
    await teams.ask("DELETE", "/api/teams/search/budget", ADMIN, {"if-match": edited.json["version"]})
    async with open_audit(session_valkey) as chain:
        entries = [read_entry(line) async for line in chain.lines()]
    assert [entry.action for entry in entries] == ["team.make", "team.edit", "team.remove"]
    assert (entries[1].old, entries[1].new) == (DAILY, {"usd_per_day": 6})
