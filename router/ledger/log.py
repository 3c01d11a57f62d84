"""What a writer has sent, kept so that it can be sent again.

`DiskLog` keeps it in the journal, and in memory what the disk would not take. `MemoryLog` is for a ledger without a
data directory: it survives a lost server, not the process.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

KEPT_BYTES = 16 * 1024 * 1024
"""Of entries in memory; beyond that the oldest go."""

_log = logging.getLogger(__name__)


class Entry(Struct, frozen=True):
    """The records of one batch."""

    number: int
    payload: bytes


class Reading(Protocol):
    """Entries of one writer."""

    @property
    def writer(self) -> str: ...
    def entries(self, after: int) -> Iterator[Entry]:
        """In order of their numbers, from the first above `after`."""


class Orphan(Reading, Protocol):
    """Of a writer that is gone."""

    def retire(self) -> None:
        """All of it was brought in; it is kept for the case that the books are lost."""


class Log(Reading, Protocol):
    @property
    def last(self) -> int:
        """Number of the last entry; 0 when there is none."""

    @property
    def has_entries(self) -> bool:
        """Whether there is anything of this writer or of former ones: then there were books."""

    def append(self, number: int, payload: bytes) -> None: ...
    def acknowledged(self, number: int) -> None:
        """The server has applied everything up to this number."""

    def sync_soon(self) -> None:
        """What was appended is to survive a power cut."""

    def orphans(self) -> Sequence[Orphan]: ...
    def close(self) -> None: ...


def new_writer() -> str:
    return secrets.token_hex(6)


class MemoryLog:
    def __init__(self) -> None:
        self.writer = new_writer()
        self.last = 0
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    @property
    def has_entries(self) -> bool:
        return bool(self._entries)

    def append(self, number: int, payload: bytes) -> None:
        self.last = number
        self._entries.append(Entry(number, payload))
        self._bytes += len(payload)
        while self._bytes > KEPT_BYTES:
            self._bytes -= len(self._entries.popleft().payload)

    def entries(self, after: int) -> Iterator[Entry]:
        return iter([entry for entry in self._entries if entry.number > after])

    def acknowledged(self, number: int) -> None:
        pass

    def sync_soon(self) -> None:
        pass

    def orphans(self) -> Sequence[Orphan]:
        return ()

    def close(self) -> None:
        pass
