"""Reading totals, for people: `breakeven usage` and the dashboard. Off the hot path, on a connection of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from router.core.cost.rent import RentRow
from router.core.cost.volume import QUARTER_SECONDS, first_of_day, quarter_of
from router.core.field_names import escape_name, unescape_name
from router.core.limits.measures import MEASURES
from router.core.values import Cell, Mixture, Row
from router.ledger.redis_keys import (
    OWNED_KEY,
    PREFIX,
    SLICED_KEY,
    SLICES_PREFIX,
    TIMEZONE_KEY,
    VOLUME_KEY,
    ZONES_KEY,
    Lent,
    unpack_counter,
    unpack_row,
    unpack_slices,
    unpack_spent,
    unpack_totals,
)
from router.ledger.rent_book import RentBook
from router.ledger.reports.periods import Period, days_before, hours_before
from router.ledger.reports.totals_by_dimension import (
    EVERYTHING,
    NAMES_FIELD,
    Dimension,
    Look,
    Sums,
    Tally,
    TallyReader,
    asked,
    looks_at_once,
)
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, ask_all, connected, refused_is_unavailable
from router.ledger.server.scan import scan_hash
from router.ledger.stored_key import StoredKey
from router.ledger.stored_keys import read_keys
from router.ledger.stored_teams import StoredTeam, read_teams

_AT_ONCE = 1000
"""Fields that one call reads."""
USED = tuple(measure.name for measure in MEASURES if measure.totals)
"""Measures of which scopes have sums, in their order."""
_MARK = "begun"
_NOTHING_USED = (0,) * len(USED)
_MOST_MADE_BYTES = 8_000_000
_KEEPING_SECONDS = 600
"""How long the sums of a day may take to be made."""


class CounterValue(NamedTuple):
    """Of a limit, in its measure."""

    used: int
    held: int
    risk: int


class Report:
    """What the ledger has counted. Every method raises `LedgerUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = TallyReader()
        self._made: dict[tuple[Period, str], tuple[bytes, bytes]] = {}
        """What was just added up to be kept, by period and field, until it is read: with the period's mark."""
        self._made_bytes = 0
        self._open: dict[Hashable, Tally] = {}
        """Of periods that still change, by look: they are the same for everything that is asked at once."""
        self._tally_script, self._keep_script = map(_script, ("tally.lua", "keep.lua"))

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

    async def each_day(self, days: Iterable[str]) -> list[list[Row]]:
        """Cells of every single day, in the order asked for."""
        return await self._cells([f"{PREFIX}day:{day}" for day in days])

    async def days_by(self, look: Look, days: Iterable[str], today: str) -> list[Tally]:
        """Totals of every single day by some dimensions: far less to read than the cells. What the server has added up
        of days before `today` it keeps."""
        return await self._tallies(look, days_before(today, days))

    async def hours_by(self, look: Look, hours: Iterable[int], present: int) -> list[Tally]:
        """The same by hour since the epoch. Of those before the `present` one it keeps what comes to everything, or to
        a team apart; rows of a few names are added up each time, which is less than to read those of all names."""
        periods = hours_before(present, hours)
        if look.wanted and not look.apart:
            return [await self._open_period(look, period) for period in periods]
        return await self._tallies(look, periods)

    async def add_up(self, looks: Sequence[Look], periods: Sequence[Period]) -> None:
        """Keeps what is missing of those that are over, for all of these looks, in one pass over their cells. What the
        others come to is known to this report, then."""
        kept = {look.kept: look for look in looks if look.kept}
        fields = list(dict.fromkeys(field for some in kept for field in some))
        fields += [NAMES_FIELD] if any(look.names for look in looks) else []
        over = [period for period in periods if period.is_over]
        found = iter(await self._ask_all([("HEXISTS", period.sums, field) for period in over for field in fields]))
        for period in over:
            missing = [field for field in fields if not next(found)]
            if missing and await self._ask("HLEN", period.cells):
                views = [look for some, look in kept.items() if not set(some).isdisjoint(missing)]
                self._note_made(period, *await self._keep(views, period, NAMES_FIELD in missing))
        different = list({_same(look): look for look in looks}.values())
        for period in periods:
            if not period.is_over:
                await self._read_open(different, period, any(look.names for look in looks))

    def _note_made(self, period: Period, mark: bytes, values: Mapping[str, bytes]) -> None:
        """As far as that is little: a year of thousands of keys is read again, a day at a time."""
        for field, value in values.items():
            if self._made_bytes + len(value) <= _MOST_MADE_BYTES:
                self._made[period, field] = mark, value
                self._made_bytes += len(value)

    async def marks(self, periods: Sequence[Period]) -> tuple[bytes | None, ...]:
        """Of what is kept of each: another one, or none, once something more was counted there. Empty where there is
        nothing to keep, None where nothing is kept."""
        found = await self._ask_all([("HGET", period.sums, _MARK) for period in periods])
        empty = await self._empty([period for period, mark in zip(periods, found, strict=True) if mark is None])
        return tuple(b"" if period in empty else mark for period, mark in zip(periods, found, strict=True))

    def look_anew(self) -> None:
        """What is asked for from now on has everything that was counted until now."""
        self._open.clear()

    async def counters(self, place: str, fields: Sequence[str]) -> list[CounterValue | None]:
        """Counters of limits, see `core.limits.counters.Counter`; None for one that is not there yet."""
        found: list[CounterValue | None] = []
        for first in range(0, len(fields), _AT_ONCE):
            some = fields[first : first + _AT_ONCE]
            values = await self._ask("HMGET", PREFIX + place, *some)
            found += [
                None if value is None else CounterValue(*unpack_counter(field, value))
                for field, value in zip(some, values, strict=True)
            ]
        return found

    async def charged(self, place: str, fields: Sequence[str]) -> list[int]:
        """Of the same counters, what is charged of slices: lent to workers that are gone, and maybe used."""
        slices = place.replace("limit", SLICES_PREFIX, 1)
        found: list[Sequence[Lent]] = []
        for first in range(0, len(fields), _AT_ONCE):
            values = await self._ask("HMGET", slices, *fields[first : first + _AT_ONCE])
            found += [() if value is None else unpack_slices(value) for value in values]
        writers = sorted({lent.writer for every in found for lent in every})
        if not writers:
            return [0] * len(fields)
        seconds, micros = map(int, await self._ask("TIME"))
        now = 1000 * seconds + micros // 1000
        terms = dict(zip(writers, await self._ask("HMGET", SLICED_KEY, *writers), strict=True))
        return [
            sum(lent.amount for lent in every if lent.ends <= now and lent.term >= int(terms[lent.writer] or 0))
            for every in found
        ]

    async def zones(self) -> frozenset[str]:
        """That anything was counted in."""
        return frozenset(unescape_name(name.decode()) for name in await self._ask("SMEMBERS", ZONES_KEY))

    async def spent(self, period: str, name: str, places: Sequence[tuple[str, str, str]]) -> list[Sequence[int]]:
        """What was used of the measures in `USED` by (scope, zone, model; empty for all) in a period, such as "month",
        "2026-05"."""
        fields = ["|".join(map(escape_name, place)) for place in places]
        found: list[Sequence[int]] = []
        for first in range(0, len(fields), _AT_ONCE):
            values = await self._ask("HMGET", f"{PREFIX}spent:{period}:{name}", *fields[first : first + _AT_ONCE])
            found += [_NOTHING_USED if value is None else unpack_spent(value) for value in values]
        return found

    async def stored_keys(self) -> list[StoredKey]:
        """Client keys that live in the ledger, in the order in which they were made; some may not work any more."""
        with refused_is_unavailable():
            return await read_keys(self._connection)

    async def stored_teams(self) -> list[StoredTeam]:
        """Teams whose budgets live in the ledger, by name."""
        with refused_is_unavailable():
            return await read_teams(self._connection)

    async def rent(self, days: Iterable[str]) -> list[RentRow]:
        """What units of own backends were over some days, and what that cost."""
        return await RentBook(self._connection).days(days)

    async def owned_zones(self) -> frozenset[str]:
        """Zones that were the organisation's own when something was last counted there."""
        return frozenset(unescape_name(name.decode()) for name in await self._ask("SMEMBERS", OWNED_KEY))

    async def volume(self) -> dict[int, Mixture]:
        """Eligible tokens by quarter of an hour since the epoch."""
        flat = await self._ask("HGETALL", VOLUME_KEY)
        return {
            int(quarter): Mixture(*unpack_totals(tokens)) for quarter, tokens in zip(flat[::2], flat[1::2], strict=True)
        }

    async def _rows(self, keys: Iterable[str]) -> list[Row]:
        return merge(row for rows in await self._cells(list(keys)) for row in rows)

    async def _cells(self, keys: Sequence[str]) -> list[list[Row]]:
        return await asyncio.gather(*(self._hash(key) for key in keys))

    async def _hash(self, key: str) -> list[Row]:
        """Decoded as it comes, piece by piece, so that others get their turn in between, here and at the server."""
        found: dict[bytes, bytes] = {}
        with refused_is_unavailable():
            async for flat in scan_hash(self._connection, key):
                found.update(zip(flat[::2], flat[1::2], strict=True))
        return [unpack_row(field, totals) for field, totals in found.items()]

    async def _tallies(self, look: Look, periods: Sequence[Period]) -> list[Tally]:
        """What is not kept is asked for one after the other, because adding up a day keeps the server busy for some
        milliseconds."""
        known = await self._kept(look, [period for period in periods if period.is_over])
        return [known.get(period) or await self._add_up_one(look, period) for period in periods]

    async def _kept(self, look: Look, periods: Sequence[Period]) -> dict[Period, Tally]:
        """Those in which nothing was counted are known, too."""
        if not look.kept:
            return {}
        fields = (*look.kept, NAMES_FIELD) if look.names else look.kept
        found = await self._made_of(periods, fields)
        others = [period for period in periods if period not in found]
        found |= zip(others, await self._ask_all([("HMGET", period.sums, *fields) for period in others]), strict=True)
        empty = await self._empty([period for period, values in found.items() if None in values])
        kept = {
            period: await self._read_kept(look, dict(zip(fields, values, strict=True)))
            for period, values in found.items()
            if None not in values
        }
        return {**dict.fromkeys(empty, Tally()), **kept}

    async def _empty(self, periods: Sequence[Period]) -> set[Period]:
        """Those in which nothing was counted."""
        numbers = await self._ask_all([("HLEN", period.cells) for period in periods])
        return {period for period, number in zip(periods, numbers, strict=True) if not number}

    async def _made_of(self, periods: Sequence[Period], fields: Sequence[str]) -> dict[Period, Sequence[bytes | None]]:
        """What this report has just made does not travel again, unless more was counted since."""
        made = {period: [self._made.pop((period, field), None) for field in fields] for period in periods}
        self._made_bytes -= sum(len(each[1]) for some in made.values() for each in some if each is not None)
        whole = {
            period: [each for each in some if each is not None] for period, some in made.items() if None not in some
        }
        marks = await self._ask_all([("HGET", period.sums, _MARK) for period in whole])
        return {
            period: [value for _, value in each]
            for (period, each), mark in zip(whole.items(), marks, strict=True)
            if all(marked == mark for marked, _ in each)
        }

    async def _add_up_one(self, look: Look, period: Period) -> Tally:
        if not period.is_over:
            return await self._open_period(look, period)
        if not look.kept:
            sums = await self._sums([look], period, look.names)
            return await self._read_tally(look.letters, sums.rows[0], sums.names)
        _, made = await self._keep([look], period, look.names)
        return await self._read_kept(look, made)

    async def _keep(self, looks: Sequence[Look], period: Period, names: bool) -> tuple[bytes, dict[str, bytes]]:
        """The period's mark, which others may have made, and what was added up, by field. What is counted there
        meanwhile removes the mark, and then nothing is kept."""
        _, _, begun = await self._ask_all(
            [
                ("HSETNX", period.sums, _MARK, secrets.token_hex(8)),
                ("EXPIRE", period.sums, _KEEPING_SECONDS),
                ("HGET", period.sums, _MARK),
            ]
        )
        left = f"{period.sums}:left:{secrets.token_hex(8)}"
        sums = await self._sums([look.to_keep for look in looks], period, names, left)
        made: dict[str, bytes] = {}
        for look, rows in zip(looks, sums.rows, strict=True):
            made |= look.fields(rows)
        if names:
            made[NAMES_FIELD] = sums.names
        parts = (part for each in made.items() for part in each)
        await self._ask("EVAL", self._keep_script, 2, period.sums, period.cells, begun or "", *parts)
        return begun or b"", made

    async def _open_period(self, look: Look, period: Period) -> Tally:
        """Once for all that one report asks: an account of its days, and groups that come to the same."""
        found = self._open.get((period, _same(look)))
        if found is None or (look.names and not any(found.names.values())):
            await self._read_open([look], period, look.names)
        return self._open[period, _same(look)]

    async def _read_open(self, looks: Sequence[Look], period: Period, names: bool) -> None:
        sums = await self._sums(looks, period, names)
        for look, rows in zip(looks, sums.rows, strict=True):
            self._open[period, _same(look)] = await self._read_tally(look.letters, rows, sums.names)

    async def _read_kept(self, look: Look, values: Mapping[str, bytes | None]) -> Tally:
        """Of a day, from all the fields that it takes."""
        letters, names = look.kept_letters, values.get(NAMES_FIELD) or b""
        tallies = [await self._read_tally(letters, values[part.kept[0]] or b"", names, part) for part in look.parts]
        return (
            tallies[0] if len(tallies) == 1 else Tally([row for each in tallies for row in each.rows], tallies[0].names)
        )

    async def _read_tally(self, letters: str, rows: bytes, names: bytes, look: Look = EVERYTHING) -> Tally:
        """Others have their turn between the days of a year."""
        await asyncio.sleep(0)
        return self._reader.read(letters, rows, names, look)

    async def _sums(self, looks: Sequence[Look], period: Period, names: bool, left: str = "") -> Sums:
        """`left`: the key under which pieces may leave rows for the next one."""
        if len(looks) > 1 and (most := looks_at_once(await self._ask("HLEN", period.cells))) < len(looks):
            sums = await self._sums(looks[:most], period, names, left)
            for first in range(most, len(looks), most):
                sums.add_looks(await self._sums(looks[first : first + most], period, False, left))
            return sums
        keys = [period.cells, left] if left else [period.cells]
        sums, cursor = Sums(len(looks)), "0"
        while True:
            argument = asked(looks, cursor, names)
            rows, found, following = await self._ask("EVAL", self._tally_script, len(keys), *keys, argument)
            sums.add(rows, found)
            cursor = following.decode()
            if cursor == "0":
                return sums

    async def _ask(self, *words: str | int | bytes) -> Any:
        return await ask(self._connection, *words)

    async def _ask_all(self, commands: Sequence[Sequence[str | int | bytes]]) -> list[Any]:
        return await ask_all(self._connection, commands)


def _same(look: Look) -> Hashable:
    """What looks have in common that come to the same rows of cells."""
    return look.letters, frozenset(look.wanted.items())


@asynccontextmanager
async def open_report(url: str, timeout: float = 5.0) -> AsyncIterator[Report]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield Report(connection)


def _script(name: str) -> str:
    return (resources.files("router.ledger.scripts") / name).read_text()


def day_range(first: str, last: str) -> list[str]:
    """All days from the first to the last, both included (YYYY-MM-DD)."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def day_start(day: str, timezone: ZoneInfo) -> float:
    """First moment of a day (YYYY-MM-DD), in seconds since the epoch; midnight need not exist."""
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=timezone).timestamp()
    return float(first_of_day(quarter_of(noon), timezone) * QUARTER_SECONDS)


def day_end(day: str, timezone: ZoneInfo) -> float:
    """First moment after a day."""
    return day_start((date.fromisoformat(day) + timedelta(days=1)).isoformat(), timezone)


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
