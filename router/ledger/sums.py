"""Totals by one dimension, with the zone: what a page needs of a day, in a few kilobytes.

    be:{ledger}:sum:<YYYY-MM-DD>        hash: kind|name|zone -> packed totals, as in `day:`; expires with it
    be:{ledger}:sumhour:<epoch hour>    the same by hour

`kind` is b for backends, m for models, t for teams and k for keys. 50 keys and 10 models on two backends are 1,000
cells of a day, but fewer than 150 of these. A day that has none is tallied from its cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from router.core.values import Cell, Row
from router.ledger.layout import PREFIX, escape_name, unescape_name, unpack_totals

Dimension = Literal["backend", "zone", "model", "team", "key"]
Tally = Mapping[Dimension, list[Row]]
"""Rows by dimension; a row's cell has the name in that dimension, and the zone."""

DAY_SUMS = PREFIX + "sum:"
HOUR_SUMS = PREFIX + "sumhour:"
KINDS: Mapping[str, Dimension] = {"b": "backend", "m": "model", "t": "team", "k": "key"}


def sum_fields(cell: Cell) -> list[str]:
    """The fields that one cell is counted in."""
    return ["|".join((kind, escape_name(getattr(cell, name)), escape_name(cell.zone))) for kind, name in KINDS.items()]


def unpack_tally(flat: list[bytes]) -> Tally:
    """From a hash's fields and values."""
    tally = _empty()
    for field, totals in zip(flat[::2], flat[1::2], strict=True):
        kind, name, zone = field.decode().split("|")
        dimension = KINDS[kind]
        tally[dimension].append(Row(_cell(dimension, unescape_name(name), unescape_name(zone)), *unpack_totals(totals)))
    return tally


def tally_of(rows: Iterable[Row]) -> Tally:
    """From cells."""
    tally = _empty()
    for row in rows:
        for dimension in KINDS.values():
            tally[dimension].append(
                msgspec.structs.replace(row, cell=_cell(dimension, getattr(row.cell, dimension), row.cell.zone))
            )
    return tally


def _empty() -> dict[Dimension, list[Row]]:
    return {dimension: [] for dimension in KINDS.values()}


def _cell(dimension: Dimension, name: str, zone: str) -> Cell:
    return msgspec.structs.replace(Cell("", zone, "", "", ""), **{dimension: name})
