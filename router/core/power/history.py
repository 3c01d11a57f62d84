"""How many units were on, hour by hour: by the changes that were written down, and where nobody switches them by what
the account of their rent says that a gateway saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from router.core.cost.rent import RentRow, RentState
from router.core.power.states import Phase

HOUR = 3600.0
_SERVING = frozenset({Phase.ON, Phase.DRAINING})
"""Units that are stopping or starting answer nobody."""


class Change(Struct, frozen=True):
    at: float
    backend: str
    before: str
    """Phase; empty, as `after`, for what changed none, such as an order."""
    after: str
    units: int
    """That there were to be."""


class Span(Struct, frozen=True):
    """From when to when how many units were on, as a mean."""

    first: float
    last: float
    units: float


_NOT_ON = frozenset({RentState.OFF, RentState.GAP})


def seen_on(rent: Iterable[RentRow], days: Iterable[tuple[str, float, float]]) -> list[Span]:
    """When a backend that nobody switches was on, by the rent of its days; `days`, ascending: each with when it begins
    and ends, or now. Of the first day that has rent it was on at the end alone, as far as that accounts for; within a
    day nobody knows where a gap lies."""
    by_day: dict[str, list[RentRow]] = {}
    for row in rent:
        if row.state is not RentState.ROUNDING:
            by_day.setdefault(row.day, []).append(row)
    found: list[Span] = []
    for day, begin, end in days:
        rows = by_day.get(day, [])
        known = sum(row.milliseconds for row in rows) / 1000
        on = sum(row.milliseconds for row in rows if row.state not in _NOT_ON) / 1000
        if known:
            found.append(Span(begin if found else max(begin, end - known), end, on / known))
    return found


def on_by_hour(
    changes: Iterable[Change],
    present: Mapping[str, int],
    hours: Sequence[float],
    now: float,
    seen: Iterable[Span] = (),
) -> list[float]:
    """The mean of units that were on over each hour, by when it begins; of all backends of `present`, and of what was
    `seen` of those that nobody switches, together.

    `present` is how many units of each are on now, which holds for all the time of a backend that has no change.
    """
    found = [0.0] * len(hours)
    known = sorted((each for each in changes if each.after), key=lambda each: each.at)
    switched = [
        _spans([each for each in known if each.backend == backend], units, hours[0], now)
        for backend, units in present.items()
    ]
    for spans in (*switched, list(seen)):
        for number, hour in enumerate(hours):
            end = min(hour + HOUR, now)
            if end > hour:
                on = sum(each.units * max(0.0, min(each.last, end) - max(each.first, hour)) for each in spans)
                found[number] += on / (end - hour)
    return found


def _spans(changes: Sequence[Change], present: int, begin: float, now: float) -> list[Span]:
    if not changes:
        return [Span(begin, now, present)]
    first = changes[0]
    count = max(1, first.units) if first.before in _SERVING else 0
    turns = [(min(begin, first.at), count)]
    for change in changes:
        if change.after == Phase.ON:
            count = change.units
        elif change.after not in _SERVING:
            count = 0
        turns.append((change.at, count))
    turns.append((max(now, turns[-1][0]), count))
    return [Span(start, end, many) for (start, many), (end, _) in pairwise(turns)]
