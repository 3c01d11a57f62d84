"""A GPU's week in a real ledger."""

from __future__ import annotations

from support.alerting import plan_with
from support.control import GPU, NOON

from router.admin.alerts.conditions.gpu import GpuLoses
from router.admin.ledger_session import LedgerSession
from router.core.alerts.observation import Seen

PLAN = plan_with("http://127.0.0.1:9/x", "  gpu_loses: {days: 2, usd: 10}\n")
DAY = 86_400.0


async def test_it_is_told_with_the_figures_of_worth_it(session_valkey, settle, rent, clock):
    condition = GpuLoses(LedgerSession(session_valkey, clock))
    await settle(GPU, NOON - DAY, cost=0, counterfactual=5_000_000)
    await rent({"busy": 9_000_000, "idle": 1_000_000}, "2026-11-24")
    (seen,) = await condition.look(PLAN, PLAN.policy.alerts, NOON)
    assert seen.seen is Seen.BETWEEN  # it was paid for one day only
    await rent({"idle": 6_000_000}, "2026-11-23")
    (seen,) = await condition.look(PLAN, PLAN.policy.alerts, NOON)
    assert (seen.seen, seen.subject) == (Seen.BAD, "gpu")
    assert seen.text == "From 2026-11-23 to 2026-11-24 it lost $11: $5.00 of the cloud's bill against $16 of rent."


async def test_what_it_costs_today_is_not_yet_a_day(session_valkey, settle, rent, clock):
    condition = GpuLoses(LedgerSession(session_valkey, clock))
    await rent({"idle": 900_000_000}, "2026-11-25")
    (seen,) = await condition.look(PLAN, PLAN.policy.alerts, NOON)
    assert seen.seen is Seen.BETWEEN
