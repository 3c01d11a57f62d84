"""Looks at every condition now and then, and writes what has changed, with what is to be told of it.

Every gateway of a ledger does so. None needs a lease: what one has written the others find, and a change that two have
seen is written by whoever comes first.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence

from router.admin.alerts.conditions.condition import Condition
from router.admin.errors import ApiError
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.alerts.routes import lanes_of
from router.core.alerts.states import Move, moves
from router.core.values import Plan
from router.ledger.alerts import AlertBook, AlertsLook
from router.ledger.errors import LedgerUnavailable

TICK_SECONDS = 5.0

log = logging.getLogger("breakeven.alerts")


class Watcher:
    """Of the conditions that one book keeps. `plan` is the policy in force."""

    def __init__(self, book: AlertBook, conditions: Sequence[Condition], plan: Callable[[], Plan]) -> None:
        self._book, self._conditions, self._plan = book, conditions, plan
        self._next: dict[ConditionName, float] = {}
        """When a condition is looked at again, by a clock that is not set."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.tick()
            except LedgerUnavailable:
                pass  # what happened meanwhile is seen afterwards
            except Exception:  # a defect of ours: the next look must come all the same
                log.exception("alerts not looked at")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> list[Move]:
        """What was written. Raises `LedgerUnavailable`."""
        plan = self._plan()
        alerts = plan.policy.alerts
        if alerts is None:
            return []
        # Read first: what is seen below is newer than what it is compared with, so that nothing old is written.
        look = await self._book.look()
        seen: list[Observation] = []
        looked_at: set[ConditionName] = set()
        for condition in self._conditions:
            began = time.monotonic()
            if began < self._next.get(condition.name, 0.0):
                continue
            found = await _seen(condition, plan, alerts, look.now)
            if found is not None:
                self._next[condition.name] = began + condition.every
                looked_at.add(condition.name)
                seen += found
        return await self._write(look, alerts, moves(look.kept, seen, looked_at, look.now, _new_id, alerts.clear))

    async def _write(self, look: AlertsLook, alerts: Alerts, made: Sequence[Move]) -> list[Move]:
        told = [(move, lanes_of(move.notice, alerts) if move.notice is not None else ()) for move in made]
        written = await self._book.write(look, told)
        ours = [move for move, done in zip(made, written, strict=True) if done]
        for move in ours:
            if move.notice is not None:
                extra = {"alert": move.notice.title, "state": move.notice.state, "alert_id": move.notice.id}
                log.warning("alert", extra=extra)
        return ours


async def _seen(condition: Condition, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
    """None when it cannot be told: the others are looked at all the same."""
    try:
        return await condition.look(plan, alerts, now)
    except (LedgerUnavailable, ApiError):
        return None
    except Exception:
        log.exception("alert not looked at", extra={"condition": condition.name})
        return None


def _new_id() -> str:
    return secrets.token_hex(8)
