"""What the cloud charges by the hour, beside what is usual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from router.admin.ledger_session import HOUR_SECONDS, LedgerSession
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.alerts.spend import Hours, hours_like, observed
from router.core.money import in_usd
from router.core.values import Plan
from router.ledger.reports.account import owned_zones
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look

_BY_BACKEND = Look(("backend",), names=False)
_DAY_HOURS = 24


class UnusualSpend:
    name: ConditionName = "unusual_spend"
    every = 60.0

    def __init__(self, books: LedgerSession) -> None:
        self._books = books
        self._known: tuple[int, list[list[float]], list[list[float]]] | None = None
        """For the hour that runs: what is over does not change, or hardly."""

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        given, hour = alerts.unusual_spend, int(now // HOUR_SECONDS)
        async with self._books.open() as report:
            owned = await owned_zones(report, plan.policy)
            last, so_far = await _spent(report, [hour - 1, hour], hour, owned)
            if self._known is None or self._known[0] != hour:
                weeks = await _weeks(report, hour - 1, hour, owned)
                self._known = hour, weeks, await _weeks(report, hour, hour, owned)
        _, weeks, weeks_now = self._known
        return [observed(Hours(hour, so_far, last, weeks, weeks_now), given.factor, given.usd)]


async def _weeks(report: Report, hour: int, present: int, owned: frozenset[str]) -> list[list[float]]:
    """Those in which something was counted on that day: before there is no pattern."""
    found = []
    for hours in hours_like(hour):
        around = range(hours[1] - _DAY_HOURS // 2, hours[1] + _DAY_HOURS // 2)
        if any(tally.rows for tally in await report.hours_by(_BY_BACKEND, around, present)):
            found.append(await _spent(report, hours, present, owned))
    return found


async def _spent(report: Report, hours: Iterable[int], present: int, owned: frozenset[str]) -> list[float]:
    """In the cloud, in USD, by hour."""
    tallies = await report.hours_by(_BY_BACKEND, hours, present)
    return [in_usd(sum(row.cost for row in tally.rows if row.cell.zone not in owned)) for tally in tallies]
