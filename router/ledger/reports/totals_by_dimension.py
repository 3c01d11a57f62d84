"""Totals by a few dimensions rather than by cell: what a page needs of a day, in a few kilobytes.

The server adds them up, see `tally.lua`, so that cells need not travel: 50 keys and 10 models on two backends are 1,000
cells of a day, but 140 rows by backend, model and team. Of days that do not change any more it keeps what it has added
up, from the first time that somebody asks:

    be:{ledger}:sums:<YYYY-MM-DD>   hash: letters of the dimensions -> packed rows; `names` -> the names of all cells

It expires with the day, and goes when the day is corrected all the same. Days are added up in pieces, and kept view by
view, so that none keeps the server busy for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from router.core.field_names import escape_name, unescape_name
from router.core.values import Cell, Row
from router.ledger.redis_keys import PREFIX

Dimension = Literal["backend", "zone", "model", "team", "key"]

DAY_SUMS = PREFIX + "sums:"
NAMES_FIELD = "names"
SETTLED_DAYS = 3
"""A day that has been over for longer is changed by late corrections only."""

_LETTERS: Mapping[str, Dimension] = {"b": "backend", "m": "model", "t": "team", "k": "key"}
_DIMENSIONS: tuple[Dimension, ...] = Cell.__struct_fields__  # type: ignore[assignment]
_VIEWS = (("bmt", 0), ("btk", 0), ("b", 1), ("bm", 1), ("bt", 1), ("bk", 2))
"""What is kept, each made from the cells (0) or from an earlier one. Models by key would be as many as the cells."""

_FROM_CELLS = tuple(view for view, source in _VIEWS if source == 0)
_COLUMNS = len(Row.__struct_fields__) - 1
_BEGIN = "0"
PIECE = 100
"""Cells that one call looks at, for one view: it takes the server less than half a millisecond."""

_encode = msgspec.msgpack.encode
_decode_rows = msgspec.msgpack.Decoder(list[tuple[str | int, ...]]).decode
_decode_names = msgspec.msgpack.Decoder(tuple[list[str], ...]).decode


class Look(Struct, frozen=True):
    """What is looked for: rows by these dimensions, of cells with these names. The zone of a row is always known."""

    by: tuple[Dimension, ...] = ("backend",)
    wanted: Mapping[Dimension, str] = {}
    names: bool = True
    """Whether the names of all cells are told, too."""

    @property
    def letters(self) -> str:
        """Of the dimensions that rows are told apart by."""
        return "".join(letter for letter, name in _LETTERS.items() if name in self.by)

    @property
    def kept(self) -> str:
        """The kept view that answers it; empty when there is none."""
        needed = {*self.by, *self.wanted} - {"zone"}
        answering = [view for view, _ in _VIEWS if needed <= {_LETTERS[letter] for letter in view}]
        return min(answering, key=len, default="")

    def accepts(self, cell: Cell) -> bool:
        return all(getattr(cell, name) == value for name, value in self.wanted.items())


class Tally(Struct, frozen=True):
    """One day or hour."""

    rows: Sequence[Row] = ()
    """A row's cell has its zone and the names of some dimensions, those looked for at least."""
    names: Mapping[Dimension, Sequence[str]] = {}
    """Of all its cells, whatever is looked for."""


def open_from(today: str) -> str:
    """The first day that still changes as requests come to their end."""
    return (date.fromisoformat(today) - timedelta(days=SETTLED_DAYS)).isoformat()


def asked(look: Look, cursor: str = _BEGIN) -> bytes:
    """The script's argument, for a piece of this look alone."""
    wanted: list[int | str] = []
    for name, value in look.wanted.items():
        wanted += (_DIMENSIONS.index(name) + 1, escape_name(value))
    return _encode(((look.letters,), wanted, cursor, PIECE, _COLUMNS, look.names))


def asked_for_views(cursor: str) -> bytes:
    """The script's argument, for a piece of what all kept views can be made from."""
    return _encode((_FROM_CELLS, (), cursor, PIECE // len(_FROM_CELLS), _COLUMNS, True))


class Sums:
    """Rows of several pieces, by letters of the view, and the names of all cells."""

    def __init__(self, *views: str) -> None:
        self._views: dict[str, dict[str, list[int]]] = {letters: {} for letters in views}
        self._names: list[set[str]] = [set() for _ in _DIMENSIONS]

    @classmethod
    def to_keep(cls) -> Sums:
        return cls(*_FROM_CELLS)

    def add(self, answers: Sequence[bytes], names: bytes) -> None:
        for sums, rows in zip(self._views.values(), answers, strict=True):
            for label, *totals in _decode_rows(rows):
                _add(sums, str(label), totals)  # type: ignore[arg-type]
        for known, more in zip(self._names, _decode_names(names), strict=True):
            known.update(more)

    def make_all(self) -> None:
        """The other views that are kept, from those that were made of cells."""
        for letters, source in _VIEWS:
            if source:
                self._make(letters, _VIEWS[source - 1][0])

    def rows(self, letters: str) -> bytes:
        return _encode([(label, *totals) for label, totals in self._views[letters].items()])

    @property
    def names(self) -> bytes:
        return _encode([sorted(names) for names in self._names])

    @property
    def fields(self) -> Iterator[tuple[str, bytes]]:
        """As they are kept; each is large enough for a call of its own."""
        yield NAMES_FIELD, self.names
        for letters in self._views:
            yield letters, self.rows(letters)

    def _make(self, letters: str, source: str) -> None:
        """One more view, from one that has these letters too."""
        made: dict[str, list[int]] = {}
        for label, totals in self._views[source].items():
            zone, *names = label.split("|")[:-1]
            of = dict(zip(source, names, strict=True))
            _add(made, "|".join((zone, *(of[letter] for letter in letters), "")), totals)
        self._views[letters] = made


def _add(sums: dict[str, list[int]], label: str, totals: Sequence[int]) -> None:
    """Totals may lack zeros at their end."""
    found = sums.setdefault(label, [0] * _COLUMNS)
    for column, number in enumerate(totals):
        found[column] += number


def unpack_tally(letters: str, rows: bytes, names: bytes, accepts: Callable[[Cell], bool]) -> Tally:
    """From a view's rows, and the names of all cells."""
    found = (Row(_cell(letters, str(label)), *totals) for label, *totals in _decode_rows(rows))  # type: ignore[arg-type]
    return Tally([row for row in found if accepts(row.cell)], unpack_names(names))


def unpack_names(names: bytes) -> Mapping[Dimension, Sequence[str]]:
    if not names:
        return {}
    return dict(
        zip(_DIMENSIONS, ([unescape_name(name) for name in each] for each in _decode_names(names)), strict=True)
    )


def all_names(tallies: Iterable[Tally]) -> dict[Dimension, list[str]]:
    """Every name once, in the order of the alphabet."""
    found: dict[Dimension, set[str]] = {name: set() for name in _DIMENSIONS}
    for tally in tallies:
        for dimension, names in tally.names.items():
            found[dimension].update(names)
    return {dimension: sorted(names) for dimension, names in found.items()}


def _cell(letters: str, label: str) -> Cell:
    zone, *names = map(unescape_name, label.split("|")[:-1])
    known = dict(zip((_LETTERS[letter] for letter in letters), names, strict=True))
    return Cell(*(zone if name == "zone" else known.get(name, "") for name in _DIMENSIONS))
