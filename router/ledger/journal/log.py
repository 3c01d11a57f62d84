"""What a writer has sent, kept so that it can be sent again.

`DiskLog` keeps it in the journal, and in memory what the disk would not take, until it does. `MemoryLog` is for a
ledger without a data directory: it survives a lost server, not the process.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from router.ledger.journal.disk import Disk
from router.ledger.journal.entries import summarise
from router.ledger.journal.journal import Journal, JournalError, JournalReader, journals, new_journal, orphans, tidy

KEPT_BYTES = 64 * 1024 * 1024
"""Of entries in memory; beyond that the oldest go."""
_CAUGHT_UP_BYTES = 1024 * 1024
"""Of entries that are written at once when the disk takes them again: nobody waits for it long."""

_log = logging.getLogger(__name__)


class Entry(Struct, frozen=True):
    """The records of one batch."""

    number: int
    payload: bytes


class Reading(Protocol):
    """Entries of one writer."""

    writer: str

    def entries(self, after: int) -> Iterator[Entry]:
        """In order of their numbers, from the first above `after`."""


class Orphan(Reading, Protocol):
    """Of a writer that is gone, taken over by this process."""

    def holds(self, after: int) -> Sequence[bytes]:
        """Those that were to go with batches above `after`, to be made before its entries are brought in."""

    def retire(self) -> None:
        """All of it was brought in; it is kept for the case that the books are lost."""

    def close(self) -> None:
        """Lets go of it: unless it was retired, it may be taken over again."""


class Log(Reading, Protocol):
    @property
    def last(self) -> int:
        """Number of the last entry; 0 when there is none."""

    @property
    def has_entries(self) -> bool:
        """Whether there is anything of this writer or of former ones: then there were books."""

    @property
    def takes_holds(self) -> bool:
        """Whether it can keep any."""

    def append(self, number: int, payload: bytes) -> None:
        """Never fails: what cannot be written is kept in memory, and said in the log."""

    def hold(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        """Keeps a hold that goes with the batch of this number, as long as that was not applied; False when it cannot.
        `moved` is one that was to go with the batch before."""

    def acknowledged(self, number: int) -> None:
        """The server has applied everything up to this number."""

    def catch_up(self) -> None:
        """Tries again to write what is kept in memory only."""

    def orphans(self) -> Iterable[Orphan]: ...
    def retired(self) -> Iterable[Reading]:
        """Of writers that are gone and whose entries were brought in once: the server may have lost them since."""

    def tidy(self) -> None:
        """Makes old entries smaller, and the oldest go. Blocks: for a thread."""

    def close(self, *, applied: bool) -> None:
        """The writer ends; `applied` when the server has everything."""


class MemoryLog:
    takes_holds = False

    def __init__(self) -> None:
        self.writer = secrets.token_hex(6)
        self.last = 0
        self.dropped = 0
        """Number of the last entry that there was no room for."""
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
            self.dropped = self._entries[0].number
            self.forget(self.dropped)

    def entries(self, after: int) -> Iterator[Entry]:
        return iter([entry for entry in self._entries if entry.number > after])

    @property
    def oldest(self) -> Entry | None:
        return self._entries[0] if self._entries else None

    def hold(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        """Never: it would be lost with the process."""
        return False

    def acknowledged(self, number: int) -> None:
        """It is kept all the same: the server may lose it."""

    def catch_up(self) -> None:
        pass

    def forget(self, number: int) -> None:
        """Lets go of everything up to this number."""
        while self._entries and self._entries[0].number <= number:
            self._bytes -= len(self._entries.popleft().payload)

    def orphans(self) -> Iterable[Orphan]:
        return ()

    def retired(self) -> Iterable[Reading]:
        return ()

    def tidy(self) -> None:
        pass

    def close(self, *, applied: bool) -> None:
        pass


class DiskLog:
    """A journal in a folder that it shares with those of other writers."""

    takes_holds = True

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        """Raises JournalError."""
        self._folder = folder
        self._journal = new_journal(folder, disk=disk)
        self._unwritten = MemoryLog()
        self._acknowledged = 0
        self._failing = False
        self._told = 0
        """Up to which number the log has said that memory let entries go."""
        self.writer = self._journal.writer
        self.last = 0
        self.has_entries = any(True for _ in self._former())

    def append(self, number: int, payload: bytes) -> None:
        self.last = number
        self.has_entries = True
        self._unwritten.append(number, payload)
        self._write()

    def catch_up(self) -> None:
        if self._unwritten.has_entries:
            self._write()

    def _write(self) -> None:
        """What is not in the journal yet, in order; also what the server has, for it may lose its books later."""
        failing, written = self._failing, 0
        try:
            while (entry := self._unwritten.oldest) is not None and written < _CAUGHT_UP_BYTES:
                self._journal.append(entry.number, entry.payload)
                self._unwritten.forget(entry.number)
                written += len(entry.payload)
        except JournalError as error:
            if not failing:
                _log.error("ledger: kept in memory only: %s", error)
        self._failing = self._unwritten.has_entries or not self._journal.healthy
        if self._unwritten.dropped > self._told:
            if not self._told:
                _log.error("ledger: more could not be journaled than memory keeps; the oldest batches are let go")
            self._told = self._unwritten.dropped
        if failing and not self._failing:
            self._recovered()

    def _recovered(self) -> None:
        if self._told:
            _log.error(
                "ledger: the journal can be written again, but it lacks batches up to number %d: what they counted is "
                "lost if the server loses its books, or had not got them",
                self._told,
            )
        else:
            _log.warning("ledger: the journal can be written again, and nothing is missing in it")
        self._unwritten.dropped = self._told = 0

    def hold(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        return self._journal.hold(number, payload, moved=moved)

    def entries(self, after: int) -> Iterator[Entry]:
        written = (Entry(entry.number, entry.payload) for entry in self._journal.entries(after))
        return merge(written, self._unwritten.entries(after), key=lambda entry: entry.number)

    def acknowledged(self, number: int) -> None:
        self._acknowledged = number
        self._journal.forget_holds(number)

    def orphans(self) -> Iterable[Orphan]:
        return map(_Orphan, orphans(self._folder))

    def retired(self) -> Iterable[Reading]:
        return [_Former(reader) for reader in journals(self._folder) if reader.retired]

    def tidy(self) -> None:
        try:
            self._journal.compact(summarise, self._acknowledged)
            tidy(self._folder, summarise)
        except (JournalError, ValueError) as error:
            _log.error("ledger: the journal was not tidied: %s", error)

    def close(self, *, applied: bool) -> None:
        before: Entry | None = None
        while (oldest := self._unwritten.oldest) is not None and oldest is not before:
            before = oldest
            self._write()
        if oldest is not None:
            _log.error("ledger: not in the journal: batches from number %d on; %s", oldest.number, self._journal.why)
        if applied:
            _retire(self._journal)
        self._journal.close()

    def _former(self) -> Iterator[object]:
        return (entry for reader in journals(self._folder) for entry in reader.entries())


class _Former:
    """Of a writer whose entries were brought in once."""

    def __init__(self, reader: JournalReader) -> None:
        self.writer = reader.writer
        self._reader = reader

    def entries(self, after: int) -> Iterator[Entry]:
        return (Entry(entry.number, entry.payload) for entry in self._reader.entries(after))


class _Orphan:
    """Waits until it was brought in; a journal that cannot be marked so is brought in again, to no effect."""

    def __init__(self, journal: Journal) -> None:
        self.writer = journal.writer
        self._journal = journal

    def entries(self, after: int) -> Iterator[Entry]:
        return (Entry(entry.number, entry.payload) for entry in self._journal.entries(after))

    def holds(self, after: int) -> Sequence[bytes]:
        return self._journal.holds(after)

    def retire(self) -> None:
        _retire(self._journal)

    def close(self) -> None:
        self._journal.close()


def _retire(journal: Journal) -> None:
    try:
        journal.retire()
    except JournalError as error:
        _log.error("ledger: %s", error)


def open_log(folder: Path) -> Log:
    """The journal, or, where there cannot be one, memory, which is said in the log."""
    try:
        return DiskLog(folder)
    except JournalError as error:
        _log.error("ledger: without a journal, so what is not on the server is lost with the process: %s", error)
        return MemoryLog()
