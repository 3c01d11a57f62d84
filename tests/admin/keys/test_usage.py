from __future__ import annotations

from support.control import API, GPU, NOON

from router.admin.keys.usage import Usage, usage_of
from router.core.values import Usage as Tokens
from router.ledger.reports.totals import open_report

DAY = 86_400.0


async def usage(url: str, *scopes: str, today: str = "2026-11-25"):
    async with open_report(url) as report:
        return await usage_of(report, scopes, today)


async def test_what_a_scope_spent_in_a_month_is_over_all_zones(settle, session_valkey):
    await settle(API, cost=2_000_000, usage=Tokens(input=10, output=5))
    await settle(GPU, NOON - 20 * DAY, cost=500_000, usage=Tokens(input=100, output=1))
    await settle(API, NOON - 30 * DAY, cost=9_000_000)
    found = await usage(session_valkey, "key:app", "team:search", "key:nobody")
    assert found["key:app"] == found["team:search"] == Usage(2_500_000, 116, "2026-11-25")
    assert found["key:nobody"] == Usage()


async def test_the_last_use_is_a_day_or_of_earlier_use_a_month(settle, session_valkey):
    await settle(API, NOON - 2 * DAY)
    assert (await usage(session_valkey, "key:app"))["key:app"].last_used == "2026-11-23"
    for today, last in (("2026-11-27", "2026-11"), ("2026-12-31", "2026-11"), ("2027-01-01", "")):
        assert (await usage(session_valkey, "key:app", today=today))["key:app"].last_used == last


async def test_without_any_traffic_nothing_was_used(valkey, session_valkey):
    assert await usage(session_valkey, "key:app") == {"key:app": Usage()}
    assert await usage(session_valkey) == {}
