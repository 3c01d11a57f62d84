"""Rows of an account by some dimensions, added up: a day after the other, and months that are over once.

Thousands of keys over a year are a million rows, which nobody can wait for with every page. What a month came to is
remembered for as long as nothing more is counted in it: the ledger then forgets what it kept of the day, with its mark.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, timedelta
from itertools import groupby

from msgspec.structs import replace

from router.core.cost.net import Account, Groups
from router.ledger.reports.account import with_backends
from router.ledger.reports.periods import days_before
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look

MOST_MONTHS = 64
"""That are remembered: those of a few years, or a year in a few ways. With a thousand keys each takes a megabyte."""
_DAYS_AT_ONCE = 5


class PastMonths:
    """What is remembered, for as long as this process lives."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Hashable, Groups]] = {}

    def find(self, month: Hashable, state: Hashable) -> Groups | None:
        """As it was in this state."""
        found = self._known.get(month)
        return found[1] if found is not None and found[0] == state else None

    def keep(self, month: Hashable, state: Hashable, groups: Groups) -> None:
        if len(self._known) >= MOST_MONTHS:
            self._known.clear()
        self._known[month] = state, groups


async def read_groups(report: Report, look: Look, today: str, account: Account, past: PastMonths) -> Groups:
    """Of the account's days, by `look`; few of them are in memory at a time. Raises `LedgerUnavailable`."""
    worked, served = account.worked(), account.served()
    whole = Groups(worked, served)
    for _, group in groupby(account.days, key=lambda day: day[:7]):
        days = list(group)
        if not _is_month(days) or days[-1] >= today:
            await _add_days(report, look, today, days, whole)
            continue
        marks = await report.marks(days_before(today, days))
        month = days[0], look.by, frozenset(look.wanted.items())
        rent = tuple(row for row in account.rent if days[0] <= row.day <= days[-1])
        shared = tuple((place, tokens) for place, tokens in served.items() if days[0] <= place[0] <= days[-1])
        state = marks, rent, shared
        found = past.find(month, state)
        if found is None:
            found = Groups(worked, served)
            await _add_days(report, look, today, days, found)
            if None not in marks and await report.marks(days_before(today, days)) == marks:
                past.keep(month, state, found)
        whole.add_all(found)
    return whole


async def _add_days(report: Report, look: Look, today: str, days: Sequence[str], groups: Groups) -> None:
    by_backend_too = replace(with_backends(look), names=False)
    for first in range(0, len(days), _DAYS_AT_ONCE):
        some = days[first : first + _DAYS_AT_ONCE]
        for day, tally in zip(some, await report.days_by(by_backend_too, some, today), strict=True):
            groups.add(day, tally.rows)


def _is_month(days: Sequence[str]) -> bool:
    after = date.fromisoformat(days[-1]) + timedelta(days=1)
    return days[0].endswith("-01") and after.day == 1
