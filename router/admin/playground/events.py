"""A stream of server-sent events, fed as it comes: the data of each event that is JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(rb"\r?\n\r?\n")
_DATA = re.compile(rb"^data: ?(.*?)\r?$", re.MULTILINE)
MOST_BYTES = 1_000_000
"""Of one event."""


class Events:
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The data of events that are whole now; what ends a stream of OpenAI's is no JSON, and passed over. Raises
        ValueError for an event that is too long."""
        *whole, self._rest = _END.split(self._rest + data)
        if len(self._rest) > MOST_BYTES:
            raise ValueError("an event of the answer is too long to be shown")
        for event in whole:
            said = b" ".join(_DATA.findall(event))
            if said.startswith((b"{", b"[")) and said != b"[DONE]":
                yield said
