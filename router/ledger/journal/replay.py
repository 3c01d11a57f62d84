"""A journal's entries in order, out of files that may be appended to, summarised or deleted meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

from msgspec import Struct

from router.ledger.journal.disk import journal_error
from router.ledger.journal.segments import Entry, JournalFile, list_files, read_entries, readable

_log = logging.getLogger(__name__)


class Skipped(Struct, frozen=True):
    """Entries that could not be read: numbers `first` to `last`, 0 where that is not known.

    `summary`: they exist, but only as part of a summary that begins before them. Otherwise the file is damaged there,
    or ends in an entry that was never finished, as after a power cut.
    """

    path: Path
    first: int
    last: int
    summary: bool
    why: str


OnSkip = Callable[[Skipped], None]


def read_journal(folder: Path, after: int, until: int | None, on_skip: OnSkip | None) -> Iterator[Entry]:
    """Entries with numbers above `after`, and not above `until` if that is given. Raises JournalError."""
    reading = _Reading(after, until, on_skip or log_skipped)
    try:
        done = False
        while not done:
            done = True
            try:
                yield from reading.files(readable(list_files(folder)))
            except FileNotFoundError:
                done = not folder.exists()  # summarised or deleted since it was listed
    except OSError as error:
        raise journal_error("cannot read the journal", folder, error) from None


def log_skipped(skipped: Skipped) -> None:
    _log.error("journal %s: from entry %d on not read: %s", skipped.path, skipped.first, skipped.why)


class _Reading:
    """How far the reading of one journal has come: `position` is the last number that is done with."""

    def __init__(self, after: int, until: int | None, on_skip: OnSkip) -> None:
        self.position = after
        self.until = until
        self._on_skip = on_skip

    def files(self, files: list[JournalFile]) -> Iterator[Entry]:
        for file, following in zip_longest(files, files[1:]):
            if self.until is not None and (file.first > self.until or self.position >= self.until):
                return
            if file.is_summary:
                yield from self._summary(file)
            elif following is None or following.first - 1 > self.position:
                yield from self._segment(file)

    def _segment(self, file: JournalFile) -> Iterator[Entry]:
        def damaged(why: str, last: int) -> None:
            self._on_skip(Skipped(file.path, last + 1 if last else file.first, 0, summary=False, why=why))

        for entry in read_entries(file, damaged):
            if entry.number > self.position:
                self.position = entry.number
                yield entry
            if entry.number == self.until:
                return

    def _summary(self, file: JournalFile) -> Iterator[Entry]:
        def damaged(why: str, last: int) -> None:
            self._on_skip(Skipped(file.path, file.first, file.last, summary=False, why=why))

        if file.last <= self.position:
            return
        if file.first <= self.position:
            why = f"entries {file.first} to {file.last} were summarised, and cannot be told apart any more"
            self._on_skip(Skipped(file.path, self.position + 1, file.last, summary=True, why=why))
        else:
            yield from read_entries(file, damaged)
        self.position = file.last
