"""Who is in some teams only sees and changes nothing of any other, whatever there is: over HTTP, in a real ledger."""

from __future__ import annotations

import json
from itertools import combinations
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.control import ADMIN, POLICY, Plane
from valkey import Valkey

from router.admin.sources.interface import Sources
from router.admin.sources.limits import LedgerBudgets
from router.core.values import Cell
from router.ledger.redis_keys import KEYS_KEY, TEAMS_KEY, pack_cell

TEAMS = ["alpha-team", "beta-team", "gamma-team", "search"]
KEYS = ["key-one", "key-two", "key-three", "key-four", "key-five"]
OWN_POLICY = POLICY + "server: {stored_keys: true}\nteams: {gamma-team: {budget: {usd_per_day: 2}}}\n"
DAY, TOTALS = "2026-11-25", [3, 0, 100, 0, 20, 7_000_000, 0, 0, 0, 0]
BUDGET = {"usd_per_day": 5}
ENDS = {"works": {}, "revoked": {"revoked": 2.0}, "expired": {"expires": 2.0}, "replaced": {"replaced_by": "f" * 64}}
SPENT = msgspec.msgpack.encode([7_000_000, 120, 3])

stored_keys = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(TEAMS), st.sampled_from(sorted(ENDS))), max_size=8
)
worlds = st.tuples(stored_keys, st.sets(st.sampled_from(TEAMS)), st.sets(st.sampled_from([*TEAMS, "elsewhere"])))


@pytest.fixture
async def plane(start, policy, session_valkey) -> Plane:
    policy.write_text(OWN_POLICY)
    plane = await start(Sources(budgets=LedgerBudgets(session_valkey, lambda: plane.control.desk.plan)))
    return plane


def fill(valkey: Valkey, keys: list[tuple[str, str, str]], budgets: set[str]) -> dict[str, str]:
    """Team by id of a key, those of the policy among them."""
    valkey.flushall()
    found = {"0" * 16: "search"}
    for number, (name, team, state) in enumerate(keys, 1):
        sha256 = f"{number:016x}" + "a" * 48
        entry = {"name": name, "team": team, "budget": BUDGET}
        value = json.dumps({"sha256": "", "entry": entry, "created": 1.0} | ENDS[state])
        valkey.hset(KEYS_KEY, sha256, value)
        found[sha256[:16]] = team
        cell = pack_cell(Cell("api", "cloud", "chat", team, name))
        valkey.hset(f"be:{{ledger}}:day:{DAY}", cell, msgspec.msgpack.encode(TOTALS))
        for scope in (f"key:{name}", f"team:{team}"):
            for period in (f"day:{DAY}", f"month:{DAY[:7]}"):
                valkey.hset(f"be:{{ledger}}:spent:{period}", f"{scope}|cloud|", SPENT)
    valkey.sadd("be:{ledger}:zones", "cloud")
    for team in budgets:
        valkey.hset(TEAMS_KEY, team, json.dumps({"name": team, "budget": BUDGET}))
    return found


def spent_by(keys: list[tuple[str, str, str]], teams: set[str]) -> int:
    """Requests: a cell of each name and team that there is, however often."""
    return TOTALS[0] * len({(name, team) for name, team, _ in keys if team in teams})


# Each world is asked some hundred questions.
SOME = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SOME
@given(world=worlds)
async def test_a_member_sees_and_changes_nothing_of_another_team(plane, valkey, world):
    await sees_and_changes_nothing_of_others(plane, valkey, world)


@pytest.mark.prove
@settings(SOME, max_examples=100)
@given(world=worlds)
async def test_a_member_sees_and_changes_nothing_of_another_team_in_many_worlds(plane, valkey, world):
    await sees_and_changes_nothing_of_others(plane, valkey, world)


