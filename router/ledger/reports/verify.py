"""The totals against the request records: every difference, hour by hour, day by day, cell by cell.

Totals and records are written in one script call, so at any moment they say the same. Totals are read in pieces, each
together with the stream's last id, and of a cell only records up to that id are summed: what is counted during the
check is no difference.

The stream is capped. A record is written after its request arrived, so an hour is covered when it began after the first
kept record was written; while the stream is complete, already the first record's own day is. Hours before that cannot
be checked. Totals are kept for `ledger.retain_days`; records that are older than all totals are not checked either.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.cost.volume import day_of
from router.core.values import Cell, Row
from router.ledger.record import Record
from router.ledger.record_schema import COUNTS
from router.ledger.redis_keys import PREFIX, REQUESTS_KEY, TIMEZONE_KEY, Calendar, unpack_row
from router.ledger.reports.record_reader import CLOCK_SKEW, Entry, RecordReader, position
from router.ledger.reports.totals import day_range, day_start, merge

TOTALS = Row.__struct_fields__[1:]
HOUR, DAY = 3600, 86_400

_CELLS_PER_CALL = 500
_AT_ONCE = 25
_SHORTEST_RETENTION = 2 * DAY
"""`ledger.retain_days` is one day at least, and counts from the last cell that was new."""

_READ = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local found = redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
return {last and last[1] or '0-0', found[1], found[2]}
"""
"""A piece of the totals of a period, and the id of the last record that is in them."""


class HourOrDay(Struct, frozen=True, order=True):
    """An hour or a day that the ledger counts in."""

    start: float
    unit: Literal["hour", "day"]
    name: str
    """Hours since the epoch, or YYYY-MM-DD."""

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.unit}:{self.name}"


class Difference(Struct, frozen=True):
    """One total that is not the sum of its records."""

    period: HourOrDay
    cell: Cell
    total: str
    books: int
    records: int


class Verification(Struct, frozen=True):
    timezone: str
    covered: float | None
    """From when on hours can be checked; None without any record."""
    hours: int
    days: int
    """Checked, with those of which both sides have nothing."""
    forgotten: int
    """Hours with records whose totals are kept no longer."""
    records: int
    """Records that were read."""
    skipped: int
    """Entries that could not be read."""
    unknown: int
    """Records of a kind that is not known."""
    differences: list[Difference]


class ReadTotals(Struct, frozen=True):
    """Totals of an hour or a day, as they were read, and the last entries of the stream that are in them."""

    rows: list[Row]
    position: tuple[int, int]
    """Of cells that nothing was counted in."""
    cells: dict[Cell, tuple[int, int]]
    """Of the others, which are read in pieces."""


class Sums:
    """Sums of records by period and cell, each up to a position of its own."""

    def __init__(
        self,
        positions: Mapping[str, tuple[int, int]],
        calendar: Calendar,
        cells: Mapping[str, Mapping[Cell, tuple[int, int]]] | None = None,
    ) -> None:
        self.records = self.unknown = 0
        self._positions = positions
        self._cells = cells or {}
        self._calendar = calendar
        self._sums: dict[str, dict[Cell, list[int]]] = defaultdict(dict)

    def add(self, entry: Entry) -> None:
        self.records += len(entry.records)
        for record in entry.records:
            if record.kind not in COUNTS:
                self.unknown += 1
            elif COUNTS[record.kind]:
                self._add(record, entry.position)

    def rows(self, key: str) -> list[Row]:
        return [Row(cell, *sums) for cell, sums in self._sums[key].items()]

    def _add(self, record: Record, position: tuple[int, int]) -> None:
        slot = self._calendar.slot(record.at)
        row = record.row
        changes = [getattr(row, measure) for measure in TOTALS]
        for key in (f"{PREFIX}hour:{slot.hour}", f"{PREFIX}day:{slot.day}"):
            if key in self._positions and position <= self._up_to(key, row.cell):
                sums = self._sums[key].setdefault(row.cell, [0] * len(TOTALS))
                sums[:] = [a + b for a, b in zip(sums, changes, strict=True)]

    def _up_to(self, key: str, cell: Cell) -> tuple[int, int]:
        return self._cells.get(key, {}).get(cell, self._positions[key])


