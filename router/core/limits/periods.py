"""Minutes, days and months that limits count in, and when each of them ends.

A minute is one of the epoch. Days and months are those of the policy's time zone: a day has 23 or 25 hours where the
clocks change. Every offset in use today is a multiple of 15 minutes, so days begin and end on a quarter of an hour.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from router.core.cost.volume import QUARTER_SECONDS, day_of, quarter_of

MINUTE_SECONDS = 60
_REMEMBERED = 10_000
_LABEL = {"day": len("2026-11-25"), "month": len("2026-11")}


class Ids(NamedTuple):
    """The periods that one moment lies in."""

    minute: int
    """Since the epoch."""
    day: str
    """YYYY-MM-DD."""
    month: str
    """YYYY-MM."""


class Periods:
    """The periods of one time zone, remembered by minute."""

    def __init__(self, timezone: ZoneInfo) -> None:
        self.timezone = timezone
        self._ids: dict[int, Ids] = {}

    def ids(self, at: float) -> Ids:
        minute = int(at // MINUTE_SECONDS)
        found = self._ids.get(minute)
        return found if found is not None else self._remember(minute)

    def _remember(self, minute: int) -> Ids:
        if len(self._ids) >= _REMEMBERED:
            self._ids.clear()
        day = day_of(minute * MINUTE_SECONDS, self.timezone)
        ids = Ids(minute, day, day[: _LABEL["month"]])
        self._ids[minute] = ids
        return ids

    def end(self, period: Literal["minute", "day", "month"], at: float) -> float:
        """When the period that `at` lies in ends, in seconds since the epoch: the first moment of the next one."""
        if period == "minute":
            return (at // MINUTE_SECONDS + 1) * MINUTE_SECONDS
        return self._turn(at, date.fromisoformat(self.ids(at).day), _LABEL[period])

    def _turn(self, at: float, today: date, label: int) -> float:
        """Midnight need not exist, nor the whole date; its place on the clock is where the search begins."""
        now = today.isoformat()[:label]
        following = today + timedelta(days=1) if label == _LABEL["day"] else _next_month(today)
        midnight = datetime(following.year, following.month, following.day, tzinfo=self.timezone)
        quarter = quarter_of(midnight.timestamp())
        while day_of(quarter * QUARTER_SECONDS, self.timezone)[:label] <= now:
            quarter += 1
        while day_of((quarter - 1) * QUARTER_SECONDS, self.timezone)[:label] > now:
            quarter -= 1
        return float(quarter * QUARTER_SECONDS)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
