"""How budgets stand: the counters of limits, and for those that are not there yet what their scopes have used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from router.core.limits.counters import Counter, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.limits.standing import Standing, turn_of
from router.ledger.reports.totals import USED, CounterValue, Report


async def standings(
    report: Report, limits: Sequence[Limit], owned: frozenset[str], now: float, periods: Periods
) -> list[Standing]:
    """One for each limit, in their order. `owned` are names of zones. Raises `LedgerUnavailable`.

    A counter of a day or a month begins with the first request that it applies to, and with what its scope has used
    already; until then that is what stands here.
    """
    ids = periods.ids(now)
    counters = counters_of(tuple(limits), now, periods).all
    kept, charged = await _counters(report, counters)
    missing = [each for each in counters if each not in kept]
    zones = await report.zones() if missing else frozenset()
    used = {
        **await _used(report, missing, "day", ids.day, zones, owned),
        **await _used(report, missing, "month", ids.month, zones, owned),
    }
    found = []
    for each in counters:
        now_used, held, risk = kept.get(each) or (used.get(each, 0), 0, 0)
        maybe = charged.get(each, 0)
        found.append(Standing(each.limit, now_used + maybe, held, risk, turn_of(each.limit, now, periods), maybe))
    return found


async def _counters(
    report: Report, counters: Sequence[Counter]
) -> tuple[dict[Counter, CounterValue], dict[Counter, int]]:
    """Those that are there, and what is charged of slices of each."""
    found: dict[Counter, CounterValue] = {}
    charged: dict[Counter, int] = {}
    for key, group in groupby(sorted(counters, key=lambda each: each.key), key=lambda each: each.key):
        of_key = list(group)
        fields = [each.field for each in of_key]
        values = await report.counters(key, fields)
        if of_key[0].limit.period:  # nothing is used of what runs at once
            charged |= zip(of_key, await report.charged(key, fields), strict=True)
        found |= {each: value for each, value in zip(of_key, values, strict=True) if value is not None}
    return found, charged


async def _used(
    report: Report, counters: Iterable[Counter], period: str, name: str, zones: Iterable[str], owned: Collection[str]
) -> dict[Counter, int]:
    """What scopes have used in a period that counters of theirs begin in, see `ledger.scripts`."""
    asked = [
        (each, (each.limit.scope, zone, each.limit.model))
        for each in counters
        if each.limit.period == period and each.limit.measure in USED
        for zone in zones
        if each.limit.side == "all" or (each.limit.side == "local") == (zone in owned)
    ]
    spent = await report.spent(period, name, [place for _, place in asked])
    found: dict[Counter, int] = {}
    for (counter, _), sums in zip(asked, spent, strict=True):
        found[counter] = found.get(counter, 0) + sums[USED.index(counter.limit.measure)]
    return {counter: max(0, used) for counter, used in found.items()}
