"""An event that is too long to be held, read while it passes: without the rest of its long texts, which is most of it.

Whatever pieces it comes in, what is kept is the same, and JSON if it was. Pictures in base64 are some characters then.
"""

from __future__ import annotations

import re
from typing import Final

from router.surfaces.far_usage import BEGINNING, END

_MOST_QUOTES: Final = 1_000_000
"""Of an event with more there is nobody who waits until it is read."""

_RUN = rb'(?>[^"\\]{0,1000}(?![\x80-\xbf]))'
"""The first characters of a text up to an escape, none of them in half."""
_REST = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_PIECE = re.compile(rb'([^"]*+(?:"' + _RUN + rb"(?:\\." + _RUN + rb"){0,16}+)?+)" + _REST + rb'(?:"|\\?\Z)', re.DOTALL)
"""What stands before a text with the text's beginning, then the rest of it, to its end or that of what has come."""
_SENTINEL: Final = b"\0"
_AT_ONCE: Final = 16 * 1024
"""Bytes that the pattern goes through; what a text has beyond is skipped faster."""


class LongEvent:
    """`most` are bytes that are kept of it; if it takes more, nothing is. Mutable, without I/O."""

    __slots__ = ("_carried", "_inside", "_kept", "_most", "_quotes", "begin", "came", "end", "lost")

    def __init__(self, most: int) -> None:
        self.begin = b""
        """Its first bytes, as they came."""
        self.end = b""
        """Its last ones, which tell what was used."""
        self.came = 0
        """Bytes of it so far."""
        self.lost = False
        """It is too full to be read."""
        self._most: Final = most
        self._kept = bytearray()
        self._carried = b""
        """What came last: the beginning of a text that may be a short one, or of an escape."""
        self._inside = False
        """Within a text of which enough is kept."""
        self._quotes = 0

    @property
    def held(self) -> int:
        """Bytes."""
        return len(self._kept) + len(self._carried)

    @property
    def whole(self) -> bytes:
        """What is kept of it; empty when it is lost."""
        return bytes(self._kept) + self._carried

    def feed(self, data: bytes) -> None:
        self.begin += data[: BEGINNING - len(self.begin)]
        self.end = (self.end + data[-END:])[-END:]
        self.came += len(data)
        if self.lost:
            return
        self._quotes += data.count(b'"')
        if self._quotes <= _MOST_QUOTES:
            for at in range(0, len(data), _AT_ONCE):
                self._keep(self._carried + data[at : at + _AT_ONCE])
        if self._quotes > _MOST_QUOTES or self.held > self._most:
            self.lost, self._kept, self._carried = True, bytearray(), b""

    def _keep(self, data: bytes) -> None:
        self._carried = b""
        if self._inside:
            end = self._end_of_text(data)
            if end < 0:
                return
            self._inside = False
            self._kept += b'"'
            data = data[end + 1 :]
        pieces: list[bytes] = _PIECE.findall(data + _SENTINEL)
        pieces.pop()  # an empty one, at the end
        self._end(pieces, data)
        self._kept += b'"'.join(pieces)

    def _end(self, pieces: list[bytes], data: bytes) -> None:
        """Makes the last piece one that can be kept, whatever follows."""
        between, quote, text = pieces[-1].partition(b'"')
        if not quote:
            pieces[-1] = between[:-1]  # of the sentinel
            return
        begun = quote + text.removesuffix(_SENTINEL)
        if data.endswith(begun):
            pieces[-1], self._carried = between, begun
            return
        self._inside = True
        if _ends_within_escape(data):
            self._carried = b"\\"

    def _end_of_text(self, data: bytes) -> int:
        """Where its quote is; -1 where it does not end."""
        start = 0
        while (end := data.find(b'"', start)) >= 0:
            if not _ends_within_escape(data[start:end]):
                return end
            start = end + 1
        if _ends_within_escape(data[start:]):
            self._carried = b"\\"
        return -1


def _ends_within_escape(text: bytes) -> bool:
    """Whether its last character is a backslash that something has to follow."""
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1
