"""Holds that the server may not have yet: one file beside a writer's segments.

A hold of a request that did not wait for the server is written here before the request goes, under the number of the
batch that will bring it there. So, as with entries, what has a number above that of the writer's last applied batch is
missing at the server, and nothing else is. At most one batch is on its way while the next one fills: the file has two
halves, for even numbers and for odd ones, and each begins anew with a number that is new to it. It is never synced:
what it is for is over within a moment.

    half  frames as in a segment, up to the first one that is not whole or has another number than the first; none once
          the server has that batch
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from router.ledger.journal.disk import PRIVATE_FILE, Disk
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
        self._fd = -1
        self._numbers = [0, 0]
        self._sizes = [0, 0]

    def add(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        """Writes a hold that goes with the batch of this number; False when there is no room for it, or no disk.

        Nothing of a lower number but one may be needed any more. `moved` is one that was there for the batch before.
        """
        half = number & 1
        if self._numbers[half] != number:
            self._numbers[half], self._sizes[half] = number, 0
        at = self._sizes[half]
        frame = frame_head(number, 0.0, payload) + payload
        if len(payload) > MOST_BYTES or at + len(frame) > (HALF_BYTES if moved else FULL_BYTES):
            return False
        try:
            if self._fd < 0:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
            self._disk.write_at(self._fd, frame, half * HALF_BYTES + at)
        except OSError:
            return False
        self._sizes[half] = at + len(frame)
        return True

    def forget(self, number: int) -> None:
        """The server has those of batches up to this number. They go from the file, too: where the server loses its
        books, it forgets which batches it had, and what has ended since would be held anew."""
        for half, noted in enumerate(self._numbers):
            if 0 < noted <= number:
                self._numbers[half] = self._sizes[half] = 0
                with contextlib.suppress(OSError):  # the next one that is written there does the same
                    self._disk.write_at(self._fd, _NOTHING, half * HALF_BYTES)

    def remove(self) -> None:
        """The server has all of them. Raises OSError."""
        self.close()
        self._disk.remove(self._path)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


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
