"""What workers and budgets report to a control plane, made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from router.admin.response_types import BudgetUse, WorkerReport
from router.admin.sources.interface import Seen, WorkerStatus


class Workers:
    async def statuses(self) -> Sequence[WorkerStatus]:
        report = WorkerReport(id="a", seen=1.0, policy="v")
        return [WorkerStatus(report=report, backends={"gpu": Seen(waiting=2, running=8, kv_cache=0.5), "api": Seen()})]

    async def openings(self) -> Mapping[str, Sequence[float]]:
        return {"gpu": [20.0, 10.0]}


class Budgets:
    available = True

    async def uses(self, now: float) -> Sequence[BudgetUse]:
        return [BudgetUse(scope="team:search", measure="usd", period="month", amount=100, used=60, held=10, left=30)]
