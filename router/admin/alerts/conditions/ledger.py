"""Whether this gateway reaches the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from router.admin.ledger_session import LedgerSession
from router.core.alerts.ledger import observed
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.values import Plan


class LedgerLost:
    name: ConditionName = "ledger_lost"
    every = 2.0

    def __init__(self, gateway: str, books: LedgerSession) -> None:
        self._gateway, self._books = gateway, books

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        why = await self._books.why_lost()
        refused = plan.policy.ledger.on_loss == "refuse"
        return [
            observed(self._gateway, why, clouds_refused=refused, after=alerts.ledger_lost.after, clear=alerts.clear)
        ]
