"""Limits as the ledger has them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from support.alerting import plan_with
from support.control import API, NOON

from router.admin.alerts.conditions.limits import LimitsFillUp, use_of
from router.admin.answers.budgets import BudgetUse
from router.admin.sources.limits import LedgerBudgets
from router.core.alerts.observation import Seen


async def test_what_was_spent_is_seen(session_valkey, settle, monkeypatch):
    plan = plan_with("http://127.0.0.1:9/x")
    monkeypatch.setattr("router.admin.alerts.conditions.limits.REST", 1e9)
    condition = LimitsFillUp(LedgerBudgets(session_valkey, lambda: plan))
    seen = await condition.look(plan, plan.policy.alerts, NOON)
    assert [each.seen for each in seen] == []
    await settle(API, cost=600_000)
    assert await condition.look(plan, plan.policy.alerts, NOON) is None  # a look that took a while comes less often
    monkeypatch.setattr("router.admin.alerts.conditions.limits.REST", 0)
    condition = LimitsFillUp(LedgerBudgets(session_valkey, lambda: plan))
    seen = await condition.look(plan, plan.policy.alerts, NOON)
    assert [each.seen for each in seen] == [Seen.BAD]
    assert seen[0].text == "$0.6 of $1.00 used in the day 2026-11-25."


def test_months_and_figures_that_are_no_money():
    use = BudgetUse(
        scope="key:a|b",
        side="cloud",
        model="",
        measure="tokens",
        period="month",
        amount=100,
        used=7,
        held=1,
        risk=0,
        left=92,
        soft=0.8,
        resets=None,
        name="key a|b: tokens_per_month (cloud)",
        warned=False,
        spare_local=False,
    )
    found = use_of(use, NOON, ZoneInfo("Europe/Berlin"))
    assert (found.begun, found.amount, found.used, found.unit) == ("2026-11", 100, 7, "token")
    assert found.counter == "key:a%7Cb|cloud||tokens"
