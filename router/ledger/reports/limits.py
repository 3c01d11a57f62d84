"""How budgets stand: the counters of limits, and totals for those that are not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from router.core.limits.counters import Counter, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.limits.standing import Standing, turn_of, used_by
from router.core.values import Row
from router.ledger.reports.totals import CounterValue, Report, day_range
from router.ledger.reports.totals_by_dimension import Dimension, Look, open_from


async def standings(
    report: Report, limits: Sequence[Limit], owned: frozenset[str], now: float, periods: Periods
) -> list[Standing]:
    """One for each limit, in their order. `owned` are names of zones. Raises `LedgerUnavailable`.

    A counter of a day or a month begins with the first request that it applies to, and then with what the totals say
    already; until then it is counted from these here.
    """
    counters = counters_of(tuple(limits), now, periods).all
    kept = await _counters(report, counters)
    missing = [each for each in counters if each not in kept]
    counted = await _counted(report, missing, owned, periods.ids(now).day)
    found = []
    for each in counters:
        used, held, risk = kept.get(each) or (counted.get(each, 0), 0, 0)
        found.append(Standing(each.limit, used, held, risk, turn_of(each.limit, now, periods)))
    return found


async def _counters(report: Report, counters: Sequence[Counter]) -> dict[Counter, CounterValue]:
    """Those that are there."""
    found: dict[Counter, CounterValue] = {}
    for key, group in groupby(sorted(counters, key=lambda each: each.key), key=lambda each: each.key):
        of_key = list(group)
        values = await report.counters(key, [each.field for each in of_key])
        found |= {each: value for each, value in zip(of_key, values, strict=True) if value is not None}
    return found


async def _counted(report: Report, missing: Sequence[Counter], owned: frozenset[str], today: str) -> dict[Counter, int]:
    """From totals, read once for all limits that need the same."""
    rows: dict[tuple[str, tuple[Dimension, ...]], list[Row]] = {}
    counted = {}
    for each in missing:
        limit = each.limit
        if limit.period not in ("day", "month"):
            continue
        needed = limit.period, _dimensions(limit)
        if needed not in rows:
            days = [today] if limit.period == "day" else day_range(f"{today[:7]}-01", today)
            tallies = await report.days_by(Look(needed[1]), days, open_from(today))
            rows[needed] = [row for tally in tallies for row in tally.rows]
        counted[each] = used_by(limit, rows[needed], owned)
    return counted


def _dimensions(limit: Limit) -> tuple[Dimension, ...]:
    """What tells the cells that it concerns from the others, besides their zone."""
    found: list[Dimension] = ["model"] if limit.model else []
    scope = limit.scope.partition(":")[0]
    if scope == "team":
        found.append("team")
    if scope == "key":
        found.append("key")
    return tuple(found)
