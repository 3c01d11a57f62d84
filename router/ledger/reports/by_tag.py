"""What was used by tag: from the request records, since totals know nothing of tags.

Records are kept for as long as the stream holds them, so the records may not reach back as far as the totals. What the
totals have and the records do not is told by itself, as what nobody can give to a tag.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
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

NO_TAG = "(no tag)"
NOT_RECORDED = "(not in the records)"
"""Tags are words of a policy or of clients, which have no brackets."""
NAME: Dimension = "key"
"""Where the cells of these rows have their tag: no other part of them has a meaning but backend and zone."""


class ByTag(Struct, frozen=True):
    account: Account
    """Its rows are by tag. One of a request with several tags is there for each of them, so they may add up to more
    than the totals."""
    several: int
    """Requests with more than one tag."""
    missing: int
    """Requests that the totals have and no record tells of."""
    since: float | None
    """When the first record was written that is kept; None where none is."""


class TagSums:
    """Adds up records; days are the ledger's."""

    def __init__(self, days: Sequence[str], timezone: ZoneInfo) -> None:
        self.several = 0
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
        tags = record.tags or (NO_TAG,)
        self.several += row.requests if len(tags) > 1 else 0
        for tag in tags:
            _add(self._rows[number], replace(row, cell=replace(place, key=tag)))

    def of(self, everything: Account, since: float | None) -> ByTag:
        """`everything`: the same days by backend, from the totals, read after the records."""
        rows, missing = [], 0
        for tagged, whole, totals in zip(self._rows, self._whole, everything.rows, strict=True):
            left = [_less(row, whole.get(row.cell)) for row in merge(replace(row, cell=_place(row)) for row in totals)]
            missing += sum(row.requests for row in left)
            named = [replace(row, cell=replace(row.cell, key=NOT_RECORDED)) for row in left]
            rows.append([*tagged.values(), *(row for row in named if any(astuple(row)[1:]))])
        account = Account(everything.days, rows, everything.rows, everything.rent, everything.owned)
        return ByTag(account, self.several, missing, since)


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
