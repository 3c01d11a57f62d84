"""What scopes spent, when they were last used, and how their limits stand: a few fields for each, however many days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct

from router.core.money import micro_usd
from router.ledger.reports.totals import USED, Report

RECENT_DAYS = 3
"""Whose sums by scope the ledger has for certain."""


class Usage(Struct, frozen=True):
    spent_micro_usd: float = 0
    """In this month."""
    tokens: int = 0
    last_used: str = ""
    """A day, or of earlier use the month; empty where neither this month nor the last had any."""


async def usage_of(report: Report, scopes: Sequence[str], today: str) -> Mapping[str, Usage]:
    """By scope, such as `key:NAME`. Raises `LedgerUnavailable`."""
    zones = sorted(await report.zones())
    day = date.fromisoformat(today)
    days = [(day - timedelta(days=back)).isoformat() for back in range(RECENT_DAYS)]
    months = [today[:7], (day.replace(day=1) - timedelta(days=1)).isoformat()[:7]]
    spent = {("day", name): await _spent(report, "day", name, scopes, zones) for name in days}
    spent |= {("month", name): await _spent(report, "month", name, scopes, zones) for name in months}
    found = {}
    for at, scope in enumerate(scopes):
        this_month = dict(zip(USED, spent["month", months[0]][at], strict=True))
        used = (name for (_, name), sums in spent.items() if any(sums[at]))
        found[scope] = Usage(micro_usd(this_month["usd"]), this_month["tokens"], next(used, ""))
    return found


async def _spent(
    report: Report, period: str, name: str, scopes: Sequence[str], zones: Sequence[str]
) -> list[list[int]]:
    """Of each scope, over all zones, in the order of `USED`."""
    sums = await report.spent(period, name, [(scope, zone, "") for scope in scopes for zone in zones])
    width = len(zones)
    return [
        [sum(column) for column in zip(*sums[at * width : (at + 1) * width], strict=True)] or [0] * len(USED)
        for at in range(len(scopes))
    ]
