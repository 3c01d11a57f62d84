"""What holds when: prices that begin on a date, and prices by the hour of the day.

Everything turns in UTC, as providers' price lists do: a period begins at a midnight, and inside of it every day has
the same windows. So what holds at any time is found without a clock, a calendar or anything remembered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

DAY = 86_400


class Window(Struct, Generic[T], frozen=True):
    second: int
    """Of the day, from which it holds."""
    value: T


class Period(Struct, Generic[T], frozen=True):
    start: float
    """Seconds since the epoch: a midnight."""
    windows: tuple[Window[T], ...]
    """Ascending, the first from 0."""


class Timeline(Struct, Generic[T], frozen=True):
    periods: tuple[Period[T], ...]
    """Ascending. The first one holds before its start too."""

    def at(self, now: float) -> T:
        """What holds at `now`, in seconds since the epoch."""
        periods = self.periods
        windows = periods[0].windows if len(periods) == 1 else self._period(now).windows
        found = windows[0]
        if len(windows) > 1:
            second = now % DAY
            for window in windows:
                if window.second > second:
                    break
                found = window
        return found.value

    def until(self, now: float) -> float:
        """When something else begins to hold; infinity for what never changes."""
        windows = self._period(now).windows
        midnight = now // DAY * DAY
        begins = [midnight + window.second for window in windows] if len(windows) > 1 else []
        begins += [DAY + begin for begin in begins] + [period.start for period in self.periods[1:]]
        return min((begin for begin in begins if begin > now), default=math.inf)

    def within(self, now: float, later: float) -> list[T]:
        """All that holds at some time between these two."""
        found = [self.at(now)]
        while (now := self.until(now)) <= later:
            found.append(self.at(now))
        return found

    def _period(self, now: float) -> Period[T]:
        found = self.periods[0]
        for period in self.periods[1:]:
            if period.start > now:
                break
            found = period
        return found


def always(value: T) -> Timeline[T]:
    return Timeline((Period(0.0, (Window(0, value),)),))


def built(first: float, starts: Iterable[float], seconds: Iterable[int], find: Callable[[float], T]) -> Timeline[T]:
    """The timeline of what `find` tells for a time, from the midnight `first` on.

    It may change at the midnights `starts`, and every day at `seconds`; where it does not, nothing begins.
    """
    periods: list[Period[T]] = []
    of_day = sorted({0, *seconds})
    for start in sorted({first, *(start for start in starts if start > first)}):
        windows: list[Window[T]] = []
        for second in of_day:
            value = find(start + second)
            if not windows or windows[-1].value != value:
                windows.append(Window(second, value))
        if not periods or periods[-1].windows != tuple(windows):
            periods.append(Period(start, tuple(windows)))
    return Timeline(tuple(periods))


def combined(timelines: Iterable[Timeline[Any]], find: Callable[[float], T]) -> Timeline[T]:
    """The timeline of what `find` makes of what these hold at a time."""
    periods = [period for timeline in timelines for period in timeline.periods]
    seconds = [window.second for period in periods for window in period.windows]
    starts = [period.start for period in periods]
    return built(min(starts, default=0.0), starts, seconds, find)
