"""Names of keys whose sums somebody may not be told: the ledger adds up by name, and a name may be of two teams.

It is another team's when a key of this name is known there, whether it works or not, or when anything was counted under
both: a key that went from the policy's file, or has not worked for long, is known nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from router.admin.handler_context import HandlerContext, Who
from router.admin.ledger_session import timezone_of
from router.core.cost.volume import day_of
from router.ledger.reports.totals import Report, day_range
from router.ledger.reports.totals_by_dimension import Look

_OWNERS = Look(("team", "key"), names=False)


async def foreign_names(control: HandlerContext, who: Who, known: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Names that teams have or had whom they do not see. `known` are team and name of all keys. Raises ApiError."""
    if who.teams is None:
        return frozenset()
    async with control.books.open() as report:
        today = day_of(control.clock(), await timezone_of(report, control.desk.plan.policy.cost.timezone))
        counted = await _counted(report, today)
    return frozenset(name for team, name in (*known, *counted) if not who.sees(team))


async def _counted(report: Report, today: str) -> set[tuple[str, str]]:
    """Team and name in this month and the last one: no sum that is told of a key goes back further."""
    last_month = (date.fromisoformat(today).replace(day=1) - timedelta(days=1)).replace(day=1)
    days = day_range(last_month.isoformat(), today)
    tallies = await report.days_by(_OWNERS, days, today)
    return {(row.cell.team, row.cell.key) for tally in tallies for row in tally.rows}
