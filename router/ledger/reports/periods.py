"""Days and hours that the ledger counts in: where their cells are, and where what was added up of them is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from router.ledger.redis_keys import PREFIX

DAY_SUMS = PREFIX + "summed:"
HOUR_SUMS = PREFIX + "summed:hour:"


class Period(NamedTuple):
    name: str
    """YYYY-MM-DD, or an hour since the epoch."""
    cells: str
    """Key of their hash."""
    sums: str
    """Key of the hash of what is kept."""
    is_over: bool = True
    """What is not over changes all the time, so that nothing is kept of it."""


def days_before(today: str, days: Iterable[str]) -> list[Period]:
    """Those before `today` are over."""
    return [Period(day, f"{PREFIX}day:{day}", DAY_SUMS + day, day < today) for day in days]


def hours_before(present: int, hours: Iterable[int]) -> list[Period]:
    """Those before the `present` one are over."""
    return [Period(str(hour), f"{PREFIX}hour:{hour}", f"{HOUR_SUMS}{hour}", hour < present) for hour in hours]
