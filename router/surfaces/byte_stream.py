"""An answer in bytes, such as sound, read while it passes: nothing in it can be told but how much there is."""

from __future__ import annotations

from typing import Final

from router.core.values import Usage
from router.surfaces.sse import EventScanner

PIECE: Final = 4096
"""Bytes that count as an event: progress, where one byte at a time is none."""

_WORDS = (b"{", b"<")
"""How an error begins that came under the name of a sound."""


class ByteScanner(EventScanner):
    """Passes on all that comes, at once. What was used is known by the request, and by `bytes_per_token` of what came.

    The end of the message is the end of the answer: what is cut shows as cut, and no word is put into it."""

    __slots__ = ("_bytes_per_token", "_known", "size")

    def __init__(self, known: Usage | None = None, bytes_per_token: float = 0.0) -> None:
        super().__init__()
        self.size = 0
        self._known = known
        """What the request takes in any case."""
        self._bytes_per_token = bytes_per_token

    @property
    def has_room_for_words(self) -> bool:
        return False

    @property
    def usage(self) -> Usage | None:
        known = self._known
        if known is None or not self._bytes_per_token:
            return known
        output = -(-self.size // self._bytes_per_token)
        return Usage(input=known.input, output=int(output), estimated=True, units=known.units)

    @property
    def produced(self) -> int:
        return 0

    def feed(self, data: bytes) -> bytes:
        self.remarks = self.remarks or (not self.size and data.startswith(_WORDS))
        self.size += len(data)
        self.events = 1 + self.size // PIECE
        self.first_complete = True
        return data

    def finish(self) -> bytes:
        self.done = True
        return b""
