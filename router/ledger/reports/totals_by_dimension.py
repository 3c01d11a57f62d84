"""Totals by a few dimensions rather than by cell: what a page needs of a day, in a few kilobytes.

The server adds them up, see `tally.lua`, so that cells need not travel: 50 keys and 10 models on two backends are 1,000
cells of a day, but 140 rows by backend, model and team. Of days and hours that are over it keeps what it has added up,
from the first time that somebody asks:

    be:{ledger}:summed:<YYYY-MM-DD>       hash: letters of the dimensions -> packed rows; letters@<team> -> those of the
    be:{ledger}:summed:hour:<epoch hour>  team alone, without its name; `names` -> the names of all cells

The control plane asks for them once they are over, so that mostly nobody waits for that. It expires with the cells, and
goes in the same step as something more is counted there: requests that came before midnight end after it. Only the
views that are asked for are made, in one pass, and those of a large day in pieces, so that no call keeps the server
busy for long. Earlier versions kept some in `sums:`, whose counting forgot nothing: they expire, and nobody reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Literal, TypeGuard

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.field_names import escape_name, unescape_name
from router.core.values import Cell, Row

Dimension = Literal["backend", "zone", "model", "team", "key"]

NAMES_FIELD = "names"

_LETTERS: Mapping[str, Dimension] = {"b": "backend", "m": "model", "t": "team", "k": "key"}
_DIMENSIONS: tuple[Dimension, ...] = Cell.__struct_fields__  # type: ignore[assignment]
_VIEWS = ("b", "bm", "bt", "bk", "bmt", "btk")
"""What is kept. Models by key would be as many as the cells."""

PIECE_WORK = 600
"""What one call does: 1 for each of its cells, 1 for each look at one of them, and 1 for each row that begins. That
takes the server a millisecond or two. In smaller pieces rows would be sent often."""
_SMALL_HASH = 512
"""Fields, at most: `hash-max-listpack-entries`."""

_encode = msgspec.msgpack.encode
_decode_rows = msgspec.msgpack.Decoder(list[tuple[str | int, ...]]).decode
_decode_views = msgspec.msgpack.Decoder(list[list[tuple[str | int, ...]]]).decode
_decode_names = msgspec.msgpack.Decoder(tuple[list[str], ...]).decode


def is_dimension(name: str) -> TypeGuard[Dimension]:
    return name in _DIMENSIONS


class Look(Struct, frozen=True):
    """What is looked for: rows by these dimensions, of cells with one of these names in each of these dimensions. The
    zone of a row is always known."""

    by: tuple[Dimension, ...] = ("backend",)
    wanted: Mapping[Dimension, frozenset[str]] = {}
    names: bool = True
    """Whether the names of all cells are told, too."""
    apart: bool = False
    """Each team that is wanted is kept without the others, and nothing else is read: for those who see no other one. So
    few cells are of some teams that nearly all that would travel is spared."""

    @property
    def letters(self) -> str:
        """Of the dimensions that rows are told apart by."""
        return "".join(letter for letter, name in _LETTERS.items() if name in self.by)

    @property
    def kept_letters(self) -> str:
        """Of the kept view that answers it; empty when there is none."""
        given = {"team"} if self.apart else set()
        needed = {*self.by, *self.wanted} - {"zone"} - given
        answering = [view for view in _VIEWS if needed <= {_LETTERS[letter] for letter in view} - given]
        return min(answering, key=len, default="").replace("t", "" if self.apart else "t")

    @property
    def parts(self) -> Sequence[Look]:
        """Looks that come to the same together, of one kept field each."""
        if not self.apart:
            return (self,)
        return [
            replace(self, wanted={**self.wanted, "team": frozenset({name})}) for name in sorted(self.wanted["team"])
        ]

    @property
    def kept(self) -> tuple[str, ...]:
        """The fields of that view; none when there is none."""
        letters = self.kept_letters
        if not letters or not self.apart:
            return (letters,) if letters else ()
        return tuple(f"{letters}@{escape_name(name)}" for name in sorted(self.wanted["team"]))

    @property
    def to_keep(self) -> Look:
        """All rows of the kept view, and of all teams that are kept apart in one."""
        by = [_LETTERS[letter] for letter in self.kept_letters]
        return Look((*by, "team"), {"team": self.wanted["team"]}) if self.apart else Look(tuple(by))

    def fields(self, rows: bytes) -> dict[str, bytes]:
        """Rows of `to_keep`, by the fields that they are kept in."""
        if not self.apart:
            return dict.fromkeys(self.kept, rows)
        letters, at = self.kept_letters, 1 + self.to_keep.letters.index("t")
        found: dict[str, list[tuple[str | int, ...]]] = {field: [] for field in self.kept}
        for label, *totals in _decode_rows(rows):
            names = str(label).split("|")
            team = names.pop(at)
            found[f"{letters}@{team}"].append(("|".join(names), *totals))
        return {field: _encode(each) for field, each in found.items()}

    def accepts(self, cell: Cell) -> bool:
        return all(getattr(cell, name) in names for name, names in self.wanted.items())


EVERYTHING = Look()
KEPT_LOOKS = tuple(Look(tuple(_LETTERS[letter] for letter in view)) for view in _VIEWS)
"""All that is kept of a day, of all teams together."""


def of_teams(teams: frozenset[str]) -> list[Look]:
    """All that is kept of a day of each of these teams alone."""
    views = dict.fromkeys(view.replace("t", "") for view in _VIEWS)
    wanted: dict[Dimension, frozenset[str]] = {"team": teams}
    return [Look(tuple(_LETTERS[x] for x in view), wanted, names=False, apart=True) for view in views] if teams else []


class Tally(Struct, frozen=True):
    """One day or hour."""

    rows: Sequence[Row] = ()
    """A row's cell has its zone and the names of some dimensions, those looked for at least."""
    names: Mapping[Dimension, Sequence[str]] = {}
    """Of all its cells, whatever is looked for."""


