"""Hours in a real ledger, beside those of four weeks."""

from __future__ import annotations

import pytest
from support.alerting import plan_with
from support.control import API, GPU, NOON

from router.admin.alerts.conditions.spend import UnusualSpend
from router.admin.ledger_session import LedgerSession
from router.core.alerts.observation import Seen

PLAN = plan_with("http://127.0.0.1:9/x")
HOUR, WEEK = 3600.0, 604_800.0


@pytest.fixture
def condition(session_valkey, clock):
    return UnusualSpend(LedgerSession(session_valkey, clock))


async def look(condition, now: float = NOON):
    (found,) = await condition.look(PLAN, PLAN.policy.alerts, now)
    return found


async def test_a_new_installation_raises_no_alarm(condition, settle):
    await settle(API, NOON - HOUR, cost=500_000_000)
    assert (await look(condition)).seen is Seen.GOOD


async def test_an_hour_that_costs_ten_times_as_much_is_told(condition, settle):
    for week in range(1, 5):
        for hour in range(-3, 3):
            await settle(API, NOON - week * WEEK + hour * HOUR, cost=10_000_000)
            await settle(GPU, NOON - week * WEEK + hour * HOUR, cost=90_000_000)  # which is not the cloud's bill
    await settle(API, NOON - HOUR, cost=10_000_000)
    assert (await look(condition)).seen is Seen.GOOD
    await settle(API, NOON, cost=100_000_000)
    found = await look(condition)
    assert found.seen is Seen.BAD and found.text == "$100 so far in this hour; at this time of the week $10 is usual."
    assert (await look(condition, NOON + 3 * HOUR)).seen is Seen.BAD  # nothing was spent, which is unusual, too
