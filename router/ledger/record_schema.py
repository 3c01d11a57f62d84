"""The words in which `record.Record` declares its fields: units, and what is made of each field.

A field is declared once, there. What is made of the declarations:

    reports/export.py           columns of CSV, JSON lines and Parquet
    scripts/__init__.py         the Lua that packs the record of a charged hold
    admin/record_type.py     the type that the API answers with
    admin/telemetry/spans.py    attributes of spans
    docs/commands.md            the table of columns, by `make docs`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from router.core.money import in_usd, micro_usd

COUNTS: Mapping[str, int] = {
    "settled": 1,
    "unheld": 1,
    "held": 1,
    "lifted": -1,
    "attempt": 1,
    "withdrawn": -1,
    "final": 1,
    "refused": 0,
}
"""How often the tokens and the money of a record count, by its kind."""

Part = Literal["record", "settlement", "cell", "usage", "course", "units", "grounds"]
"""What of a `Settlement` a field is packed from, by the same name: itself, its cell, its usage, its course, the units
of its usage, the grounds of its course; or nothing of it, but the record's own."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def counts_of(kind: str) -> int:
    """0 for a kind that is not known."""
    return COUNTS.get(kind, 0)


def requests_of(kind: str) -> int:
    """How many requests a record is: a failed attempt's request is settled by itself."""
    return 0 if kind == "attempt" else counts_of(kind)


def unchanged(kind: str) -> int:
    return 1


class Form(Struct, frozen=True):
    """One way to show a value."""

    name: str
    """With {} for the field's."""
    type: Any
    """A name of `reports.export` for a column, a Python type in the API."""
    of: Callable[[Any], Any]


class Unit(Struct, frozen=True):
    columns: tuple[Form, ...]
    api: Form | None
    """None for what is not shown."""
    factor: Callable[[str], int] = unchanged
    """What columns multiply it by, from the record's kind, so that their sums are what the totals say."""


class Field(Struct, frozen=True):
    unit: Unit
    part: Part
    doc: str = ""
    """What its columns mean."""
    column: str = ""
    """What they are called, where not as the field."""
    held: bool = False
    """Whether a script fills it from a packed hold."""
    traced: bool = False
    """Whether spans have it, in the form and by the name of its last column."""


def _as_is(value: Any) -> Any:
    return value


def _one(name: str, column: str, api: Any) -> Unit:
    return Unit((Form(name, column, _as_is),), Form("{}", api, _as_is))


def _time(at: float) -> datetime:
    return _EPOCH + timedelta(microseconds=round(at * 1e6))


def _milliseconds(microseconds: int) -> float:
    return microseconds / 1000


TEXT = _one("{}", "text", str)
TEXTS = _one("{}", "texts", tuple[str, ...])
NUMBER = _one("{}", "integer", int)
PERHAPS = _one("{}", "integer", int | None)
"""A number that is not always there."""
MEASURED = _one("{}", "number", float)
PRICE = _one("{}_micro_usd_per_token", "number", float | None)
FLAG = _one("{}", "flag", bool)
KIND = Unit((Form("{}", "text", _as_is), Form("requests", "integer", requests_of)), Form("{}", str, _as_is))
TIME = Unit((Form("{}", "time", _time),), Form("{}", float, _as_is))
"""Seconds since the epoch."""
MICROSECONDS = Unit((Form("{}_us", "integer", _as_is),), Form("{}_ms", float, _milliseconds))
TOKENS = replace(_one("{}_tokens", "integer", int), factor=counts_of)
COUNT = replace(_one("{}", "integer", int), factor=counts_of)
SOUND = Unit((Form("sound_ms", "integer", _as_is),), Form("sound_ms", int, _as_is), counts_of)
"""Milliseconds."""
MONEY = Unit(
    (Form("{}_micro_usd", "number", micro_usd), Form("{}_usd", "number", in_usd)),
    Form("{}_micro_usd", float, micro_usd),
    counts_of,
)
"""Nano-USD."""
HIDDEN = Unit((), None)
