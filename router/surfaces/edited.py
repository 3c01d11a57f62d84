"""A body with some changes: a large one as pieces of the original, since a copy of it would hold up all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.core.reading import Span

Edited = bytes | tuple[bytes | memoryview, ...]
"""A body as it goes to a backend: whole, or in pieces that follow each other."""

LARGE: Final = 1024 * 1024
"""Bytes above which a body is not copied: that takes the better part of a millisecond for each megabyte."""


def replaced(body: bytes, changes: Sequence[tuple[Span, bytes]]) -> Edited:
    """`body` with other bytes in places that do not overlap; `body` itself without any."""
    if not changes:
        return body
    if len(body) <= LARGE:
        for (start, end), value in sorted(changes, reverse=True) if len(changes) > 1 else changes:
            body = body[:start] + value + body[end:]
        return body
    view, at = memoryview(body), 0
    pieces: list[bytes | memoryview] = []
    for (start, end), value in sorted(changes):
        pieces += (view[at:start], value)
        at = end
    return tuple(piece for piece in (*pieces, view[at:]) if piece)


def size_of(body: Edited) -> int:
    return len(body) if isinstance(body, bytes) else sum(map(len, body))
