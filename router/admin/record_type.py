"""A request record as the API has it: its type and its values, both made from the record's schema.

In the type the fields have the API's names and units: money in micro-USD, times in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from msgspec import NODEFAULT, Struct, defstruct
from msgspec.structs import fields

from router.ledger.record import FIELDS, SHOWN, Record
from router.ledger.record_schema import Form

_FORMS = tuple((name, form) for name in SHOWN if (form := FIELDS[name].unit.api) is not None)
_OWN = tuple((name, form) for name, form in _FORMS if FIELDS[name].part != "grounds")
"""Nothing of what it was decided on: what all teams use, and how backends are, is no matter of one request."""


def _fields(forms: Iterable[tuple[str, Form]]) -> list[tuple[str, Any, Any]]:
    defaults = {field.name: field.default for field in fields(Record)}
    return [
        (form.name.format(name), form.type, default if (default := defaults[name]) is NODEFAULT else form.of(default))
        for name, form in forms
    ]


if TYPE_CHECKING:
    RequestRecord = Struct
    OwnRecord = Struct
else:
    RequestRecord = defstruct(
        "RequestRecord",
        _fields(_FORMS),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace={"__doc__": "One decision and what came of it. Never what was asked or answered."},
    )

    OwnRecord = defstruct(
        "OwnRecord",
        _fields(_OWN),
        frozen=True,
        kw_only=True,
        module=__name__,
        namespace={"__doc__": "What came of one request, without what the gateway knew as it decided."},
    )


def shown(record: Record) -> RequestRecord:
    return RequestRecord(**_values(record, _FORMS))


def shown_own(record: Record) -> OwnRecord:
    """For those who do not see the whole gateway."""
    return OwnRecord(**_values(record, _OWN))


def _values(record: Record, forms: Iterable[tuple[str, Form]]) -> dict[str, Any]:
    return {form.name.format(name): form.of(getattr(record, name)) for name, form in forms}
