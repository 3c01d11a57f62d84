"""What was used by tag or by endpoint: from the request records, since totals know nothing of them.

Records are kept for as long as the stream holds them, so the records may not reach back as far as the totals. What the
totals have and the records do not is told by itself, as what nobody can give to a row.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import astuple, replace

from router.core.cost.net import Account
from router.core.cost.volume import day_of
from router.core.values import Cell, Row
from router.ledger.record import Record
from router.ledger.record_schema import counts_of
from router.ledger.reports.record_reader import RecordReader
from router.ledger.reports.totals import merge
from router.ledger.reports.totals_by_dimension import Dimension

NOT_RECORDED = "(not in the records)"
"""Tags are words of a policy or of clients, and endpoints are of the registry: they have no brackets."""
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


BY_RECORD: Mapping[str, RecordDimension] = {
    each.name: each
    for each in (RecordDimension("tag", "tags", _tags), RecordDimension("endpoint", "endpoints", _endpoint))
}


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


class RecordSums:
    """Adds up records; days are the ledger's."""

    def __init__(self, by: RecordDimension, days: Sequence[str], timezone: ZoneInfo) -> None:
        self.several = 0
        self._by = by
        self._timezone = timezone
        self._days = {day: number for number, day in enumerate(days)}
        self._rows: list[dict[Cell, Row]] = [{} for _ in days]
        self._whole: list[dict[Cell, Row]] = [{} for _ in days]

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
        names = self._by.names(record)
        self.several += row.requests if len(names) > 1 else 0
        for name in names:
            _add(self._rows[number], replace(row, cell=replace(place, key=name)))

    def of(self, everything: Account, since: float | None) -> ByRecord:
        """`everything`: the same days by backend, from the totals, read after the records."""
        rows, missing = [], 0
        for named, whole, totals in zip(self._rows, self._whole, everything.rows, strict=True):
            left = [_less(row, whole.get(row.cell)) for row in merge(replace(row, cell=_place(row)) for row in totals)]
            missing += sum(row.requests for row in left)
            lost = [replace(row, cell=replace(row.cell, key=NOT_RECORDED)) for row in left]
            rows.append([*named.values(), *(row for row in lost if any(astuple(row)[1:]))])
        account = Account(everything.days, rows, everything.rows, everything.rent, everything.owned)
        return ByRecord(self._by, account, self.several, missing, since)


async def first_kept(reader: RecordReader) -> float | None:
    """When the oldest record was written that is kept. Raises `LedgerUnavailable`."""
    async for entry in reader.entries(chunk=1):
        return entry.written
    return None


def _place(row: Row) -> Cell:
    return Cell(row.cell.backend, row.cell.zone, "", "", "")


def _add(sums: dict[Cell, Row], row: Row) -> None:
    (sums[row.cell],) = merge([sums[row.cell], row]) if row.cell in sums else [row]


def _less(row: Row, known: Row | None) -> Row:
    """What is left of it."""
    if known is None:
        return row
    return Row(row.cell, *(here - there for here, there in zip(astuple(row)[1:], astuple(known)[1:], strict=True)))
