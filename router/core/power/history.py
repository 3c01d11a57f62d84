"""How many units were on, hour by hour, from the changes that were written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

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


def on_by_hour(
    changes: Iterable[Change], present: Mapping[str, int], hours: Sequence[float], now: float
) -> list[float]:
    """The mean of units that were on over each hour, by when it begins; of all backends of `present` together.

    `present` is how many units of each are on now, which holds for all the time of a backend that has no change.
    """
    found = [0.0] * len(hours)
    known = sorted((each for each in changes if each.after), key=lambda each: each.at)
    for backend, units in present.items():
        spans = _spans([each for each in known if each.backend == backend], units, hours[0], now)
        for number, hour in enumerate(hours):
            end = min(hour + HOUR, now)
            if end > hour:
                on = sum(count * max(0.0, min(last, end) - max(first, hour)) for first, last, count in spans)
                found[number] += on / (end - hour)
    return found


def _spans(changes: Sequence[Change], present: int, begin: float, now: float) -> list[tuple[float, float, int]]:
    """From when to when how many were on."""
    if not changes:
        return [(begin, now, present)]
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
    return [(start, end, many) for (start, many), (end, _) in pairwise(turns)]
