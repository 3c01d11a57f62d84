"""Old segments become summaries, and files that are too old go.

A summary is written under another name, synced, renamed, and only then its segment is removed. Before the renaming the
segment counts, and after it the summary; what an interruption left behind is removed next time. All of it goes through
the journal's `Disk` rather than `system.atomic_file`: its tests end the machine between any two calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from router.ledger.journal.disk import PRIVATE_FILE, Disk
from router.ledger.journal.segments import (
    DAMAGED_SUFFIX,
    UNFINISHED_SUFFIX,
    JournalFile,
    frame_head,
    read_entries,
    read_header,
    readable,
    summary_header,
    summary_path,
)

COMPACT_SECONDS = 48 * 3600.0
"""Age at which a segment is summarised: until then each of its entries can be sent again by itself."""
KEEP_SECONDS = 40 * 86_400.0
"""How long entries are kept for rebuilding the books."""

Summarise = Callable[[Iterable[bytes]], list[bytes]]
"""Turns the payloads of many entries into few that say the same."""


class _Contents(Struct, frozen=True):
    """What a segment holds: its last number, 0 if it has no entry, and when its newest entry was written."""

    last: int
    newest: float


class Compaction:
    """One pass over the files of one journal, at the time `now`, in epoch seconds.

    Entries above `applied` stay as they are, since they may have to be sent one by one. All methods raise OSError.
    """

    def __init__(self, disk: Disk, folder: Path, summarise: Summarise, applied: int, now: float, keep: float) -> None:
        self._disk = disk
        self._folder = folder
        self._summarise = summarise
        self._applied = applied
        self._summarised = now - COMPACT_SECONDS
        self._kept = now - keep

    def run(self, files: list[JournalFile]) -> None:
        """`files`: all of the journal but the one that is appended to."""
        for path in list(self._folder.iterdir()):
            if path.suffix == UNFINISHED_SUFFIX or (path.suffix == DAMAGED_SUFFIX and self._is_too_old(path)):
                self._disk.remove(path)
        current = readable(files)
        for file in files:
            if file not in current:
                self._disk.remove(file.path)
        for file in current:
            self._visit(file)

    def _visit(self, file: JournalFile) -> None:
        header = read_header(file)
        if isinstance(header, str):
            if self._is_too_old(file.path):
                self._disk.remove(file.path)
        elif file.is_summary:
            if header.at < self._kept and file.last <= self._applied:
                self._disk.remove(file.path)
        elif header.at < self._summarised:
            self._segment(file)

    def _is_too_old(self, path: Path) -> bool:
        """Of a file whose inside cannot be read."""
        return path.stat().st_mtime < self._kept

    def _segment(self, file: JournalFile) -> None:
        contents = _contents(file)
        if contents.last > self._applied or contents.newest >= self._summarised:
            return
        payloads = []
        if contents.newest >= self._kept:
            payloads = self._summarise(entry.payload for entry in read_entries(file, _ignore))
        if payloads:
            self._write(summary_path(self._folder, file.first, contents.last), file, contents, payloads)
        self._disk.remove(file.path)

    def _write(self, path: Path, file: JournalFile, contents: _Contents, payloads: list[bytes]) -> None:
        unfinished = path.with_name(path.name + UNFINISHED_SUFFIX)
        raw = b"".join(_summary(file.first, contents, payloads))
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            self._disk.write_all(fd, (raw,), len(raw))
            self._disk.sync(fd)
        finally:
            os.close(fd)
        self._disk.rename(unfinished, path)
        self._disk.sync_path(self._folder)


def _summary(first: int, contents: _Contents, payloads: list[bytes]) -> Iterator[bytes]:
    yield summary_header(first, contents.last, contents.newest)
    for payload in payloads:
        yield frame_head(contents.last, contents.newest, payload)
        yield payload


def _contents(file: JournalFile) -> _Contents:
    last, newest = 0, 0.0
    for entry in read_entries(file, _ignore):
        last, newest = entry.number, max(newest, entry.at)
    return _Contents(last, newest)


def _ignore(why: str, last: int) -> None:
    """A damaged end was reported when it was read."""
