"""Checking a chain, line by line, against itself and against anchors.

changed     an entry whose hash is that of another content, or that is written otherwise
removed     numbers that are missing; the next entry does not follow the one before it
moved       the same, in both places
truncated   at its beginning: the first number is not 1; at its end: an anchor names an entry that is not there
made anew   an anchor names another hash
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from router.core.audit.entry import FIRST, Entry, read_entry

MOST_FINDINGS = 1000
_ANCHOR = re.compile(r"([1-9]\d{0,14}):([0-9a-f]{64})")


class Anchor(Struct, frozen=True):
    """An entry that a chain must have, noted where whoever changes the chain cannot write."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def read_anchor(text: str) -> Anchor:
    """Raises ValueError."""
    match = _ANCHOR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text.strip()!r} is no anchor: it is a number, a colon and 64 hex digits")
    return Anchor(int(match[1]), match[2])


class Finding(Struct, frozen=True):
    seq: int
    """The entry that it is about, or before which it is."""
    problem: str


class ChainChecker:
    """Is told every line in order, then `end`."""

    def __init__(self, anchors: Iterable[Anchor] = ()) -> None:
        self.findings: list[Finding] = []
        self.entries = 0
        self.last = Anchor(0, FIRST)
        """Where the chain is by now."""
        self._anchors: dict[int, set[str]] = {}
        self._met: set[int] = set()
        for anchor in anchors:
            self._anchors.setdefault(anchor.seq, set()).add(anchor.hash)

    def take(self, line: bytes) -> Entry | None:
        """The entry; None where it cannot be read. After something wrong it goes on with what it was given, so that
        each finding is told once."""
        self.entries += 1
        expected = self.last.seq + 1
        try:
            entry = read_entry(line)
        except ValueError as error:
            self._find(expected, str(error))
            self.last = Anchor(expected, "")
            return None
        self._place(entry, expected)
        for hash in self._anchors.get(entry.seq, ()):
            if hash != entry.hash:
                self._find(entry.seq, "it is another entry than the anchor names: the chain was made anew")
        self._met.add(entry.seq)
        self.last = Anchor(entry.seq, entry.hash)
        return entry

    def end(self) -> list[Finding]:
        for seq in sorted(self._anchors.keys() - self._met):
            self._find(seq, f"the anchor names it, and it is not there: the chain ends with {self.last.seq}")
        return self.findings

    def _place(self, entry: Entry, expected: int) -> None:
        if entry.seq > expected:
            missing = f"{expected}" if entry.seq == expected + 1 else f"{expected} to {entry.seq - 1}"
            self._find(expected, f"entries are missing: {missing}")
        elif entry.seq < expected:
            self._find(entry.seq, f"it stands where {expected} should: entries were moved, or are there twice")
        elif self.last.hash and entry.prev != self.last.hash:
            self._find(entry.seq, "it followed another entry than the one before it")

    def _find(self, seq: int, problem: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(seq, problem))
