"""Totals of a cell as the server keeps them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import msgpack


def packed_totals(figures: Iterable[int]) -> bytes:
    """Figures in the order of `Row`, money in nano-USD."""
    columns = [msgpack.encode(figure) for figure in figures]
    return b"\xdd\x00\x00\x00" + bytes([len(columns)]) + b"".join(columns)
