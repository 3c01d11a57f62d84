"""Getting what was written onto the disk, in a thread: fsync takes milliseconds, and now and then a second.

One fsync serves all who wait when it begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path

from router.ledger.errors import JournalError
from router.ledger.journal.disk import Disk, Segment, journal_error

SYNC_SECONDS = 0.5
"""Between two looks whether something was written."""

Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class Syncer:
    """Syncs the segments of one journal. `why` says how the last fsync failed, if it did.

    `written` is raised by the writer after every entry.
    """

    def __init__(self, disk: Disk, folder: Path) -> None:
        self.written = 0
        self.why = ""
        self._disk = disk
        self._folder = folder
        self._folder_fd = -1
        self._synced = 0
        self._current: Segment | None = None
        self._finished: list[Segment] = []
        self._waiting: list[Waiter] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Must come before `turn_to`. Raises OSError, and RuntimeError when the system has no thread left."""
        if self._thread is not None:
            return
        if self._folder_fd < 0:
            self._folder_fd = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        thread.start()
        self._thread = thread

    def turn_to(self, segment: Segment) -> None:
        """From now on this one is written; the one before is synced once more and closed."""
        with self._lock:
            if self._current is not None:
                self._finished.append(self._current)
            self._current = segment

    async def wait(self) -> None:
        """Returns when all that is written now is on disk. Raises JournalError."""
        if self._synced == self.written and not self.why:
            return
        if self._thread is None:
            raise JournalError(self.why)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting.append((loop, future))
        self._wake.set()
        await future

    def end(self) -> None:
        """Syncs what is left and ends the thread. Blocks."""
        if self._thread is not None:
            self._ending = True
            self._wake.set()
            self._thread.join()
            self._thread = None
        if self._current is not None:
            os.close(self._current.fd)
            self._current = None
        if self._folder_fd >= 0:
            os.close(self._folder_fd)
            self._folder_fd = -1

    def _run(self) -> None:
        ending = False
        while not ending:
            self._wake.wait(SYNC_SECONDS)
            self._wake.clear()
            ending = self._ending
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            written, current = self.written, self._current
            finished, self._finished = self._finished, []
            waiting, self._waiting = self._waiting, []
        if written != self._synced or finished:
            self.why = self._sync_files(finished if current is None else [*finished, current])
            self._synced = written
        for segment in finished:
            os.close(segment.fd)
        for waiter in waiting:
            _call(waiter, self.why)

    def _sync_files(self, segments: list[Segment]) -> str:
        """Why that failed, or "". What a failed fsync did not write, a later one does not write either."""
        try:
            for segment in segments:
                self._disk.sync(segment.fd)
            if not all(segment.listed for segment in segments):
                self._disk.sync(self._folder_fd)
        except OSError as error:
            for segment in segments:
                segment.sound = False
            return str(journal_error("the journal cannot be brought to disk in", self._folder, error))
        for segment in segments:
            segment.listed = True
        return ""


def _call(waiter: Waiter, why: str) -> None:
    loop, future = waiter
    with contextlib.suppress(RuntimeError):  # the loop is closed, and whoever waited with it
        loop.call_soon_threadsafe(_tell, future, why)


def _tell(future: asyncio.Future[None], why: str) -> None:
    if future.done():
        return
    if why:
        future.set_exception(JournalError(why))
    else:
        future.set_result(None)
