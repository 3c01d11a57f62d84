"""What receipts show: how many requests of a level or with a tag went where, and whether any left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from router.core.audit.chain import Finding
from router.core.audit.entry import Entry
from router.core.audit.receipts import Receipt, read_receipt

RECEIPT, GAP = "egress.receipt", "egress.gap"


class Destination(Struct, frozen=True):
    zone: str
    """Empty for what was refused."""
    own: bool


class Account(Struct, frozen=True):
    """Of one level or tag."""

    name: str
    sent: dict[Destination, int]
    refused: int

    @property
    def left(self) -> int:
        return sum(number for destination, number in self.sent.items() if not destination.own)


class EgressReader:
    """Is told every entry; what must `never` leave are names of levels and tags."""

    def __init__(self, never: Sequence[str] = ()) -> None:
        self.minutes = self.records = self.gaps = self.unknown = 0
        """`unknown`: requests that left and whose level no record tells, because their process was killed. They were
        permitted to leave, or they would be findings."""
        self.first = self.last = ""
        """The first and the last minute with a receipt."""
        self.findings: list[Finding] = []
        self.known: set[str] = set()
        """Levels and tags that are in any receipt."""
        self._sent: dict[str, Counter[Destination]] = {name: Counter() for name in never}
        self._refused: Counter[str] = Counter()

    def take(self, entry: Entry) -> Receipt | None:
        """The receipt, if it is one."""
        if entry.action == GAP:
            self.gaps += 1
        if entry.action != RECEIPT:
            return None
        try:
            receipt = read_receipt(entry.new)
        except ValueError:
            self.findings.append(Finding(entry.seq, "it is no receipt that this version can read"))
            return None
        self.minutes += 1
        self.records += receipt.records
        self.first, self.last = self.first or entry.subject, entry.subject
        self._count(entry, receipt)
        return receipt

    def accounts(self) -> list[Account]:
        return [Account(name, dict(sent), self._refused[name]) for name, sent in self._sent.items()]

    def unheard_of(self) -> list[str]:
        """Of what must never leave, names that no receipt has: mistyped, perhaps, and no proof of anything."""
        return [name for name in self._sent if name not in self.known]

    def _count(self, entry: Entry, receipt: Receipt) -> None:
        for passage, number in receipt.passages():
            self.known.update(filter(None, (passage.level, *passage.tags)))
            if passage.left and passage.captive:
                self._find(entry, f"{number} could not leave, and went to {passage.zone}")
            elif passage.left and not passage.level:
                self.unknown += number
            for name in filter(passage.is_of, self._sent):
                if passage.kind == "refused":
                    self._refused[name] += number
                elif passage.left or passage.own:
                    self._sent[name][Destination(passage.zone, passage.own)] += number
                if passage.left:
                    self._find(entry, f"{number} of {name} went to {passage.zone}, which is not own")

    def _find(self, entry: Entry, problem: str) -> None:
        self.findings.append(Finding(entry.seq, f"requests of {entry.subject}: {problem}"))
