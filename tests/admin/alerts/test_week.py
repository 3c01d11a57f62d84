"""The figures of a week, from a real ledger: the same as those of "Worth it?"."""

from __future__ import annotations

from support.alerting import plan_with
from support.control import API, GPU, NOON

from router.admin.alerts.week import Weeks, near_of
from router.admin.answers.budgets import BudgetUse
from router.admin.ledger_session import LedgerSession
from router.admin.sources.interface import NoBudgets
from router.core.values import Cell

PLAN = plan_with("http://127.0.0.1:9/x")
DAY = 86_400.0
BOT = Cell("api", "cloud", "chat", "legal", "bot")


async def test_it_is_the_seven_days_that_are_over_and_those_before(session_valkey, settle, rent, clock):
    await settle(API, NOON, cost=777_000_000)  # today, which is not over
    await settle(API, NOON - DAY, cost=30_000_000)
    await settle(BOT, NOON - 7 * DAY, cost=50_000_000)
    await settle(GPU, NOON - 2 * DAY, cost=0, counterfactual=40_000_000)
    await settle(API, NOON - 8 * DAY, cost=20_000_000)
    await rent({"busy": 10_000_000, "idle": 5_000_000}, "2026-11-23")
    weeks = Weeks(LedgerSession(session_valkey, clock), NoBudgets())
    week = await weeks.last(PLAN, NOON)
    assert (week.first, week.last, week.requests) == ("2026-11-18", "2026-11-24", 3)
    assert (week.net.cloud_alone, week.net.bought, week.net.rent) == (120 * 10**9, 80 * 10**9, 15 * 10**9)
    assert week.before.bought == 20 * 10**9
    legal, search = week.teams
    assert (legal.team, legal.bought, legal.requests, legal.bought_before) == ("legal", 50.0, 1, 0.0)
    assert (search.team, search.bought, search.rent, search.bought_before) == ("search", 30.0, 10.0, 20.0)
    assert week.hours_on == [("gpu", 2 / 3600)] and week.gpus[0].net.net == 25 * 10**9


def test_limits_that_are_near_come_fullest_first():
    def use(used: float, period: str = "day", amount: float = 100) -> BudgetUse:
        return BudgetUse(
            scope="global", measure="usd", period=period, amount=amount, used=used, held=0, left=0, name=f"{used}"
        )

    found = near_of([use(60), use(90), use(40), use(99, "minute"), use(5, amount=0)])
    assert [each.share for each in found] == [0.9, 0.6]
