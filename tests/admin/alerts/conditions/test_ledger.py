"""A ledger that is there, and one that is not."""

from __future__ import annotations

from support.alerting import plan_with
from support.control import NOON

from router.admin.alerts.conditions.ledger import LedgerLost
from router.admin.ledger_session import LedgerSession
from router.core.alerts.observation import Seen

PLAN = plan_with("http://127.0.0.1:9/x")


async def look(url: str, clock):
    (found,) = await LedgerLost("host-1", LedgerSession(url, clock)).look(PLAN, PLAN.policy.alerts, NOON)
    return found


async def test_it_is_seen_whether_it_can_be_reached(session_valkey, clock):
    assert (await look(session_valkey, clock)).seen is Seen.GOOD
    lost = await look("redis://:T0KEN@127.0.0.1:1/0", clock)
    assert (lost.seen, lost.hold) == (Seen.BAD, 15) and "T0KEN" not in lost.text
