"""Request records as JSON lines, CSV or Parquet, one batch after the other, in constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, BinaryIO, Protocol

import msgspec
from msgspec import Struct

from router.ledger.record import FIELDS, SHOWN, Record
from router.ledger.record_schema import Field, Form, unchanged

# The last four are the same signs in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
_encode_json = msgspec.json.Encoder().encode


class MissingPackageError(Exception):
    """A format needs a package that is not installed; the text says what to do."""


class Column(Struct, frozen=True):
    """`type` is of Parquet: "text", "texts", "time", "integer", "number" or "flag"."""

    name: str
    type: str
    value: Callable[[Record], Any]


def _column(name: str, field: Field, form: Form) -> Column:
    def value(record: Record) -> Any:
        return form.of(getattr(record, name))

    def summable(record: Record) -> Any:
        return form.of(factor(record.kind) * getattr(record, name))

    factor = field.unit.factor
    return Column(form.name.format(field.column or name), form.type, value if factor is unchanged else summable)


COLUMNS: Sequence[Column] = tuple(
    _column(name, FIELDS[name], form) for name in SHOWN for form in FIELDS[name].unit.columns
)


def line_of(record: Record, columns: Sequence[Column] = COLUMNS) -> dict[str, Any]:
    """By column, what a line of JSON has."""
    return {column.name: _shown(column.value(record)) for column in columns}


class Writer(Protocol):
    def write(self, records: Sequence[Record]) -> None: ...

    def close(self) -> None:
        """Completes the output; the file that it goes to stays open."""


class JsonLines:
    def __init__(self, output: BinaryIO) -> None:
        self._output = output

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            self._output.write(_encode_json(line_of(record)) + b"\n")

    def close(self) -> None:
        self._output.flush()


class Csv:
    """With a header line, and CRLF as RFC 4180 has it. Text that a spreadsheet would take for a formula gets a "'"."""

    def __init__(self, output: BinaryIO) -> None:
        self._text = io.TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
        self._lines = csv.writer(self._text)
        self._lines.writerow([column.name for column in COLUMNS])

    def write(self, records: Sequence[Record]) -> None:
        self._lines.writerows([_cell(column.value(record)) for column in COLUMNS] for record in records)

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class Parquet:
    """Row groups of `ROWS` records, compressed with zstd."""

    ROWS = 10_000

    def __init__(self, output: BinaryIO) -> None:
        try:
            self._arrow = import_module("pyarrow")
            parquet = import_module("pyarrow.parquet")
        except ImportError:
            raise MissingPackageError(
                "Parquet needs the package pyarrow: install breakeven[parquet], or pyarrow beside breakeven"
            ) from None
        self._waiting: list[Record] = []
        self._schema = _schema(self._arrow)
        self._file = parquet.ParquetWriter(output, self._schema, compression="zstd")

    def write(self, records: Sequence[Record]) -> None:
        self._waiting += records
        while len(self._waiting) >= self.ROWS:
            self._group(self._waiting[: self.ROWS])
            del self._waiting[: self.ROWS]

    def close(self) -> None:
        if self._waiting:
            self._group(self._waiting)
        self._file.close()

    def _group(self, records: Sequence[Record]) -> None:
        columns = {column.name: list(map(column.value, records)) for column in COLUMNS}
        self._file.write_table(self._arrow.table(columns, schema=self._schema))


FORMATS: Mapping[str, Callable[[BinaryIO], Writer]] = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet}


def _schema(arrow: Any) -> Any:
    types = {
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "time": arrow.timestamp("us", tz="UTC"),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "flag": arrow.bool_(),
    }
    return arrow.schema([(column.name, types[column.type]) for column in COLUMNS])


def _shown(value: Any) -> Any:
    """ISO 8601 with microseconds, always of the same length."""
    return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if isinstance(value, datetime) else value


def _cell(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case float():
            plain = f"{value:.9f}".removesuffix("000")
            return plain if float(plain) == value else repr(value)
        case tuple():
            return harmless(",".join(value))
        case str():
            return harmless(value)
        case _:
            return str(_shown(value))


def harmless(text: str) -> str:
    """What no spreadsheet computes."""
    return f"'{text}" if text.startswith(_FORMULA) else text
