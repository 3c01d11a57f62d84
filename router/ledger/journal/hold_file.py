"""Holds that the server may not have yet: one file beside a writer's segments.

A hold of a request that did not wait for the server is written here before the request goes, under the number of the
batch that will bring it there. So, as with entries, what has a number above that of the writer's last applied batch is
missing at the server, and nothing else is. At most one batch is on its way while the next one fills: the file has two
halves, for even numbers and for odd ones, and each begins anew with a number that is new to it. It is never synced:
what it is for is over within a moment.

    half  frames as in a segment, up to the first one that is not whole or has another number than the first; none once
          the server has that batch

It is written through memory that is mapped: what is there survives the process as what a call wrote does, and every
request would make that call. Its blocks are taken when it is opened, since a disk that is found full only by a page of
that memory ends the process; and so would a page that somebody cut off, which is looked for with every batch.
"""

from __future__ import annotations

import io
from mmap import mmap
from pathlib import Path

from router.ledger.journal.disk import Disk
from router.ledger.journal.segments import HOLDS_NAME, frame_head, next_entry

HALF_BYTES = 256 * 1024
FULL_BYTES = HALF_BYTES // 2
"""What a half takes of new holds. The rest is for those that were to go with the batch before, and did not."""
MOST_BYTES = 2000
"""Of one hold: names may be long."""
_NOTHING = b"\xff" * 32
"""No frame, where one began."""


class HoldFile:
    """The writer's side."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._path = folder / HOLDS_NAME
        self._written: mmap | None = None
        self._numbers = [0, 0]
        self._sizes = [0, 0]

    def add(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        """Writes a hold that goes with the batch of this number; False when there is no room for it, or no disk.

        Nothing of a lower number but one may be needed any more. `moved` is one that was there for the batch before.
        """
        half = number & 1
        if self._numbers[half] != number:
            self._numbers[half], self._sizes[half] = number, 0
            self._look()
        at = self._sizes[half]
        frame = frame_head(number, 0.0, payload) + payload
        if len(payload) > MOST_BYTES or at + len(frame) > (HALF_BYTES if moved else FULL_BYTES):
            return False
        written = self._written
        if written is None:
            try:
                written = self._written = self._disk.mapped(self._path, 2 * HALF_BYTES)
            except OSError:
                return False
        end = at + len(frame)
        start = half * HALF_BYTES
        written[start + at : start + end] = frame
        self._sizes[half] = end
        return True

    def _look(self) -> None:
        """Let go of a file that was cut short, or removed: the next hold makes it whole again."""
        written = self._written
        if written is not None and (written.size() < 2 * HALF_BYTES or not self._path.exists()):
            self.close()

    def forget(self, number: int) -> None:
        """The server has those of batches up to this number. They go from the file, too: where the server loses its
        books, it forgets which batches it had, and what has ended since would be held anew."""
        for half, noted in enumerate(self._numbers):
            if 0 < noted <= number:
                self._numbers[half] = self._sizes[half] = 0
                self._look()
                if self._written is not None:
                    self._written[half * HALF_BYTES : half * HALF_BYTES + len(_NOTHING)] = _NOTHING

    def remove(self) -> None:
        """The server has all of them. Raises OSError."""
        self.close()
        self._disk.remove(self._path)

    def close(self) -> None:
        if self._written is not None:
            self._written.close()
            self._written = None


def read_holds(folder: Path, after: int) -> list[bytes]:
    """Those with a number above `after`, in the order of their batches. Raises OSError."""
    try:
        raw = (folder / HOLDS_NAME).read_bytes()
    except FileNotFoundError:
        return []
    halves = [_read_half(raw[:HALF_BYTES]), _read_half(raw[HALF_BYTES:])]
    return [payload for number, payloads in sorted(halves) if number > after for payload in payloads]


def _read_half(raw: bytes) -> tuple[int, list[bytes]]:
    """Its number, 0 when it has none, and what is written there."""
    opened, number = io.BytesIO(raw), 0
    payloads = []
    while not isinstance(entry := next_entry(opened, len(raw) - opened.tell()), str):
        if number and entry.number != number:
            break
        number = entry.number
        payloads.append(entry.payload)
    return number, payloads