async def sees_and_changes_nothing_of_others(plane: Plane, valkey: Valkey, world) -> None:
    keys, budgets, own = world
    team_of = fill(valkey, keys, budgets)
    before = valkey.hgetall(KEYS_KEY), valkey.hgetall(TEAMS_KEY)
    cookie, session = plane.control.sessions.open("member", "ada", teams=frozenset(own))
    headers = {"cookie": f"breakeven_session={cookie}", "x-csrf-token": session.csrf}
    others = {name for name, team, _ in keys if team not in own} - {name for name, team, _ in keys if team in own}
    hidden = [name.encode() for name in {*others, *(set(TEAMS) - own), *(() if "search" in own else ("app",))}]

    async def ask(path: str, method: str = "GET", **options):
        answer = await plane.ask(method, path, headers=headers | options.pop("headers", {}), **options)
        # What was asked for may be told again in a refusal.
        told = answer.body if answer.status == 200 else b""
        assert [name for name in hidden if b'"' + name + b'"' in told or name + b":" in told] == [], (path, told)
        return answer

    listed = (await ask("/api/keys?limit=200")).json
    assert {key["id"] for key in listed["keys"]} == {id for id, team in team_of.items() if team in own}
    assert listed["total"] == len(listed["keys"]) and set(listed["teams"]) <= own and listed["choices"] is None
    mixed = {name for name, team, _ in keys if team not in own}
    assert all(key["spent_micro_usd"] == 0 and not key["limits"] for key in listed["keys"] if key["name"] in mixed)
    for id, team in team_of.items():
        status = (await ask(f"/api/keys/{id}")).status
        assert status == (200 if team in own else 404)
        writes = (("PUT", "", {}), ("POST", "/rotate", {}), ("POST", "/revoke", None))
        for method, action, body in writes:
            answer = await ask(f"/api/keys/{id}{action}", method, headers={"if-match": "x"}, json=body)
            assert (answer.status, answer.code) == (403, "not_allowed")
    known = {*TEAMS, "elsewhere"}
    teams = (await ask("/api/teams?limit=200")).json["teams"]
    assert {team["name"] for team in teams} <= own
    for team in known:
        answer = await ask(f"/api/teams/{quote(team)}")
        assert answer.status == (200 if team in {each["name"] for each in teams} else 404)
        spend = await ask(f"/api/spend?team={quote(team)}&by=key")
        assert spend.status == (200 if team in own else 404)
        if spend.status == 200:
            assert {row["name"] for row in spend.json["rows"]} <= {name for name, its, _ in keys if its == team}
            assert spend.json["total"]["requests"] == spent_by(keys, {team})
        for method, body in (("PUT", {"budget": BUDGET}), ("DELETE", None)):
            answer = await ask(f"/api/teams/{quote(team)}/budget", method, headers={"if-match": "none"}, json=body)
            assert (answer.status, answer.code) == (403, "not_allowed")
    for use in (await ask("/api/budgets")).json["budgets"]:
        kind, _, name = use["scope"].partition(":")
        assert name in own if kind == "team" else (kind == "key" and name not in mixed)
    for some in (*combinations(sorted(known), 2), (*sorted(own), "search", "search"), sorted(known)):
        for by in ("key", "team", "backend"):
            spend = await ask(f"/api/spend?by={by}&{'&'.join(f'team={quote(team)}' for team in some)}")
            assert spend.status == (200 if set(some) <= own else 404)
            if spend.status == 200:
                assert spend.json["total"]["requests"] == spent_by(keys, set(some))
                assert spend.json["teams"] == sorted(set(some))
    for query in ("", "range=30d&by=key"):
        spend = await ask(f"/api/spend?{query}")
        assert spend.status == (200 if own else 404)
        assert not own or spend.json["total"]["requests"] == spent_by(keys, own)
    for some in ((), *combinations(sorted(known), 1), sorted(known)):
        glance = await ask(f"/api/spend/glance?{'&'.join(f'team={quote(team)}' for team in some)}")
        assert glance.status == (200 if own and set(some) <= own else 404)
        if glance.status == 200:
            assert glance.json["month"]["requests"] == spent_by(keys, set(some) or own)
    for path in ("/api/requests", "/api/worth", "/api/policy", "/api/backends", "/metrics", "/api/events"):
        assert (await ask(path)).status == 403
    assert (valkey.hgetall(KEYS_KEY), valkey.hgetall(TEAMS_KEY)) == before


async def test_an_admin_sees_all_of_it(plane, valkey):
    team_of = fill(valkey, [("key-one", "alpha-team", "works"), ("key-one", "beta-team", "revoked")], {"beta-team"})
    listed = (await plane.get("/api/keys", ADMIN)).json
    assert {key["id"] for key in listed["keys"]} == set(team_of)
    assert [key["spent_micro_usd"] for key in listed["keys"] if key["name"] == "key-one"] == [7_000_000] * 2


async def test_pages_of_members_open_for_them(plane, valkey):
    cookie, _ = plane.control.sessions.open("member", "ada", teams=frozenset({"alpha-team"}))
    answer = await plane.ask("GET", "/", headers={"cookie": f"breakeven_session={cookie}"})
    assert (answer.status, answer.headers["location"]) == (303, "/teams")
    for page in ("/spend", "/keys", "/teams"):
        assert (await plane.ask("GET", page, headers={"cookie": f"breakeven_session={cookie}"})).status == 200
