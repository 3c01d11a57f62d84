"""Spend that departs from its usual pattern -> an observation.

An hour is compared with the same hour of the same weekday in the last four weeks, and with the hours beside it::

    spread   = max(1.4826 MAD, 0.1 median)
    departs  = |spend - median| > factor * spread  and  |spend - median| >= usd

MAD is the median of the distances to the median; times 1.4826 it is the standard deviation of what is distributed
normally, and a factor of 3.5 is what Iglewicz and Hoaglin recommend for outliers ("How to Detect and Handle Outliers",
1993). Neither moves for a few odd hours, which a mean would. A tenth of the median is the least spread: the same every
week is no reason to call a little more an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from router.core.alerts.observation import Observation, Seen
from router.core.cost.worth import dollars

WEEK_HOURS = 168
WEEKS = 4
LEAST_WEEKS = 3
"""Of these four that have had traffic on that weekday: before, nothing is usual yet."""
_AS_DEVIATION = 1.4826
_LEAST_SPREAD = 0.1
_WELL_AGAIN = 0.7
"""Share of the permitted distance within which it is usual again."""


class Usual(Struct, frozen=True):
    """USD an hour."""

    median: float
    spread: float


class Hours(Struct, frozen=True):
    """Spend in USD, of hours since the epoch."""

    now: int
    """The hour that runs."""
    so_far: float
    last: float
    """The hour before."""
    weeks: Sequence[Sequence[float]]
    """Of each week back with traffic on that weekday: the hour like the last one, and those beside it."""
    weeks_now: Sequence[Sequence[float]]
    """The same for the hour that runs."""


def hours_like(hour: int) -> list[list[int]]:
    """Of each of the last weeks, the latest first: the same hour, and those beside it."""
    return [[hour - back * WEEK_HOURS + beside for beside in (-1, 0, 1)] for back in range(1, WEEKS + 1)]


def usual(weeks: Sequence[Sequence[float]]) -> Usual | None:
    """None where there are too few weeks to tell."""
    if len(weeks) < LEAST_WEEKS:
        return None
    seen = [value for week in weeks for value in week]
    middle = median(seen)
    deviation = median(abs(value - middle) for value in seen)
    return Usual(middle, max(_AS_DEVIATION * deviation, _LEAST_SPREAD * middle))


def observed(hours: Hours, factor: float, usd: float) -> Observation:
    """What has been spent in the running hour counts only when it is too much already."""
    compared = [(hours.last, usual(hours.weeks), True), (hours.so_far, usual(hours.weeks_now), False)]
    seen = [_seen(spend, known, factor, usd, also_less=whole) for spend, known, whole in compared]
    bad = Seen.BAD in seen
    spend, known, whole = compared[1] if seen[1] is Seen.BAD else compared[0]
    return Observation(
        key="unusual_spend",
        condition="unusual_spend",
        seen=Seen.BAD if bad else seen[0],
        subject="cloud",
        title="Spend in the cloud departs from its usual pattern",
        text="" if known is None else _text(spend, known, whole=whole),
    )


def _seen(spend: float, known: Usual | None, factor: float, usd: float, *, also_less: bool) -> Seen:
    """Where nothing is usual yet, nothing departs from it."""
    if known is None:
        return Seen.GOOD
    distance = spend - known.median if not also_less else abs(spend - known.median)
    permitted = max(factor * known.spread, usd)
    if distance > factor * known.spread and distance >= usd:
        return Seen.BAD
    return Seen.GOOD if distance <= _WELL_AGAIN * permitted else Seen.BETWEEN


def _text(spend: float, known: Usual, *, whole: bool) -> str:
    when = "in the last hour" if whole else "so far in this hour"
    return f"{dollars(spend)} {when}; at this time of the week {dollars(known.median)} is usual."
