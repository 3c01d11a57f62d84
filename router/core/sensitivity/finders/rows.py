"""A text as rows of octets in big integers: one operation compares, or adds, all of its places at once.

`row >> 8 * n` is the row as seen from n places further back, so that `a & b >> 8` has an octet wherever `a` has one
and `b` has one right behind it. Looking for a shape so costs the same in every text, of digits and nothing else, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

_KINDS = b"0-a"
_DIGIT = ord("0")
_ONLY = {kind: bytes(code == kind for code in range(256)) for kind in _KINDS}


def row(data: bytes) -> int:
    return int.from_bytes(data, "little")


def places(octets: bytes) -> Iterator[int]:
    """Of all ones."""
    at = octets.find(1)
    while at >= 0:
        yield at
        at = octets.find(1, at + 1)


class Shape:
    """Where a text has digits, separators and letters; made from one in which they are `0`, `-` and `a`."""

    __slots__ = ("_rows", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._rows: dict[tuple[int, int], int] = {}

    def places(self, shape: bytes) -> Iterator[int]:
        """Offsets of all places with a shape (such as `000-00`) that no digit goes before."""
        hits = ~(self._row(_DIGIT, 1) << 8)
        at = 0
        for kind, group in groupby(shape):
            length = len(tuple(group))
            hits &= self._row(kind, length) >> 8 * at
            at += length
        return places(hits.to_bytes(len(self.data), "little"))

    def _row(self, kind: int, length: int) -> int:
        """A 1 wherever so many of a kind follow."""
        known = self._rows.get((kind, length))
        if known is None:
            if length == 1:
                known = row(self.data.translate(_ONLY[kind]))
            else:
                half = length // 2
                known = self._row(kind, half) & self._row(kind, length - half) >> 8 * half
            self._rows[kind, length] = known
        return known
