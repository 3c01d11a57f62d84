"""How many bytes of answers one worker keeps, and what goes where there is no room for more.

An answer is kept while it is collected, until it is written; a stream's beginning, until it is known whose answer it
is; an event, until it has ended; and what was written, while its client does not read it. What is small always has
room, and is not counted. Where there is none for others, those go that keep most of whoever keeps most in all: so
neither a few huge ones shut out all others, nor do many of one key's.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

from router.gateway.buffered_bytes import SMALL

SMALL_PIECE: Final = 1024
"""Bytes of a piece below which it is put together with those before it: an object takes 40 bytes more than it holds."""


class Holder(Protocol):
    @property
    def owner(self) -> str:
        """The name of the key for whom it is kept, or the client's address."""

    def crowded_out(self) -> None:
        """Let go of what can be let go of, and say so to `HeldAnswers.hold`."""


class HeldAnswers:
    __slots__ = ("_sizes", "bytes", "most")

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self.most = most
        self._sizes: dict[Holder, int] = {}

    def hold(self, holder: Holder, size: int) -> None:
        """It keeps so many bytes from now on."""
        sizes = self._sizes
        if size <= SMALL:
            size = 0
        self.bytes += size - sizes.pop(holder, 0)
        if size:
            sizes[holder] = size
            if self.bytes > self.most:
                self._make_room()

    def _make_room(self) -> None:
        """Whoever is still being read can go, and whoever asked for room is."""
        held: dict[str, list[tuple[Holder, int]]] = {}
        totals = Counter[str]()
        for holder, size in sorted(self._sizes.items(), key=_size):
            held.setdefault(holder.owner, []).append((holder, size))
            totals[holder.owner] += size
        while totals and self.bytes > self.most:
            ((owner, _),) = totals.most_common(1)
            holder, size = held[owner].pop()
            totals[owner] -= size
            if not held[owner]:
                del totals[owner]
            holder.crowded_out()


def _size(held: tuple[Holder, int]) -> int:
    return held[1]


def put_together(pieces: list[bytes | bytearray], data: bytes) -> None:
    """One more piece, in the last one where both are small."""
    if len(data) >= SMALL_PIECE or not pieces:
        pieces.append(data)
        return
    last = pieces[-1]
    if isinstance(last, bytearray):
        last += data
    else:
        pieces.append(bytearray(data))


def joined(pieces: list[bytes | bytearray]) -> bytes:
    """All of it, without a copy where it is one piece."""
    first = pieces[0] if len(pieces) == 1 else b""
    return first if isinstance(first, bytes) and first else b"".join(pieces)
