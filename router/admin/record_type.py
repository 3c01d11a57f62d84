"""A request record as the API has it: its type and its values, both made from the record's schema.

In the type the fields have the API's names and units: money in micro-USD, times in milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import NODEFAULT, Struct, defstruct
from msgspec.structs import fields

from router.ledger.record import FIELDS, SHOWN, Record

_FORMS = tuple((name, form) for name in SHOWN if (form := FIELDS[name].unit.api) is not None)


def _fields() -> list[tuple[str, Any, Any]]:
    defaults = {field.name: field.default for field in fields(Record)}
    return [
        (form.name.format(name), form.type, default if (default := defaults[name]) is NODEFAULT else form.of(default))
        for name, form in _FORMS
    ]


if TYPE_CHECKING:
    RequestRecord = Struct
else:
    RequestRecord = defstruct(
        "RequestRecord",
        _fields(),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace={"__doc__": "One decision and what came of it. Never what was asked or answered."},
    )


def shown(record: Record) -> RequestRecord:
    return RequestRecord(**{form.name.format(name): form.of(getattr(record, name)) for name, form in _FORMS})
