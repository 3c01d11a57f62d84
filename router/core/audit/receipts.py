"""A receipt: the requests of one minute, by what they were and where they went, and a digest of their records.

The minute is that in which the ledger wrote the record, by the ledger's clock, so that no record comes to a minute that
is over. The value of the audit's entry has

    form     1
    records  how many
    root     the root of the tree of their hashes, in the order in which they were written, see `merkle`
    first    the hash of the first one, by which the minute is found in an export
    counts   lists of level, tags, zone, whether the backend is an own one, whether it could not leave, kind, and number
    left_out entries that could not be read

A record's leaf is the JSON array of the columns `LEAF` of `breakeven export --format jsonl`, in that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from router.core.audit.merkle import leaf_hash, root_of

FORM = 1
LEAF: Sequence[str] = (
    *("time", "kind", "request_id", "reservation_id", "key", "team", "model", "backend", "zone"),
    *("sensitivity", "tags", "reason", "status", "policy_version", "captive", "local"),
)
NOT_SENT = frozenset({"refused", "lifted", "withdrawn"})
"""Kinds of records of which nothing went anywhere: the last two take back what another record says."""

_encode = msgspec.json.Encoder().encode


class Passage(NamedTuple):
    """What a request was, and where it went."""

    level: str
    """Empty for one whose process was killed: its record is made of what was held for it."""
    tags: tuple[str, ...]
    zone: str
    own: bool
    captive: bool
    """It could not leave: there was a cloud, and it was not permitted."""
    kind: str

    @property
    def left(self) -> bool:
        """It went to a zone that is not own."""
        return not self.own and self.kind not in NOT_SENT

    def is_of(self, name: str) -> bool:
        """Whether that is its level, or one of its tags."""
        return name == self.level or name in self.tags


class Receipt(Struct, frozen=True):
    form: int
    records: int
    root: str
    first: str
    counts: list[tuple[str, tuple[str, ...], str, bool, bool, str, int]]
    left_out: int = 0

    def passages(self) -> Iterable[tuple[Passage, int]]:
        return ((Passage(*row[:-1]), row[-1]) for row in self.counts)


class ReceiptMaker:
    """Is told the records of one minute, in their order."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self._counts: Counter[Passage] = Counter()

    def take(self, line: Mapping[str, Any]) -> None:
        """A record, as a line of an export has it."""
        self.leaves.append(leaf_of(line))
        self._counts[passage_of(line)] += 1

    def receipt(self, left_out: int = 0) -> Receipt:
        return Receipt(
            form=FORM,
            records=len(self.leaves),
            root=root_of(self.leaves).hex(),
            first=self.leaves[0].hex() if self.leaves else "",
            counts=[(*passage, number) for passage, number in sorted(self._counts.items())],
            left_out=left_out,
        )


def read_receipt(value: Any) -> Receipt:
    """Of an entry's `new`. Raises ValueError."""
    return msgspec.convert(value, Receipt)


def leaf_of(line: Mapping[str, Any]) -> bytes:
    """Raises KeyError for what is no line of an export."""
    return leaf_hash(_encode([line[name] for name in LEAF]))


def passage_of(line: Mapping[str, Any]) -> Passage:
    tags = tuple(line["tags"])
    return Passage(line["sensitivity"], tags, line["zone"], line["local"], line["captive"], line["kind"])
