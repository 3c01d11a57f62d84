"""Hours of the week in which units stay on: "08-20 Mon-Fri"."""

from __future__ import annotations

import re

from msgspec import Struct

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = f"(?:{'|'.join(_DAYS)})"
_SCHEDULE = re.compile(rf"([01]\d|2[0-3])-([01]\d|2[0-4])(?: ({_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*))?")


class Schedule(Struct, frozen=True):
    start: int
    """The first hour, 0 to 23."""
    end: int
    """The hour that is no longer part of it, 0 to 24; one that is not after `start` is of the next day."""
    days: frozenset[int]
    """Days on which it starts; 0 is Monday."""

    def holds(self, weekday: int, hour: int) -> bool:
        """Whether an hour, 0 to 23, of a day, 0 for Monday, is part of it."""
        if self.start < self.end:
            return weekday in self.days and self.start <= hour < self.end
        if hour >= self.start:
            return weekday in self.days
        return hour < self.end and (weekday - 1) % len(_DAYS) in self.days


def parse_schedule(text: str) -> Schedule:
    """Of "08-20", "08-20 Mon-Fri", "22-04 Sat,Sun" or "00-24 Fri-Mon". Raises ValueError for anything else."""
    match = _SCHEDULE.fullmatch(text)
    if match is None:
        raise ValueError(
            'a schedule is two-digit hours and, if not every day, days, such as "08-20 Mon-Fri" or "22-04"'
        )
    days = (day for part in (match[3] or "Mon-Sun").split(",") for day in _days_of(part))
    return Schedule(int(match[1]), int(match[2]), frozenset(days))


def _days_of(part: str) -> list[int]:
    first, _, last = part.partition("-")
    start = _DAYS.index(first)
    length = (_DAYS.index(last or first) - start) % len(_DAYS)
    return [(start + offset) % len(_DAYS) for offset in range(length + 1)]
