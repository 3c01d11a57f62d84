"""What a worker wrote down before it was sent to the server: its write-ahead journal.

One *writer* (a worker process) appends numbered entries to files in a folder of its own, `<folder>/<writer>/`. An entry
that was appended survives the process; one that was synced survives the machine. A journal is locked while somebody
has it open, so one whose lock is free belongs to nobody any more: it is an *orphan* until its entries were replayed,
and then *retired*, kept for rebuilding the books.

    journal = new_journal(folder)                  # this worker's own
    journal.append(number, payload)                # before the batch is sent
    await journal.synced()                         # only where a power cut must lose nothing
    for orphan in orphans(folder):                 # at start: taken one at a time, each by one process
        for entry in orphan.entries(after=applied): ...
        orphan.retire()
    for each in journals(folder):                  # when the server has lost the books: all of them, without locks
        for entry in each.entries(): ...
    tidy(folder, summarise)                        # now and then, in a thread
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

KEEP_SECONDS = 40 * 86_400.0
"""How long entries are kept for rebuilding the books."""

Summarise = Callable[[Iterable[bytes]], list[bytes]]
"""Turns the payloads of many entries into few that say the same."""


class JournalError(Exception):
    """The journal cannot be written or read; the text says why and what to do. It can be tried again."""


class Entry(Struct, frozen=True):
    """One appended payload. `at` is in epoch seconds, by the clock of the machine that wrote it."""

    number: int
    at: float
    payload: bytes


class Skipped(Struct, frozen=True):
    """Entries that could not be read: numbers `first` to `last`, 0 where that is not known.

    `summary`: they exist, but only as part of a summary that begins before them.
    Otherwise the file is damaged there, or ends in an entry that was never finished.
    """

    path: Path
    first: int
    last: int
    summary: bool
    why: str


class JournalReader:
    """One writer's journal, for reading only: it needs no lock and may be read while its writer appends.

    Two processes may send its entries to the server at once, if each sends in order from what was applied last.
    """

    writer: str
    retired: bool

    def entries(self, after: int = 0, on_skip: Callable[[Skipped], None] | None = None) -> Iterator[Entry]:
        """As those of `Journal`. Raises JournalError when a file cannot be read at all."""
        raise NotImplementedError


class Journal:
    """One writer's journal, locked for this process. Made by `new_journal` and `orphans`.

    `append`, `synced`, `retire` and `close` are for one thread; `entries` and `compact` may run in another meanwhile.
    `last` is the number of the last whole entry, 0 when there is none.
    `healthy` is False after an append or an fsync failed, until one succeeds again; `why` says what is wrong.
    """

    writer: str
    last: int

    @property
    def healthy(self) -> bool:
        raise NotImplementedError

    @property
    def why(self) -> str:
        raise NotImplementedError

    def append(self, number: int, payload: bytes) -> None:
        """Writes one entry, at once. `number` must be above `last`; gaps are allowed, so a failed one may be left out.

        It is on disk within a second (a thread sees to that), or when `synced` returns.
        Raises JournalError when it cannot be written: then nothing of it stays, and the same number may be tried again.
        """
        raise NotImplementedError

    async def synced(self) -> None:
        """Returns when all that was appended before the call is on disk. Calls share one fsync, made in a thread.

        Raises JournalError when the fsync failed: what was appended since the last one may not survive a power cut.
        """
        raise NotImplementedError

    def entries(self, after: int = 0, on_skip: Callable[[Skipped], None] | None = None) -> Iterator[Entry]:
        """Entries with a number above `after`, in order, up to what was appended when the iteration began.

        A summary of numbers a to b is read back as some entries, all with number b; nothing of it is yielded when
        a <= `after` < b, since it cannot be split. That, and damage, is told to `on_skip`, or else logged.
        Raises JournalError when a file cannot be read at all.
        """
        raise NotImplementedError

    def compact(self, summarise: Summarise, applied: int, keep_seconds: float = KEEP_SECONDS) -> None:
        """Summarises and deletes old files, of entries up to `applied`: what the server is known to have. Blocks.

        Interrupted at any point it loses nothing and duplicates nothing. What `summarise` raises is passed on.
        Raises JournalError when files cannot be written.
        """
        raise NotImplementedError

    def retire(self) -> None:
        """Closes it for good: all its entries were applied. No orphan any more, but among `journals` until too old."""
        raise NotImplementedError

    def close(self) -> None:
        """Syncs what was appended and unlocks: what has entries becomes an orphan, unless retired. May be repeated."""
        raise NotImplementedError


def new_journal(folder: Path, *, clock: Callable[[], float] = time.time) -> Journal:
    """An empty journal under a new writer id, in a folder (made if need be) that a data directory has for journals.

    Raises JournalError.
    """
    raise NotImplementedError


def orphans(folder: Path, *, clock: Callable[[], float] = time.time) -> Iterator[Journal]:
    """Journals whose writers are gone and whose entries may not all have been applied.

    Each is taken when the iteration reaches it, by one process only, and is then to be retired or closed.
    Raises JournalError.
    """
    raise NotImplementedError


def journals(folder: Path) -> list[JournalReader]:
    """All journals of a folder, whoever has them open, for rebuilding the books. Nothing is locked or to be closed."""
    raise NotImplementedError


def tidy(
    folder: Path,
    summarise: Summarise,
    keep_seconds: float = KEEP_SECONDS,
    *,
    clock: Callable[[], float] = time.time,
) -> None:
    """Compacts all retired journals that nobody has open, and removes those that are too old. Blocks."""
    raise NotImplementedError
