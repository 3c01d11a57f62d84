"""The ledger, as pages read it: a connection for every question, and the days of its time zone."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from router.admin.errors import ledger_lost
from router.core.cost.volume import QUARTER_SECONDS, day_of, first_of_day, quarter_of
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import PowerEvent, PowerLook, open_power
from router.ledger.reports.month_groups import PastMonths
from router.ledger.reports.totals import Report, open_report
from router.ledger.stored_keys import KeyStore, open_keys

HOUR_SECONDS = 3600
_NOON = 12 * HOUR_SECONDS


class LedgerSession:
    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self.url = url
        """May hold a password."""
        self.clock = clock
        self.past = PastMonths()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Report]:
        """Raises ApiError when the ledger cannot be read, also inside."""
        try:
            async with open_report(self.url) as report:
                yield report
        except LedgerUnavailable as error:
            raise ledger_lost(error) from None

    @asynccontextmanager
    async def keys(self) -> AsyncIterator[KeyStore]:
        """Raises ApiError when the ledger cannot be reached, also inside."""
        try:
            async with open_keys(self.url) as store:
                yield store
        except LedgerUnavailable as error:
            raise ledger_lost(error) from None

    async def power(self, events: int) -> tuple[PowerLook, list[PowerEvent]]:
        """How own units are, and their last changes. Raises ApiError when the ledger cannot be read."""
        try:
            async with open_power(self.url) as book:
                return await book.look(), await book.events(events)
        except LedgerUnavailable as error:
            raise ledger_lost(error) from None

    async def why_lost(self) -> str:
        """Why it cannot be read; empty when it can."""
        try:
            async with open_report(self.url) as report:
                await report.timezone()
        except LedgerUnavailable as error:
            return str(error)
        return ""


async def timezone_of(report: Report, otherwise: str) -> ZoneInfo:
    """Where the ledger's days begin; the policy's time zone while nothing was counted."""
    try:
        return ZoneInfo(await report.timezone() or otherwise)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(otherwise)


class Days(Struct, frozen=True):
    """Local dates from `first` to `last`, both included."""

    first: str
    last: str
    timezone: ZoneInfo

    @property
    def begin(self) -> float:
        return begin_of(self.first, self.timezone)

    @property
    def end(self) -> float:
        """When the day after the last one begins."""
        return begin_of(next_day(self.last), self.timezone)

    def hours(self, until: float) -> list[int]:
        """Hours since the epoch that have begun by `until`."""
        last = min(math.ceil(self.end / HOUR_SECONDS) - 1, int(until // HOUR_SECONDS))
        return list(range(int(self.begin // HOUR_SECONDS), last + 1))


def begin_of(day: str, timezone: ZoneInfo) -> float:
    """When a local date begins, in seconds since the epoch."""
    noon = (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400 + _NOON
    quarter = quarter_of(noon)
    shift = (date.fromisoformat(day) - date.fromisoformat(day_of(noon, timezone))).days
    return float(first_of_day(quarter + shift * 96, timezone) * QUARTER_SECONDS)


def next_day(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def days_back(last: str, count: int) -> str:
    """The first of `count` days that end with `last`."""
    return (date.fromisoformat(last) - timedelta(days=count - 1)).isoformat()
