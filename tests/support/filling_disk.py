"""A disk that is full when a test says so."""

from __future__ import annotations

import errno

from router.ledger.journal.disk import Disk


class FillingDisk(Disk):
    full = False

    def write(self, fd: int, parts: tuple[bytes, ...]) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(fd, parts)
