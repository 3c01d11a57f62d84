"""A file's lines with their numbers, from CSV, JSON lines and Parquet, each as values by column. One at a time."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from router.simulate.readers.malformed import Malformed, shown

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_TOGETHER = 10_000
"""Rows of Parquet in memory."""
_LONGEST = 4_194_304
"""Characters of one line: more is no line of a trace, and would be held as a whole."""
_MARKED = "surrogateescape"
"""What is no UTF-8 is marked where it stands: an error would come for some thousand bytes at once, from no line."""
_WRONG_BYTES = re.compile("[\udc80-\udcff]")
_FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r", "'\n", "'\uff1d", "'\uff0b", "'\uff0d", "'\uff20")

Values = Mapping[str, Any]


class Lines(NamedTuple):
    kind: str
    """For people: "CSV", "JSON lines" or "Parquet"."""
    columns: Sequence[str]
    """Of the whole file, or of the first line of JSON."""
    values: Iterator[tuple[int, Values]]
    """With the number of the line, or of the row. Raises Malformed."""


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    """Raises Malformed or OSError, also while lines are read."""
    with _regular(path) as file:
        head = file.read(4)
        file.seek(0)
        if head == _PARQUET:
            yield _parquet(path, file)
        elif head.startswith(_GZIP):
            with gzip.open(file) as unpacked:
                yield _text(path, unpacked)  # type: ignore[arg-type]
        else:
            yield _text(path, file)


def _regular(path: Path) -> BinaryIO:
    """A pipe would be waited for until somebody writes to it, and cannot be read twice. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.ESPIPE, "it is no regular file: write what comes out of a pipe into a file first", str(path))


def _text(path: Path, file: BinaryIO) -> Lines:
    lines = _numbered(path, io.TextIOWrapper(file, "utf-8-sig", _MARKED, newline=""))
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise Malformed(path, 0, "the file is empty: there is no request in it")
    lines = chain((first,), lines)
    return _json(path, lines) if first[1].lstrip().startswith("{") else _csv(path, lines)


def _numbered(path: Path, file: io.TextIOWrapper) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        while line := file.readline(_LONGEST):
            number += 1
            if len(line) == _LONGEST:
                raise Malformed(path, number, f"the line is longer than {_LONGEST:,} characters")
            if not line.isascii() and (wrong := _WRONG_BYTES.search(line)):
                found = line[wrong.start() :].encode("utf-8", _MARKED)[:4]
                raise Malformed(path, number, f"{found!r} is no text in UTF-8: save the file in that encoding")
            yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Malformed(path, number + 1, f"the compressed file ends here or is damaged ({error})") from None


# --- JSON lines


def _json(path: Path, lines: Iterator[tuple[int, str]]) -> Lines:
    objects = _objects(path, lines)
    first = next(objects)
    return Lines("JSON lines", list(first[1]), chain((first,), objects))


def _objects(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Values]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in lines:
        if line.isspace():
            continue
        try:
            yield number, decode(line)
        except msgspec.DecodeError as error:
            raise Malformed(path, number, f"{shown(line.strip())} is no JSON object on one line ({error})") from None


# --- CSV


def _csv(path: Path, lines: Iterator[tuple[int, str]]) -> Lines:
    number, head = next(lines)
    delimiter = max(",;\t", key=head.count)
    columns = [name.strip() for name in next(csv.reader([head], delimiter=delimiter))]
    return Lines("CSV", columns, _rows(path, lines, columns, delimiter, number))


def _rows(
    path: Path, lines: Iterator[tuple[int, str]], columns: Sequence[str], delimiter: str, before: int
) -> Iterator[tuple[int, Values]]:
    rows = csv.reader((line for _, line in lines), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if not row:
                continue
            number = before + rows.line_num
            if len(row) != len(columns):
                problem = f"{len(row)} columns, and the first line names {len(columns)}: {', '.join(columns)[:200]}"
                raise Malformed(path, number, problem)
            yield number, {name: _plain(value) for name, value in zip(columns, row, strict=True)}
    except csv.Error as error:
        raise Malformed(path, before + rows.line_num, f"it is no line of CSV ({error})") from None


def _plain(value: str) -> str:
    """Without the sign that keeps a spreadsheet from computing it."""
    return value[1:] if value.startswith(_FORMULA) else value


# --- Parquet


def _parquet(path: Path, file: BinaryIO) -> Lines:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        needed = "Parquet needs the package pyarrow: install breakeven[parquet], or export JSON lines"
        raise Malformed(path, 0, needed) from None
    try:
        table = parquet.ParquetFile(file)
    except ValueError as error:  # pyarrow's own errors are of this kind
        raise Malformed(path, 0, f"it is no whole file of Parquet ({error})") from None
    return Lines("Parquet", table.schema_arrow.names, _batches(path, table))


def _batches(path: Path, table: Any) -> Iterator[tuple[int, Values]]:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=_TOGETHER):
            for row in batch.to_pylist():
                number += 1
                yield number, {name: _as_text(value) for name, value in row.items() if value is not None}
    except (ValueError, OSError) as error:
        raise Malformed(path, number + 1, f"it is no whole file of Parquet ({error})") from None


def _as_text(value: Any) -> Any:
    """Times as the other kinds of files have them."""
    return value.isoformat() if isinstance(value, datetime) else value
