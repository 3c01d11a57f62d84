"""Any CSV or JSON lines, by the columns that are given: `at=ts,input=prompt_tokens,output=completion_tokens`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, defstruct, field

from router.simulate.readers.format import Format, Measure, Text, Time, Tokens
from router.simulate.readers.times import seconds
from router.simulate.requests import RecordedRequest

NEEDED = ("at", "input", "output")
_TYPES: Mapping[str, object] = {
    "at": Time,
    "input": Tokens,
    "output": Tokens,
    "cached": Tokens,
    "limit": Tokens | None,
    "model": Text,
    "endpoint": Text,
    "level": Text,
    "key": Text,
    "team": Text,
    "id": Text,
    "seconds": Measure | None,
    "first_byte": Measure | None,
}
"""What may be given, as `RecordedRequest` calls it."""
_EMPTY: Mapping[str, object] = {"cached": 0, "limit": None, "seconds": None, "first_byte": None, "endpoint": "chat"}


class BadColumns(ValueError):
    """What is wrong with the columns that were given, and what would be right."""


def columns_of(text: str) -> Mapping[str, str]:
    """The file's columns by what they mean. Raises BadColumns."""
    given = dict(_pair(part) for part in text.split(","))
    missing = [name for name in NEEDED if name not in given]
    if missing:
        raise BadColumns(f"columns need {', '.join(NEEDED)}: {', '.join(missing)} is missing in {text!r}")
    return given


def _pair(part: str) -> tuple[str, str]:
    name, separator, column = (each.strip() for each in part.partition("="))
    if name not in _TYPES or not separator or not column:
        raise BadColumns(f"{part!r} is no NAME=COLUMN; names are: {', '.join(_TYPES)}")
    return name, column


def format_of(columns: Mapping[str, str]) -> Format[Struct]:
    def request(line: Struct, number: int) -> RecordedRequest:
        values = {name: getattr(line, name) for name in columns}
        values["at"] = seconds(values["at"], columns["at"])
        return RecordedRequest(**{"id": f"line {number}", **values})

    fields = []
    for name, column in columns.items():
        needed = name in NEEDED
        told = field(name=column) if needed else field(name=column, default=_EMPTY.get(name, ""))
        fields.append((name, _TYPES[name], told))
    return Format("given", "the columns that were given", defstruct("Line", fields, kw_only=True), request)
