"""What a worker wrote down before it was sent to the server: its write-ahead journal.

One *writer* (a worker process) appends numbered entries to files in a folder of its own, `<folder>/<writer>/`. An entry
that was appended survives the process; one that was synced survives the machine. A journal is locked while somebody
has it open, so one whose lock is free belongs to nobody any more: it is an *orphan* until its entries were replayed,
and then *retired*, kept for rebuilding the books.

    journal = new_journal(folder)                  # this worker's own
    journal.append(number, payload)                # before the batch is sent
    journal.hold(number, payload)                  # before a request goes whose hold goes with that batch
    await journal.synced()                         # only where a power cut must lose nothing
    journal.compact(summarise, applied)            # now and then, in a thread
    for orphan in orphans(folder):                 # at start: taken one at a time, each by one process
        for hold in orphan.holds(after=applied): ...
        for entry in orphan.entries(after=applied): ...
        orphan.retire()
    for each in journals(folder):                  # when the server has lost the books: all of them, without locks
        for entry in each.entries(): ...
    tidy(folder, summarise)                        # now and then, in a thread: what is retired
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from router.ledger.errors import JournalError
from router.ledger.journal.compaction import KEEP_SECONDS, Compaction, Summarise
from router.ledger.journal.disk import Disk, Segment, journal_error
from router.ledger.journal.folder import folders, is_retired, make_folder, mark_retired, remove_folder, take
from router.ledger.journal.fsync import Syncer
from router.ledger.journal.hold_file import HoldFile, read_holds
from router.ledger.journal.replay import OnSkip, Skipped, read_journal
from router.ledger.journal.segments import (
    DAMAGED_SUFFIX,
    Entry,
    frame_head,
    holds_nothing,
    list_files,
    read_entries,
    readable,
    segment_path,
)

__all__ = [
    "KEEP_SECONDS",
    "Entry",
    "Journal",
    "JournalError",
    "JournalReader",
    "OnSkip",
    "Skipped",
    "Summarise",
    "journals",
    "new_journal",
    "orphans",
    "tidy",
]

_ALL = 1 << 63
"""Above every number."""


class JournalReader:
    """One writer's journal, for reading only: it needs no lock and may be read while its writer appends.

    Two processes may send its entries to the server at once, if each sends in order from what was applied last.
    """

    def __init__(self, folder: Path) -> None:
        self.writer = folder.name
        self.retired = is_retired(folder)
        self._folder = folder

    def entries(self, after: int = 0, on_skip: OnSkip | None = None) -> Iterator[Entry]:
        """As those of `Journal`, up to what can be read when its end is reached.

        What the writer is appending just then may be reported as never finished.
        """
        return read_journal(self._folder, after, None, on_skip)


class Journal:
    """One writer's journal, locked for this process. Made by `new_journal` and `orphans`.

    `append`, `synced`, `retire` and `close` are for one thread; `entries` and `compact` may run in another meanwhile.
    `last` is the number of the last whole entry, 0 when there is none.
    """

    def __init__(self, folder: Path, lock: int, clock: Callable[[], float], disk: Disk) -> None:
        """Takes over the lock, also when it fails. Raises JournalError."""
        self.writer = folder.name
        self._folder = folder
        self._lock = lock
        self._clock = clock
        self._disk = disk
        self._segment: Segment | None = None
        self._syncer = Syncer(disk, folder)
        self._holds = HoldFile(disk, folder)
        self._why = ""
        try:
            self.last = _last_number(folder)
        except OSError as error:
            self._unlock()
            raise journal_error("cannot read the journal", folder, error) from None

    @property
    def healthy(self) -> bool:
        """False after an append or an fsync failed, until both have succeeded again; so an append is worth trying."""
        return not self.why

    @property
    def why(self) -> str:
        """What is wrong; "" while it is healthy."""
        return self._why or self._syncer.why

    def append(self, number: int, payload: bytes) -> None:
        """Writes one entry, at once. `number` must be above `last`; gaps are allowed, so a failed one may be left out.

        It is on disk within a second (a thread sees to that), or when `synced` returns.
        Raises JournalError when it cannot be written: then nothing of it stays, and the same number may be tried again.
        """
        if number <= self.last:
            raise ValueError(f"entry {number} comes after entry {self.last}")
        at = self._clock()
        segment = self._segment
        if segment is None or not segment.takes_more(at):
            segment = self._next_segment(number, at)
        head = frame_head(number, at, payload)
        size = len(head) + len(payload)
        try:
            self._disk.write_all(segment.fd, (head, payload), size)
        except OSError as error:
            segment.cut_off(self._disk)
            raise self._failed("cannot write the journal", segment.path, error) from None
        segment.size += size
        self.last = number
        self._why = ""
        self._syncer.written += 1

    def hold(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        """Writes a hold that goes with the batch of this number, see `HoldFile.add`. It survives the process."""
        return self._holds.add(number, payload, moved=moved)

    def forget_holds(self, number: int) -> None:
        """The server has applied the batches up to this number."""
        self._holds.forget(number)

    def holds(self, after: int) -> list[bytes]:
        """Those that were to go with batches of numbers above `after`. Raises JournalError."""
        try:
            return read_holds(self._folder, after)
        except OSError as error:
            raise journal_error("cannot read the holds in", self._folder, error) from None

    async def synced(self) -> None:
        """Returns when all that was appended before the call is on disk. Calls share one fsync, made in a thread.

        Raises JournalError when the last fsync failed: what was appended since the one before may not survive a power
        cut. It stays so until something is appended, to a new file, and that is on disk.
        """
        await self._syncer.wait()

    def entries(self, after: int = 0, on_skip: OnSkip | None = None) -> Iterator[Entry]:
        """Entries with a number above `after`, in order, up to what is appended now.

        A summary of numbers a to b is read back as some entries, all with number b; nothing of it is yielded when
        a <= `after` < b, since it cannot be split. That, and damage, is told to `on_skip`, or else logged.
        Raises JournalError when a file cannot be read at all.
        """
        until = None if self._segment is None else self.last  # what comes behind it may be half written
        return read_journal(self._folder, after, until, on_skip)

    def compact(self, summarise: Summarise, applied: int, keep_seconds: float = KEEP_SECONDS) -> None:
        """Summarises and deletes old files, of entries up to `applied`: what the server is known to have. Blocks.

        Interrupted at any point it loses nothing and duplicates nothing. What `summarise` raises is passed on.
        Raises JournalError when files cannot be written.
        """
        compaction = Compaction(self._disk, self._folder, summarise, applied, self._clock(), keep_seconds)
        try:
            files = list_files(self._folder)
            segment = self._segment  # looked at after the list was made: what is finished by then is whole
            compaction.run([file for file in files if segment is None or file.path != segment.path])
        except OSError as error:
            raise journal_error("cannot compact the journal", self._folder, error) from None

    def retire(self) -> None:
        """Closes it for good: all its entries were applied. No orphan any more, but among `journals` until too old.

        Raises JournalError, and then it is still open.
        """
        try:
            self._holds.remove()
            mark_retired(self._disk, self._folder)
        except OSError as error:
            raise journal_error("cannot retire the journal", self._folder, error) from None
        self.close()

    def close(self) -> None:
        """Syncs what was appended and unlocks: what has entries becomes an orphan, unless retired. May be repeated."""
        self._syncer.end()
        self._holds.close()
        self._segment = None
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                if holds_nothing(self._folder):
                    remove_folder(self._folder)
        self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _next_segment(self, number: int, at: float) -> Segment:
        """The segment to go on with: the old one if there cannot be another."""
        if self._lock < 0:
            raise JournalError(f"the journal {self._folder} is closed")
        try:
            self._syncer.start()
            segment = self._new_segment(number, at)
        except OSError as error:
            if self._segment is not None and self._segment.sound:
                return self._segment
            raise self._failed("cannot write the journal", self._folder, error) from None
        except RuntimeError as error:
            self._why = f"cannot write the journal {self._folder}: {error}; raise the limit of processes (ulimit -u)"
            raise JournalError(self._why) from None
        self._syncer.turn_to(segment)
        self._segment = segment
        return segment

    def _new_segment(self, number: int, at: float) -> Segment:
        try:
            return Segment(self._disk, self._folder, number, at)
        except FileExistsError:  # it has no whole entry, or its number would not be free
            path = segment_path(self._folder, number)
            self._disk.rename(path, path.with_name(path.name + DAMAGED_SUFFIX))
            return Segment(self._disk, self._folder, number, at)

    def _failed(self, what: str, path: Path, error: OSError) -> JournalError:
        failure = journal_error(what, path, error)
        self._why = str(failure)
        return failure


def new_journal(folder: Path, *, clock: Callable[[], float] = time.time, disk: Disk | None = None) -> Journal:
    """An empty journal under a new writer id, in a folder (made if need be) that a data directory has for journals.

    Raises JournalError.
    """
    disk = disk or Disk()
    try:
        own, lock = make_folder(disk, folder)
    except OSError as error:
        raise journal_error("cannot make a journal in", folder, error) from None
    return Journal(own, lock, clock, disk)


def orphans(folder: Path, *, clock: Callable[[], float] = time.time, disk: Disk | None = None) -> Iterator[Journal]:
    """Journals whose writers are gone and whose entries may not all have been applied.

    Each is taken when the iteration reaches it, by one process only, and is then to be retired or closed. Blocks
    while its last file is read and brought to disk. Raises JournalError.
    """
    disk = disk or Disk()
    for own in _folders(folder):
        if is_retired(own):
            continue
        lock = _take(own)
        if lock is None:
            continue
        journal = Journal(own, lock, clock, disk)
        if _is_done_with(own):
            journal.close()
            continue
        with contextlib.suppress(OSError):  # its writer may have died before it could; reading is what counts
            for file in list_files(own)[-1:]:
                disk.sync_path(file.path)
        yield journal


def journals(folder: Path) -> list[JournalReader]:
    """All journals of a folder, whoever has them open, for rebuilding the books. Nothing is locked or to be closed.

    Raises JournalError.
    """
    return [JournalReader(own) for own in _folders(folder)]


def tidy(
    folder: Path,
    summarise: Summarise,
    keep_seconds: float = KEEP_SECONDS,
    *,
    clock: Callable[[], float] = time.time,
    disk: Disk | None = None,
) -> None:
    """Compacts all retired journals that nobody has open, and removes those that are too old. Blocks.

    What `summarise` raises is passed on. Raises JournalError.
    """
    for own in _folders(folder):
        lock = _take(own) if is_retired(own) else None
        if lock is None:
            continue
        journal = Journal(own, lock, clock, disk or Disk())
        try:
            journal.compact(summarise, _ALL, keep_seconds)
        finally:
            journal.close()


def _folders(folder: Path) -> list[Path]:
    try:
        return list(folders(folder))
    except OSError as error:
        raise journal_error("cannot read the journals in", folder, error) from None


def _take(folder: Path) -> int | None:
    try:
        return take(folder)
    except OSError as error:
        raise journal_error("cannot take the journal", folder, error) from None


def _is_done_with(folder: Path) -> bool:
    try:
        return is_retired(folder) or holds_nothing(folder)
    except OSError as error:
        raise journal_error("cannot read the journal", folder, error) from None


def _last_number(folder: Path) -> int:
    """Raises OSError."""
    for file in reversed(readable(list_files(folder))):
        last = file.last
        if not file.is_summary:
            for entry in read_entries(file, lambda why, number: None):
                last = entry.number
        if last:
            return last
    return 0
