"""What scopes spent, when they were last used, and how their limits stand: a few fields for each, however many days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from router.admin.answers.budgets import BudgetUse
from router.admin.errors import ledger_lost
from router.admin.handler_context import HandlerContext
from router.admin.ledger_session import timezone_of
from router.core.cost.volume import day_of
from router.core.money import micro_usd
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import USED, Report

RECENT_DAYS = 3
"""Whose sums by scope the ledger has for certain."""


class Usage(Struct, frozen=True):
    spent_micro_usd: float = 0
    """In this month."""
    tokens: int = 0
    last_used: str = ""
    """A day, or of earlier use the month; empty where neither this month nor the last had any."""
    limits: Sequence[BudgetUse] = ()


async def read_usage(control: HandlerContext, scopes: Sequence[str]) -> tuple[str, Mapping[str, Usage]]:
    """The month, and by scope what was used in it and how its limits stand. Raises ApiError."""
    async with control.books.open() as report:
        today = day_of(control.clock(), await timezone_of(report, control.desk.plan.policy.cost.timezone))
        found = await usage_of(report, scopes, today)
    try:
        uses = await control.sources.budgets.uses_of(frozenset(scopes), control.clock())
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
    limits: dict[str, list[BudgetUse]] = {}
    for use in uses:
        limits.setdefault(use.scope, []).append(use)
    return today[:7], {scope: replace(usage, limits=limits.get(scope, ())) for scope, usage in found.items()}


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
