"""What was found in parts of bodies before: conversations come back with all that was said in them.

A part is known by a keyed digest of all of its bytes; neither it nor anything it says is kept. Nobody who does not know
the key, which is drawn for each process, can make two parts with one digest.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

_DIGEST = 20
"""Octets, of which chance takes one for another once in 2^80 tries."""


class Findings(NamedTuple):
    kinds: frozenset[str]
    steps: int
    """Of effort that finding them took (`finders.text.Effort`)."""


class Memory:
    """None: every part is looked at anew."""

    def recall(self, part: bytes) -> Findings | None:
        return None

    def keep(self, part: bytes, findings: Findings) -> None:
        """`findings` are all that is in the part, for the detectors that this memory belongs to."""


class BoundedMemory(Memory):
    """Of so many parts at most; the ones that were kept first are forgotten first."""

    def __init__(self, key: bytes, most: int) -> None:
        """`key` has 16 octets or more, 64 at most, that nobody else knows."""
        self._hash: Final = blake2b(key=key, digest_size=_DIGEST)
        self._most: Final = most
        self._findings: Final[dict[bytes, Findings]] = {}

    def recall(self, part: bytes) -> Findings | None:
        return self._findings.get(self._digest(part))

    def keep(self, part: bytes, findings: Findings) -> None:
        known = self._findings
        known[self._digest(part)] = findings
        if len(known) > self._most:
            del known[next(iter(known))]

    def _digest(self, part: bytes) -> bytes:
        digest = self._hash.copy()
        digest.update(part)
        return digest.digest()
