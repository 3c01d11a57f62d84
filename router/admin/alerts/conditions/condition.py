"""What every condition is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.values import Plan


class Condition(Protocol):
    @property
    def name(self) -> ConditionName: ...

    @property
    def every(self) -> float:
        """Seconds between two looks."""
        ...

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        """What there is to be seen, all of it; None when nothing can be told just now. Raises `LedgerUnavailable`."""
        ...
