"""What was used by tag, by endpoint, by user or by an entry of metadata: from the request records, since totals know
nothing of them.

Records are kept for as long as the stream holds them, so the records may not reach back as far as the totals. What the
totals have and the records do not is told by itself, as what nobody can give to a row. Clients may say what they like
of users: those that a day has beyond `MOST_NAMES` are one row.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import astuple, replace

from router.core.cost.net import Account
from router.core.cost.volume import day_of
from router.core.dimensions import value_of
from router.core.values import Cell, Row
from router.ledger.record import Record
from router.ledger.record_schema import counts_of
from router.ledger.reports.record_reader import Filter, RecordReader, open_records
from router.ledger.reports.totals import merge
from router.ledger.reports.totals_by_dimension import Dimension

NOT_RECORDED = "(not in the records)"
"""Tags are words of a policy or of clients, and endpoints are of the registry: they have no brackets. What else
clients say begins with none."""
OTHER = "(other)"
MOST_NAMES = 1000
"""Of one day."""
NAME: Dimension = "key"
"""Where the cells of these rows have their name: no other part of them has a meaning but backend and zone."""


class RecordDimension(Struct, frozen=True):
    """What only records can be told apart by."""

    name: str
    plural: str
    names: Callable[[Record], Sequence[str]]
    """The rows that a record is in."""


def _tags(record: Record) -> Sequence[str]:
    return record.tags or ("(no tag)",)


def _endpoint(record: Record) -> Sequence[str]:
    """A charge that nobody settled has none, nor has a record of before records named it."""
    return (record.endpoint or "(not known)",)


def _said(name: str, record: Record) -> Sequence[str]:
    return (value_of(record.dimensions, name) or f"(no {name})",)


BY_RECORD: Mapping[str, RecordDimension] = {
    each.name: each
    for each in (
        RecordDimension("tag", "tags", _tags),
        RecordDimension("endpoint", "endpoints", _endpoint),
        RecordDimension("user", "users", partial(_said, "user")),
    )
}


def by_record(name: str) -> RecordDimension | None:
    """One of `BY_RECORD`, or an entry of metadata such as "metadata.project"; None for what it is not."""
    if name.startswith("metadata.") and name != "metadata.":
        return RecordDimension(name, f"values of {name}", partial(_said, name))
    return BY_RECORD.get(name)


class ByRecord(Struct, frozen=True):
    by: RecordDimension
    account: Account
    """Its rows are by this dimension. A request with several tags is there for each of them, so they may add up to more
    than the totals."""
    several: int
    """Requests that are in more than one row."""
    missing: int
    """Requests that the totals have and no record tells of."""
    since: float | None
    """When the first record was written that is kept; None where none is."""
    others: int = 0
    """Requests of `OTHER`."""

    def notes(self, timezone: ZoneInfo) -> list[str]:
        """How far records tell what rows are by, and what to make of these rows."""
        notes, names = [], self.by.plural
        counted = f"{names.capitalize()} are counted from the request records,"
        if self.since is None:
            notes.append(f"{counted} and none is kept.")
        else:
            since = datetime.fromtimestamp(self.since, timezone)
            notes.append(f"{counted} which are kept from {since:%Y-%m-%d %H:%M:%S} on.")
        if self.missing:
            notes.append(f"{self.missing:,} requests of these days are not in them, and their {names} are not known.")
        if self.several:
            notes.append(
                f"{self.several:,} requests have several {names} and are in the row of each, so that rows may add up"
                " to more than the total."
            )
        if self.others:
            notes.append(
                f"{self.others:,} requests are in the row {OTHER}: beyond the first {MOST_NAMES:,} of a day {names} are"
                " not told apart."
            )
        return notes


class RecordSums:
    """Adds up records; days are the ledger's."""

    def __init__(self, by: RecordDimension, days: Sequence[str], timezone: ZoneInfo) -> None:
        self.several = 0
        self.others = 0
        self.since: float | None = None
        """When the first record was written that is kept, where that was looked for."""
        self._by = by
        self._timezone = timezone
        self._days = {day: number for number, day in enumerate(days)}
        self._rows: list[dict[Cell, Row]] = [{} for _ in days]
        self._whole: list[dict[Cell, Row]] = [{} for _ in days]
        self._names: list[set[str]] = [set() for _ in days]

    async def add_all(self, records: AsyncIterable[Record]) -> None:
        async for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        number = self._days.get(day_of(record.at, self._timezone))
        if number is None or not counts_of(record.kind):
            return
        row = record.row
        place = Cell(record.backend, record.zone, "", "", "")
        _add(self._whole[number], replace(row, cell=place))
        names = [self._bounded(name, number) for name in self._by.names(record)]
        self.others += row.requests if OTHER in names else 0
        self.several += row.requests if len(names) > 1 else 0
        for name in names:
            _add(self._rows[number], replace(row, cell=replace(place, key=name)))

    def _bounded(self, name: str, number: int) -> str:
        known = self._names[number]
        if name in known:
            return name
        if len(known) >= MOST_NAMES:
            return OTHER
        known.add(name)
        return name

    def of(self, everything: Account, since: float | None) -> ByRecord:
        """`everything`: the same days by backend, from the totals, read after the records. Where it has only some
        requests, the records are of the same ones."""
        rows, missing = [], 0
        for named, whole, totals in zip(self._rows, self._whole, everything.rows, strict=True):
            left = [_less(row, whole.get(row.cell)) for row in merge(replace(row, cell=_place(row)) for row in totals)]
            missing += sum(row.requests for row in left)
            lost = [replace(row, cell=replace(row.cell, key=NOT_RECORDED)) for row in left]
            rows.append([*named.values(), *(row for row in lost if any(astuple(row)[1:]))])
        account = Account(
            everything.days,
            rows,
            everything.everything,
            everything.rent,
            everything.owned,
            whole=everything.complete,
        )
        return ByRecord(self._by, account, self.several, missing, since, self.others)


async def first_kept(reader: RecordReader) -> float | None:
    """When the oldest record was written that is kept. Raises `LedgerUnavailable`."""
    async for entry in reader.entries(chunk=1):
        return entry.written
    return None


def add_up(url: str, sums: RecordSums, wanted: Filter) -> RecordSums:
    """The sums with what was recorded, for a process of its own: it has no other loop. Raises `LedgerUnavailable`."""

    async def read() -> RecordSums:
        async with open_records(url) as reader:
            sums.since = await first_kept(reader)
            await sums.add_all(reader.records(wanted))
        return sums

    return asyncio.run(read())


def _place(row: Row) -> Cell:
    return Cell(row.cell.backend, row.cell.zone, "", "", "")


def _add(sums: dict[Cell, Row], row: Row) -> None:
    (sums[row.cell],) = merge([sums[row.cell], row]) if row.cell in sums else [row]


def _less(row: Row, known: Row | None) -> Row:
    """What is left of it."""
    if known is None:
        return row
    return Row(row.cell, *(here - there for here, there in zip(astuple(row)[1:], astuple(known)[1:], strict=True)))
