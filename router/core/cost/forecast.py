"""Where a month is going, from its days: a figure, and the range that it lies in nine times in ten.

Days with traffic are taken as draws of one kind, and only those that are over, from the first one with traffic on. With
n of them, mean m and standard deviation s, what k more days add up to is

    k m  ±  t s sqrt(k + k²/n)

the prediction interval of a sum: k is for the days' own scatter, k²/n for what so few tell of their mean. t is
Student's, so that two days give a wide range and not a false one. One day alone gives no range.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from msgspec import Struct

_STUDENT = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753)
"""0.95 quantiles for 1, 2, ... degrees of freedom."""
_NORMAL = 1.645


class Forecast(Struct, frozen=True):
    likely: float
    low: float | None
    """None where there is too little to tell a range."""
    high: float | None


def forecast(so_far: float, days: Sequence[float], days_left: float) -> Forecast | None:
    """The sum at the end: `so_far` and what `days_left` more days, or parts of them, bring if they are like `days`,
    which are over. None without any."""
    count = len(days)
    if not count:
        return None
    mean = sum(days) / count
    likely = so_far + days_left * mean
    if count == 1:
        return Forecast(likely, None, None)
    scatter = sqrt(sum((day - mean) ** 2 for day in days) / (count - 1))
    student = _STUDENT[count - 2] if count - 2 < len(_STUDENT) else _NORMAL
    margin = student * scatter * sqrt(days_left + days_left**2 / count)
    return Forecast(likely, likely - margin, likely + margin)
