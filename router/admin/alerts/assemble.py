"""What runs for alerts, put together: who looks, who sends, who reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from router.admin.alerts.conditions.backends import BackendsDown
from router.admin.alerts.conditions.condition import Condition
from router.admin.alerts.conditions.gpu import GpuLoses
from router.admin.alerts.conditions.ledger import LedgerLost
from router.admin.alerts.conditions.limits import LimitsFillUp
from router.admin.alerts.conditions.policy_edit import PolicyRefused
from router.admin.alerts.conditions.spend import UnusualSpend
from router.admin.alerts.delivery import Delivery
from router.admin.alerts.reporter import Reporter
from router.admin.alerts.watcher import Watcher
from router.admin.alerts.week import Weeks
from router.admin.handler_context import HandlerContext
from router.core.values import Plan


class Runs(Protocol):
    async def run(self) -> None:
        """Until cancelled."""
        ...


def alerts_of(control: HandlerContext, gateway: str) -> Sequence[Runs]:
    """`gateway` is what this one is called in what it tells of itself."""

    def plan() -> Plan:
        return control.desk.plan

    ledger, local = control.alerts
    sources, books = control.sources, control.books
    shared: list[Condition] = [
        LimitsFillUp(sources.budgets),
        BackendsDown(sources.workers),
        GpuLoses(books),
        UnusualSpend(books),
    ]
    own: list[Condition] = [PolicyRefused(gateway, control.desk.state), LedgerLost(gateway, books)]
    return (
        Watcher(ledger, shared, plan),
        Watcher(local, own, plan),
        Delivery(ledger, plan, clock=control.clock),
        Delivery(local, plan, clock=control.clock),
        Reporter(ledger, Weeks(books, sources.budgets), plan, lambda: not control.desk.state().reload.adopted),
    )
