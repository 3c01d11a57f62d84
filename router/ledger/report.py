"""Reading totals, for people: `breakeven usage` and the dashboard. Off the hot path, on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import hiredis
import msgspec

from router.core.values import Cell, Mixture, Row
from router.ledger.address import parse_address
from router.ledger.connection import Connection, connect
from router.ledger.errors import LedgerUnavailable
from router.ledger.layout import PREFIX, TIMEZONE_KEY, VOLUME_KEY, unpack_cell, unpack_totals
from router.ledger.sums import DAY_SUMS, HOUR_SUMS, Dimension, Tally, tally_of, unpack_tally

Keep = Callable[[Cell], bool]


def _everything(cell: Cell) -> bool:
    return True


class Report:
    """What the ledger has counted. Every method raises `LedgerUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def timezone(self) -> str | None:
        """Name of the time zone that days are counted in; None when nothing was counted yet."""
        name = await self._ask("GET", TIMEZONE_KEY)
        return None if name is None else name.decode()

    async def days(self, days: Iterable[str]) -> list[Row]:
        """Totals of each cell over some days (YYYY-MM-DD)."""
        return await self._rows(f"{PREFIX}day:{day}" for day in days)

    async def hours(self, hours: Iterable[int]) -> list[Row]:
        """Totals of each cell over some hours since the epoch."""
        return await self._rows(f"{PREFIX}hour:{hour}" for hour in hours)

    async def each_day(self, days: Iterable[str], keep: Keep = _everything) -> list[list[Row]]:
        """Cells of every single day, in the order asked for: those that `keep` accepts."""
        return await self._cells([f"{PREFIX}day:{day}" for day in days], keep)

    async def each_hour(self, hours: Iterable[int], keep: Keep = _everything) -> list[list[Row]]:
        """The same by hour."""
        return await self._cells([f"{PREFIX}hour:{hour}" for hour in hours], keep)

    async def day_tallies(self, days: Sequence[str]) -> list[Tally]:
        """Totals by one dimension of every single day: far less to read than the cells."""
        return await self._tallies([DAY_SUMS + day for day in days], [f"{PREFIX}day:{day}" for day in days])

    async def hour_tallies(self, hours: Sequence[int]) -> list[Tally]:
        """The same by hour."""
        return await self._tallies([f"{HOUR_SUMS}{n}" for n in hours], [f"{PREFIX}hour:{n}" for n in hours])

    async def volume(self) -> dict[int, Mixture]:
        """Eligible tokens by quarter of an hour since the epoch."""
        flat = await self._ask("HGETALL", VOLUME_KEY)
        return {
            int(quarter): Mixture(*unpack_totals(tokens)) for quarter, tokens in zip(flat[::2], flat[1::2], strict=True)
        }

    async def _rows(self, keys: Iterable[str]) -> list[Row]:
        return merge(row for rows in await self._cells(list(keys)) for row in rows)

    async def _cells(self, keys: Sequence[str], keep: Keep = _everything) -> list[list[Row]]:
        return await asyncio.gather(*(self._hash(key, keep) for key in keys))

    async def _hash(self, key: str, keep: Keep) -> list[Row]:
        """Decoded as it comes, hash by hash, so that other work of this process gets its turn in between."""
        flat = await self._ask("HGETALL", key)
        named = ((unpack_cell(field.decode()), totals) for field, totals in zip(flat[::2], flat[1::2], strict=True))
        return [Row(cell, *unpack_totals(totals)) for cell, totals in named if keep(cell)]

    async def _tallies(self, sums: Sequence[str], cells: Sequence[str]) -> list[Tally]:
        hashes = await asyncio.gather(*(self._ask("HGETALL", key) for key in sums))
        missing = [key for key, flat in zip(cells, hashes, strict=True) if not flat]
        counted = dict(zip(missing, await self._cells(missing), strict=True))
        return [unpack_tally(flat) if flat else tally_of(counted[key]) for key, flat in zip(cells, hashes, strict=True)]

    async def _ask(self, *words: str) -> Any:
        try:
            return await self._connection.call(*words)
        except hiredis.ReplyError as error:
            raise LedgerUnavailable(str(error)) from None


@asynccontextmanager
async def open_report(url: str, timeout: float = 5.0) -> AsyncIterator[Report]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    connection = await connect(parse_address(url), timeout, _ignore)
    try:
        yield Report(connection)
    finally:
        connection.lose("closed")


def day_range(first: str, last: str) -> list[str]:
    """All days from the first to the last, both included (YYYY-MM-DD)."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def add_rows(a: Row, b: Row) -> Row:
    """Both together, in the first one's cell."""
    names = Row.__struct_fields__[1:]
    return Row(a.cell, *(getattr(a, name) + getattr(b, name) for name in names))


def merge(rows: Iterable[Row]) -> list[Row]:
    """One row for each cell, in the order of the cells' names."""
    merged: dict[Cell, Row] = {}
    for row in rows:
        merged[row.cell] = add_rows(merged[row.cell], row) if row.cell in merged else row
    return [merged[cell] for cell in sorted(merged, key=msgspec.structs.astuple)]


def group(rows: Iterable[Row], by: Dimension) -> list[Row]:
    """One row for each value of a dimension; the cell's other dimensions are empty."""
    return merge(msgspec.structs.replace(row, cell=_only(row.cell, by)) for row in rows)


def total(rows: Sequence[Row]) -> Row:
    """All rows together; the cell is empty."""
    everything = Row(Cell("", "", "", "", ""))
    for row in rows:
        everything = add_rows(everything, row)
    return everything


def _only(cell: Cell, by: Dimension) -> Cell:
    return msgspec.structs.replace(Cell("", "", "", "", ""), **{by: getattr(cell, by)})


def _ignore(why: str) -> None:
    pass