async def verify(reader: RecordReader, *, now: float, since: float = 0.0, until: float = math.inf) -> Verification:
    """Checks hours that begin in [since, until), and days that lie in it. Raises `LedgerUnavailable`.

    A day that has not ended yet is checked too, as far as it has come.
    """
    zone = await reader.ask("GET", TIMEZONE_KEY)
    calendar = Calendar(ZoneInfo(zone.decode() if zone else "UTC"))
    complete = await reader.complete()
    first = await anext(reader.entries(chunk=1), None)
    if first is None:
        return _nothing(calendar, reader)
    covered = _covered_from(first, complete, calendar.timezone)
    books = await _read(reader, hours_and_days(max(since, covered), min(until, now + HOUR), calendar.timezone))
    reader.skipped = 0
    positions = {period.key: read.position for period, read in books.items()}
    sums = Sums(positions, calendar, {period.key: read.cells for period, read in books.items()})
    last = max((max(read.cells.values(), default=read.position) for read in books.values()), default=(0, 0))
    oldest = await _sum(reader, sums, last)
    if not oldest:
        return _nothing(calendar, reader)
    if oldest != first.id:
        covered = _covered_from(Entry(oldest, []), False, calendar.timezone)
    checked = [period for period in sorted(books) if period.start >= covered]
    forgotten = _forgotten(checked, books, sums, now)
    kept = [period for period in checked if period not in forgotten]
    return Verification(
        timezone=calendar.timezone.key,
        covered=covered,
        hours=sum(period.unit == "hour" for period in kept),
        days=sum(period.unit == "day" for period in kept),
        forgotten=sum(period.unit == "hour" for period in forgotten),
        records=sums.records,
        skipped=reader.skipped,
        unknown=sums.unknown,
        differences=[d for period in kept for d in differences(period, books[period].rows, sums.rows(period.key))],
    )


def hours_and_days(start: float, end: float, timezone: ZoneInfo) -> list[HourOrDay]:
    """Hours that begin in [start, end), and days of a time zone that begin in it and end by then or last still."""
    hours = range(math.ceil(start / HOUR), math.ceil(end / HOUR))
    found = [HourOrDay(float(hour * HOUR), "hour", str(hour)) for hour in hours]
    if hours:
        first, last = (datetime.fromtimestamp(at, timezone).date().isoformat() for at in (start, end - 1))
        days = [HourOrDay(day_start(day, timezone), "day", day) for day in day_range(first, last)]
        found += [day for day in days if day.start >= start]
    return found


def differences(period: HourOrDay, books: Iterable[Row], records: Iterable[Row]) -> list[Difference]:
    """Every total of every cell that is not the same on both sides; a cell that one side lacks is all zero there."""
    ours = {row.cell: row for row in books}
    sums = {row.cell: row for row in records}
    found = []
    for cell in sorted({*ours, *sums}, key=_names):
        a, b = ours.get(cell, Row(cell)), sums.get(cell, Row(cell))
        found += [
            Difference(period, cell, measure, getattr(a, measure), getattr(b, measure))
            for measure in TOTALS
            if getattr(a, measure) != getattr(b, measure)
        ]
    return found


def _nothing(calendar: Calendar, reader: RecordReader) -> Verification:
    return Verification(
        timezone=calendar.timezone.key,
        covered=None,
        hours=0,
        days=0,
        forgotten=0,
        records=0,
        skipped=reader.skipped,
        unknown=0,
        differences=[],
    )


def _covered_from(first: Entry, complete: bool, timezone: ZoneInfo) -> float:
    if complete and first.records:
        return day_start(day_of(min(record.at for record in first.records), timezone), timezone)
    return first.written + CLOCK_SKEW


async def _read(reader: RecordReader, wanted: Sequence[HourOrDay]) -> dict[HourOrDay, ReadTotals]:
    books: dict[HourOrDay, ReadTotals] = {}
    for n in range(0, len(wanted), _AT_ONCE):
        some = wanted[n : n + _AT_ONCE]
        books |= dict(zip(some, await asyncio.gather(*(_read_totals(reader, period) for period in some)), strict=True))
    return books


async def _read_totals(reader: RecordReader, period: HourOrDay) -> ReadTotals:
    """In pieces, each with the last record that is in it: whatever is counted meanwhile, every cell has its own.

    A cell that was new meanwhile and was passed over has nothing from before the first piece.
    """
    rows: dict[Cell, Row] = {}
    cells: dict[Cell, tuple[int, int]] = {}
    cursor, first = "0", None
    while first is None or cursor != "0":
        asked = ("EVAL", _READ, 2, REQUESTS_KEY, period.key, cursor, _CELLS_PER_CALL)
        last, following, flat = await reader.ask(*asked)
        found = position(last.decode())
        for field, totals in zip(flat[::2], flat[1::2], strict=True):
            row = unpack_row(field, totals)
            rows[row.cell], cells[row.cell] = row, found
        first, cursor = first or found, following.decode()
    return ReadTotals(merge(rows.values()), first, cells)


async def _sum(reader: RecordReader, sums: Sums, last: tuple[int, int]) -> str:
    """Sums all records up to a position; the id of the first entry that was still there."""
    oldest = ""
    async for entry in reader.entries():
        oldest = oldest or entry.id
        if entry.position > last:
            break
        sums.add(entry)
    return oldest


def _forgotten(
    checked: Sequence[HourOrDay], books: Mapping[HourOrDay, ReadTotals], sums: Sums, now: float
) -> set[HourOrDay]:
    """Those with records only, when they are older than all totals that are left, and old enough for that."""
    oldest = {
        unit: min((period.start for period in checked if period.unit == unit and books[period].rows), default=0.0)
        for unit in ("hour", "day")
    }
    old = [period for period in checked if period.start < min(oldest[period.unit], now - _SHORTEST_RETENTION)]
    return {period for period in old if sums.rows(period.key)}


def _names(cell: Cell) -> tuple[str, ...]:
    return cell.backend, cell.zone, cell.model, cell.team, cell.key
