"""What workers and budgets report to a control plane, made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from router.admin.answers.budgets import BudgetUse
from router.admin.answers.operations import WorkerReport
from router.admin.answers.power import PowerChange, PowerReport
from router.admin.sources.interface import Seen, WorkerStatus
from router.core.power.terms import Order


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


POWER = "power: {driver: command, start: {run: [start]}, stop: {run: [stop]}, look: {run: [look]}},"
REPORT = PowerReport(
    phase="on",
    since=1_770_000_000.0,
    units=1,
    ready=1,
    wanted=1,
    reason="saves",
    explanation="A unit would save $2.40 an hour, by the last hour's mean, and its rent is $1.00.",
    next="Unit 1 is stopped when it would save less than $0.80 an hour; now it would save $2.40.",
    failing="exited with status 1",
    changes=[
        PowerChange(
            at=1_770_000_000.0,
            before="off",
            after="starting",
            units=1,
            reason="saves",
            explanation="A unit would save $2.00 an hour.",
            who="gw1",
        )
    ],
)


class Power:
    """The units of gpu, and the orders that were given."""

    def __init__(self) -> None:
        self.report = REPORT
        self.orders: list[tuple[str, str, str]] = []

    async def units(self) -> Mapping[str, PowerReport]:
        return {"gpu": self.report}

    async def order(self, backend: str, order: Order, who: str) -> None:
        self.orders.append((backend, order.value, who))
        self.report = replace(self.report, order=order.value, ordered_by=who)
