"""A key's name that is another team's, too, tells a member no sums, whatever is known of the keys by now."""

from __future__ import annotations

import pytest
from support.control import API, POLICY, Plane

from router.admin.handler_context import Who
from router.admin.keys.foreign_names import foreign_names
from router.admin.sources.interface import Sources
from router.admin.sources.limits import LedgerBudgets
from router.core.values import Cell

LEGAL = Cell("api", "cloud", "chat", "legal", "app")
DAY = 86_400.0


@pytest.fixture
async def plane(start, policy, session_valkey) -> Plane:
    policy.write_text(POLICY.replace("team: search,", "team: search, budget: {usd_per_day: 5},"))
    plane = await start(Sources(budgets=LedgerBudgets(session_valkey, lambda: plane.control.desk.plan)))
    return plane


def member(*teams: str) -> Who:
    return Who("member", None, "10.0.0.9", "ben", frozenset(teams))


async def test_a_key_is_another_teams_too_while_one_of_its_name_is_known_there(plane):
    known = [("search", "app"), ("legal", "app"), ("search", "batch")]
    assert await foreign_names(plane.control, member("search"), known) == {"app"}
    assert await foreign_names(plane.control, member("search", "legal"), known) == frozenset()
    assert await foreign_names(plane.control, Who("admin", None, "10.0.0.9"), known) == frozenset()


@pytest.mark.parametrize("days_ago", [0, 30], ids=["this month", "the last month"])
async def test_and_after_that_for_as_long_as_its_sums_hold_what_was_counted_there(plane, settle, days_ago):
    await settle(API, cost=1_500_000)
    cookie, _ = plane.control.sessions.open("member", "ben", teams=frozenset({"search"}))
    headers = {"cookie": f"breakeven_session={cookie}"}

    async def told() -> tuple[float, int, str, int]:
        (key,) = (await plane.ask("GET", "/api/keys", headers=headers)).json["keys"]
        alone = (await plane.ask("GET", f"/api/keys/{key['id']}", headers=headers)).json
        assert alone == key
        budgets = (await plane.ask("GET", "/api/budgets", headers=headers)).json["budgets"]
        limits = [each for each in (*key["limits"], *budgets) if each["scope"] == "key:app"]
        return key["spent_micro_usd"], key["tokens"], key["last_used"], len(limits)

    assert await told() == (1_500_000, 107, "2026-11-25", 2)
    await settle(LEGAL, plane.clock.now - days_ago * DAY, cost=9_000_000)
    assert await told() == (0, 0, "", 0)


async def test_what_no_sum_that_is_told_holds_any_more_hides_nothing(plane, settle):
    await settle(LEGAL, plane.clock.now - 60 * DAY)
    assert await foreign_names(plane.control, member("search"), [("search", "app")]) == frozenset()
