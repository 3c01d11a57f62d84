"""The rent of own backends' units, as entries of days.

    be:{ledger}:rent:meters         hash: backend|unit -> how far it is accounted for, and when its run began, in
                                    milliseconds since the epoch: "1779271200000 1779267600000"
    be:{ledger}:rent:<YYYY-MM-DD>   hash: backend|unit|state|ms and ..|nano -> milliseconds and nano-USD; expires

Whoever adds says what the unit's meter was, and the server adds only if it still is: two that look at the same unit, or
one whose answer was lost and that tries again, count no time twice. While the ledger is lost nothing is added, and
nothing has to be kept: a meter says from when on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec

from router.core.cost.rent import Accrual, Meter, RentRow, RentState
from router.core.field_names import escape_name, unescape_name
from router.ledger.redis_keys import RENT_METERS_KEY, RENT_PREFIX
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, ask_all

Unit = tuple[str, int]
"""A backend's name, and which of its units, from 0 on."""

_AT_ONCE = 8
"""Units in one call: each adds a few entries, or after a month some hundred."""


class RentBook:
    """On a connection that may be anybody's. Every method raises `LedgerUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._script = (resources.files("router.ledger.scripts") / "rent.lua").read_text()

    async def meters(self) -> dict[Unit, Meter]:
        """How far each unit is accounted for, whether or not a policy names it still."""
        flat = await self._ask("HGETALL", RENT_METERS_KEY)
        return {_unit(field): _meter(value) for field, value in zip(flat[::2], flat[1::2], strict=True)}

    async def accrue(self, accruals: Mapping[Unit, Accrual], retained: int) -> int:
        """Add what has come, of units whose meter is still as it was; how many these were.

        `retained`: seconds that a day is kept.
        """
        changed = [(unit, accrual) for unit, accrual in accruals.items() if accrual.after != accrual.before]
        added = 0
        for first in range(0, len(changed), _AT_ONCE):
            added += await self._add(changed[first : first + _AT_ONCE], retained)
        return added

    async def days(self, days: Iterable[str]) -> list[RentRow]:
        """The entries of some days (YYYY-MM-DD)."""
        names = list(days)
        flat = await ask_all(self._connection, [("HGETALL", RENT_PREFIX + day) for day in names])
        return [row for day, fields in zip(names, flat, strict=True) for row in _rows(day, fields)]

    async def _add(self, accruals: Sequence[tuple[Unit, Accrual]], retained: int) -> int:
        days = {entry.day: None for _, accrual in accruals for entry in accrual.entries}
        numbers = {day: number for number, day in enumerate(days, 1)}
        packed = msgspec.msgpack.encode([_packed(unit, accrual, numbers) for unit, accrual in accruals])
        keys = (RENT_METERS_KEY, *(RENT_PREFIX + day for day in days))
        return int(await self._ask("EVAL", self._script, len(keys), *keys, retained, packed))

    async def _ask(self, *words: str | int | bytes) -> Any:
        return await ask(self._connection, *words)


def _packed(unit: Unit, accrual: Accrual, numbers: Mapping[str, int]) -> tuple[str, str, str, list[int | str]]:
    entries: list[int | str] = []
    for entry in accrual.entries:
        entries += (numbers[entry.day], entry.state.value, entry.milliseconds, entry.nano_usd)
    return f"{escape_name(unit[0])}|{unit[1]}", _text(accrual.before), _text(accrual.after), entries


def _text(meter: Meter) -> str:
    return f"{meter.at} {meter.begun}" if meter.at else ""


def _meter(value: bytes) -> Meter:
    at, begun = map(int, value.split())
    return Meter(at, begun)


def _unit(field: bytes) -> Unit:
    backend, number = field.decode().split("|")
    return unescape_name(backend), int(number)


def _rows(day: str, flat: Sequence[bytes]) -> Iterable[RentRow]:
    figures = {field.decode(): int(value) for field, value in zip(flat[::2], flat[1::2], strict=True)}
    for field, milliseconds in sorted(figures.items()):
        backend, unit, state, what = field.split("|")
        if what == "ms":
            nano = figures.get(f"{backend}|{unit}|{state}|nano", 0)
            yield RentRow(day, unescape_name(backend), int(unit), RentState(state), milliseconds, nano)
