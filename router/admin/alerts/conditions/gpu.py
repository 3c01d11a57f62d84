"""Own GPUs that lose money, by the account of the last whole days."""

from __future__ import annotations

from collections.abc import Sequence

from router.admin.ledger_session import LedgerSession, days_back, timezone_of
from router.core.alerts.gpu import GpuNet, observed
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.cost.net import Account, net_of
from router.core.cost.rent import RentState
from router.core.cost.volume import day_of
from router.core.values import Plan
from router.ledger.reports.account import owned_zones, read_account
from router.ledger.reports.totals import day_range
from router.ledger.reports.totals_by_dimension import Look

_BY_BACKEND = Look(("backend",), names=False)


class GpuLoses:
    name: ConditionName = "gpu_loses"
    every = 600.0

    def __init__(self, books: LedgerSession) -> None:
        self._books = books

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        given = alerts.gpu_loses
        async with self._books.open() as report:
            zone = await timezone_of(report, plan.policy.cost.timezone)
            today = day_of(now, zone)
            first, yesterday = days_back(today, given.days + 1), days_back(today, 2)
            owned = await owned_zones(report, plan.policy)
            account, _ = await read_account(report, day_range(first, yesterday), _BY_BACKEND, today, owned)
        rented = [name for name, each in plan.policy.backends.items() if each.cost is not None]
        return list(observed((gpu_net(account, name) for name in rented), given.days, given.usd))


def gpu_net(account: Account, backend: str) -> GpuNet:
    """All rent of a backend against what it spared, whether it worked or not."""
    rows = [row for day in account.everything for row in day if row.cell.backend == backend]
    rent = [row for row in account.rent if row.backend == backend and row.state is not RentState.GAP]
    return GpuNet(
        backend=backend,
        net=net_of(rows, account.owned, sum(row.nano_usd for row in rent)),
        first=account.days[0],
        last=account.days[-1],
        days_with_rent=len({row.day for row in rent}),
        could_not_leave=sum(row.captive for row in rows),
    )
