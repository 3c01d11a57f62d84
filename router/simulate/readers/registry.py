"""The formats of recorded requests, and reading a file in the one that it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from router.simulate.readers.azure import AZURE
from router.simulate.readers.burstgpt import BURSTGPT
from router.simulate.readers.format import Format
from router.simulate.readers.given import format_of
from router.simulate.readers.lines import Lines, open_lines
from router.simulate.readers.malformed import Malformed, Wrong
from router.simulate.readers.mooncake import MOONCAKE
from router.simulate.readers.records import RECORDS
from router.simulate.readers.servegen import SERVEGEN, SERVEGEN_CLIENTS
from router.simulate.requests import RecordedRequest

_ALL: tuple[Format[Any], ...] = (RECORDS, AZURE, MOONCAKE, BURSTGPT, SERVEGEN, SERVEGEN_CLIENTS)
FORMATS: Mapping[str, Format[Any]] = {each.name: each for each in _ALL}
"""By name. A file is in the first one whose columns it has."""
_IDS = 50_000
"""More than may stand out of order, see `traffic_of`."""


def read(path: Path | str, columns: Mapping[str, str] | None = None) -> Iterator[RecordedRequest]:
    """The requests of a file, in its order, one at a time. `columns` are those of `given.columns_of`; a format that is
    known is found by its columns. Raises Malformed or OSError, also on the way: then what was read before is not all
    that the file has, and should count for nothing."""
    path = Path(path)
    with open_lines(path) as lines:
        form = _format(path, lines, columns)
        _only_once(path, lines.columns, form)
        needed, several, ids = frozenset(form.known_by), form.lists(), _LastIds()
        for number, values in lines.values:
            try:
                request = form.read(_of_csv(values, needed, several) if lines.kind == "CSV" else values, number)
            except Wrong as wrong:
                raise Malformed(path, number, str(wrong), wrong.column) from None
            if request is not None:
                before = ids.line_of(values.get(form.once), number) if form.once else 0
                if before:
                    again = f"the same request stands in line {before}: leave one out, or it counts twice"
                    raise Malformed(path, number, again, form.once)
                yield request


def format_of_file(path: Path | str) -> Format[Any]:
    """Raises Malformed or OSError."""
    with open_lines(Path(path)) as lines:
        return _format(Path(path), lines, None)


class _LastIds:
    """Of the last requests, as many as may stand out of order: those of a file that stands twice in one are either
    among them, or so far apart that they are out of order."""

    def __init__(self, most: int = _IDS) -> None:
        self._most = most
        self._lines: dict[object, int] = {}

    def line_of(self, found: object, number: int) -> int:
        """Where that was found before; 0 for nowhere."""
        if not found:
            return 0
        if found in self._lines:
            return self._lines[found]
        self._lines[found] = number
        if len(self._lines) > self._most:
            del self._lines[next(iter(self._lines))]
        return 0


def _only_once(path: Path, columns: Sequence[str], form: Format[Any]) -> None:
    """Raises Malformed."""
    twice = [name for name, count in Counter(columns).items() if count > 1 and name in form.names()]
    if twice:
        raise Malformed(path, 1, f"there are several columns {', '.join(twice)}: leave all but one out")


def _format(path: Path, lines: Lines, columns: Mapping[str, str] | None) -> Format[Any]:
    has = frozenset(lines.columns)
    if columns is not None:
        missing = [column for column in columns.values() if column not in has]
        if missing:
            raise Malformed(path, 1, f"there is no column {', '.join(missing)}; there are: {_named(lines)}")
        return format_of(columns)
    found = next((form for form in _ALL if has.issuperset(form.known_by)), None)
    if found is None:
        known = "; ".join(f"{form.name}: {', '.join(form.known_by)}" for form in _ALL)
        raise Malformed(
            path,
            1,
            f"{lines.kind} with the columns {_named(lines)} is no format that is known. Known are ({known}). Any other"
            " is read with --columns at=COLUMN,input=COLUMN,output=COLUMN",
        )
    return found


def _named(lines: Lines) -> str:
    named = ", ".join(lines.columns)
    return named if len(named) <= 300 else f"{named[:300]}…"


def _of_csv(values: Mapping[str, Any], needed: frozenset[str], several: frozenset[str]) -> Mapping[str, Any]:
    """What is empty there is what other files leave out, and lists are separated by commas."""
    told = {name: value for name, value in values.items() if value or name in needed}
    for name in several.intersection(told):
        told[name] = told[name].split(",")
    return told
