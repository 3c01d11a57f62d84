"""What a journal asks of the system when it changes something, and the file that is appended to."""

from __future__ import annotations

import errno
import os
from mmap import mmap
from pathlib import Path

from router.ledger.errors import JournalError
from router.ledger.journal.segments import segment_header, segment_path

SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENT_SECONDS = 3600.0
"""A segment takes entries for that long, and until it is that large."""

PRIVATE_FILE = 0o600

_ADVICE = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room, or raise the quota",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the machine's limit of open files (fs.file-max)",
    errno.EROFS: "mount it writable",
    errno.EACCES: "let the gateway's user write there",
    errno.EIO: "look after that disk",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
}


def journal_error(what: str, path: Path, error: OSError) -> JournalError:
    """An error that says what to do, where that is known."""
    advice = _ADVICE.get(error.errno or 0, "")
    return JournalError(f"{what} {path}: {error.strerror}{advice and '; '}{advice}")


class Disk:
    """The calls themselves. All raise OSError."""

    def write(self, fd: int, parts: tuple[bytes, ...]) -> int:
        """One write; the answer is how many bytes were taken."""
        return os.writev(fd, parts)

    def mapped(self, path: Path, size: int) -> mmap:
        """A file of that size as memory, with what it has; room on the disk is taken for all of it, also where a copy
        left holes."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            had = os.pread(fd, size, 0)
            rest = memoryview(had + bytes(size - len(had)))
            while rest:
                rest = rest[self.write(fd, (bytes(rest),)) :]
            return mmap(fd, size)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        os.fsync(fd)

    def sync_path(self, path: Path) -> None:
        """A file, or the names in a folder."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def write_all(self, fd: int, parts: tuple[bytes, ...], size: int) -> None:
        """One write, and more only when the system did not take all of it: mostly to hear why. Raises OSError."""
        written = self.write(fd, parts)
        if written < size:
            rest = memoryview(b"".join(parts))[written:]
            while rest:
                rest = rest[self.write(fd, (bytes(rest),)) :]


class Segment:
    """The file that is appended to.

    `size` counts whole entries. `sound` is False once bytes behind them could not be cut off, or an fsync failed:
    then nothing more is appended to it.
    """

    def __init__(self, disk: Disk, folder: Path, first: int, began: float) -> None:
        """Raises OSError, and then there is no such file."""
        self.path = segment_path(folder, first)
        self.began = began
        self.sound = True
        self.listed = False
        header = segment_header(first, began)
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            disk.write_all(self.fd, (header,), len(header))
        except OSError:
            os.close(self.fd)
            disk.remove(self.path)
            raise
        self.size = len(header)

    def takes_more(self, at: float) -> bool:
        """Whether an entry of this time belongs here. A clock that was set back begins a new segment."""
        return self.sound and self.size < SEGMENT_BYTES and 0.0 <= at - self.began < SEGMENT_SECONDS

    def cut_off(self, disk: Disk) -> None:
        """Removes what a failed write left behind the whole entries."""
        try:
            disk.truncate(self.fd, self.size)
        except OSError:
            self.sound = False
