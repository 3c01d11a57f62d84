"""Backends, as all workers of all gateways see them together."""

from __future__ import annotations

from collections.abc import Sequence

from router.admin.sources.interface import Workers
from router.admin.views.operations import state_of
from router.core.alerts.backends import BackendSight, observed
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.values import Plan


class BackendsDown:
    name: ConditionName = "backend_down"
    every = 5.0

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        live = [each for each in await self._workers.statuses() if not each.report.silent]
        sights = []
        for name in plan.policy.backends:
            seen = [status.backends[name] for status in live if name in status.backends]
            why = next((each.why for each in seen if not each.healthy), "")
            sights.append(BackendSight(name, state_of(seen), why))
        return list(observed(sights, alerts.backend_down.after, alerts.clear))