def looks_at_once(cells: int) -> int:
    """At so many cells. A hash that is small is stored so that the server can only read all of it at once."""
    return max(1, PIECE_WORK // (2 * cells)) if 0 < cells <= _SMALL_HASH else len(_VIEWS)


def asked(looks: Sequence[Look], cursor: str, names: bool) -> bytes:
    """The script's argument, for a piece; it begins with "0"."""
    return _encode((cursor, PIECE_WORK, names, [(look.letters, _numbered(look.wanted)) for look in looks]))


def _numbered(wanted: Mapping[Dimension, frozenset[str]]) -> list[tuple[int, list[str]]]:
    return [(_DIMENSIONS.index(name) + 1, sorted(map(escape_name, names))) for name, names in wanted.items()]


class Sums:
    """Rows of several pieces, for each of some looks, and the names of all cells."""

    def __init__(self, looks: int) -> None:
        self._rows: list[dict[str, list[int]]] = [{} for _ in range(looks)]
        self._names: list[set[str]] = [set() for _ in _DIMENSIONS]

    def add(self, rows: bytes, names: bytes) -> None:
        for sums, found in zip(self._rows, _decode_views(rows), strict=True):
            for label, *totals in found:
                _add(sums, str(label), totals)  # type: ignore[arg-type]
        for known, more in zip(self._names, _decode_names(names), strict=True):
            known.update(more)

    def add_looks(self, others: Sums) -> None:
        """More looks at the same cells."""
        self._rows += others._rows

    @property
    def rows(self) -> list[bytes]:
        """Of each look."""
        return [_encode([(label, *totals) for label, totals in sums.items()]) for sums in self._rows]

    @property
    def names(self) -> bytes:
        return _encode([sorted(names) for names in self._names])


def _add(sums: dict[str, list[int]], label: str, totals: list[int]) -> None:
    """Totals may lack zeros at their end."""
    known = sums.get(label)
    if known is None:
        sums[label] = totals
    else:
        sums[label] = [a + b for a, b in zip_longest(known, totals, fillvalue=0)]


class TallyReader:
    """Reads tallies of many days or hours: most have the same names, which are taken apart once."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, bool, frozenset[tuple[Dimension, frozenset[str]]]], dict[object, Cell | None]] = {}
        self._names: dict[bytes, Mapping[Dimension, Sequence[str]]] = {b"": {}}

    def read(self, letters: str, rows: bytes, names: bytes, look: Look = EVERYTHING) -> Tally:
        """From a view's rows, those that are wanted, and the names of all cells. Apart: rows of the one team."""
        cells = self._cells.setdefault((letters, look.apart, frozenset(look.wanted.items())), {})
        found = []
        for row in _decode_rows(rows):
            label = row[0]
            if label not in cells:
                cell = _cell(letters, str(label), look)
                cells[label] = cell if look.accepts(cell) else None
            wanted = cells[label]
            if wanted is not None:
                found.append(Row(wanted, *row[1:]))  # type: ignore[arg-type]
        return Tally(found, self._names_in(names))

    def _names_in(self, names: bytes) -> Mapping[Dimension, Sequence[str]]:
        found = self._names.get(names)
        if found is None:
            lists = ([unescape_name(name) for name in each] for each in _decode_names(names))
            found = self._names[names] = dict(zip(_DIMENSIONS, lists, strict=True))
        return found


def all_names(tallies: Iterable[Tally]) -> dict[Dimension, list[str]]:
    """Every name once, in the order of the alphabet."""
    found: dict[Dimension, set[str]] = {name: set() for name in _DIMENSIONS}
    for known in {id(tally.names): tally.names for tally in tallies}.values():
        for dimension, names in known.items():
            found[dimension].update(names)
    return {dimension: sorted(names) for dimension, names in found.items()}


def _cell(letters: str, label: str, look: Look) -> Cell:
    zone, *names = map(unescape_name, label.split("|")[:-1])
    known: dict[Dimension, str] = {"team": next(iter(look.wanted["team"]))} if look.apart else {}
    known |= {"zone": zone, **dict(zip((_LETTERS[letter] for letter in letters), names, strict=True))}
    return Cell(*(known.get(name, "") for name in _DIMENSIONS))
