"""Every limit of the policy and of stored keys."""

from __future__ import annotations

import json

import msgspec
import pytest
from support.control import API, POLICY

from router.admin.sources.interface import Sources
from router.admin.sources.limits import LedgerBudgets
from router.ledger.stored_teams import open_teams

BUDGETS = """
budget: {usd_per_month: 10, soft: 0.5}
teams: {search: {budget: {cloud: {tokens_per_day: 120}, on_budget_exhausted: local_only}}}
server: {stored_keys: true}
"""


@pytest.fixture
async def plane(start, policy, session_valkey):
    policy.write_text(POLICY + BUDGETS)
    plane = await start(Sources(budgets=LedgerBudgets(session_valkey, lambda: plane.control.desk.plan)))
    return plane


async def uses(plane) -> list[dict]:
    answer = await plane.get("/api/budgets")
    assert answer.status == 200 and answer.json["available"], answer.body
    return answer.json["budgets"]


async def test_limits_with_what_is_used_of_them(plane, settle):
    await settle(API, cost=6_000_000)
    month, day = await uses(plane)
    assert (month["name"], month["amount"], month["used"], month["held"]) == (
        "global: usd_per_month",
        10_000_000,
        6_000_000,
        0,
    )
    assert (month["left"], month["warned"], month["resets"]) == (4_000_000, True, 1_796_079_600.0)
    assert (day["scope"], day["side"], day["used"], day["left"], day["warned"], day["spare_local"]) == (
        "team:search",
        "cloud",
        107,
        13,
        True,
        True,
    )


async def test_what_a_lost_machine_was_lent_is_used_and_explained(plane, settle, valkey):
    await settle(API, cost=6_000_000)
    slices = msgspec.msgpack.encode([1, "worker", 1, 1_000_000_000, 1])
    valkey.hset("be:{ledger}:slices:month:2026-11", "global|all||usd", slices)
    month, day = await uses(plane)
    assert (month["used"], month["charged"], month["left"]) == (7_000_000, 1_000_000, 3_000_000)
    assert month["note"].startswith("$1.000000 of what is used was lent to workers whose machine is lost")
    assert (day["charged"], day["note"]) == (0, "")


async def test_stored_keys_have_limits_for_as_long_as_they_work(plane, valkey, clock):
    for sha256, fields in (("a" * 64, {}), ("b" * 64, {"revoked": 5.0}), ("c" * 64, {"expires": clock.now + 9})):
        entry = {"name": sha256[:3], "team": "x", "budget": {"requests_per_day": 7}}
        valkey.hset("be:{ledger}:keys", sha256, json.dumps({"sha256": "", "entry": entry, "created": 1.0} | fields))

    async def of_keys() -> list[str]:
        return [each["scope"] for each in await uses(plane) if each["scope"].startswith("key:")]

    assert await of_keys() == ["key:aaa", "key:ccc"]
    clock.now += 10
    assert await of_keys() == ["key:aaa"]
    assert {"aaa", "bbb", "ccc"} <= set((await plane.get("/api/spend")).json["choices"]["keys"])


async def test_stored_teams_have_limits_unless_the_policy_names_them(plane, session_valkey):
    async with open_teams(session_valkey) as teams:
        for name in ("search", "sales"):
            await teams.put(name, "none", {"usd_per_day": 3})
    found = {(each["scope"], each["measure"]): each["amount"] for each in await uses(plane)}
    assert found["team:sales", "usd"] == 3_000_000 and ("team:search", "usd") not in found
    some = await plane.control.sources.budgets.uses_of({"team:sales"}, plane.clock.now)
    assert [each.scope for each in some] == ["team:sales"]


async def test_a_policy_without_stored_keys_has_no_limits_of_theirs(plane, valkey):
    entry = {"name": "bot", "budget": {"requests_per_day": 7}}
    valkey.hset("be:{ledger}:keys", "a" * 64, json.dumps({"sha256": "", "entry": entry, "created": 1.0}))
    plane.policy.write_text(POLICY + "budget: {}\nteams: {}\nserver: {stored_keys: false}\n")
    for _ in range(2):  # a content counts once two looks have seen it
        plane.control.desk.look()
    assert await uses(plane) == []
