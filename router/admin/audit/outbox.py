"""Notes that wait until the ledger can be written again: a file in the data directory, one JSON object a line.

Each line is on disk before `put` returns. A process that is killed in between leaves half a line, which is passed over;
one that is killed while the file is emptied may note one thing twice, and never not at all.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from router.core.audit.entry import Note
from router.system.atomic_file import replace_file

log = logging.getLogger("breakeven.admin")

_decode = msgspec.json.Decoder(Note).decode


class Outbox:
    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, note: Note) -> None:
        """Raises OSError."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self._path, flags, 0o600)
        with os.fdopen(handle, "ab+") as file:
            # Half a line of a process that was killed must not take this one with it.
            end = b"\n" if _is_torn(file.fileno()) else b""
            file.write(end + msgspec.json.encode(note) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def is_empty(self) -> bool:
        return not self._path.exists()

    def notes(self) -> list[Note]:
        """The oldest first."""
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                found.append(_decode(line))
            except msgspec.MsgspecError:
                log.error("a note for the audit was not whole, and is passed over")
        return found

    def keep(self, notes: Sequence[Note]) -> None:
        """These, and no others. Raises OSError."""
        if notes:
            replace_file(self._path, b"".join(msgspec.json.encode(note) + b"\n" for note in notes))
        else:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()


def _is_torn(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
