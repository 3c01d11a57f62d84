"""Whether records that were exported are those that receipts were made of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from router.core.audit.entry import Entry
from router.core.audit.merkle import root_of
from router.core.audit.receipts import Receipt


class Shown(Struct, frozen=True):
    """Numbers of records, and what is wrong with some."""

    records: int
    """In the export."""
    shown: int
    """Of them, those that are in a receipt, exactly as they are."""
    problems: list[str]


class RecordsChecker:
    """The leaves of an export, in its order, and then every receipt of the chain, in theirs.

    An export that begins or ends within a minute has a part of that minute's records only: those are not shown, and are
    no problem. In between every record has to be in a receipt, and every receipt's records have to be there.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves
        self._places = {leaf: place for place, leaf in reversed(list(enumerate(leaves)))}
        self._minutes: list[tuple[int, int, str]] = []
        """Where minutes begin and end in the export, and what they are called."""
        self._problems: list[str] = []

    def take(self, entry: Entry, receipt: Receipt) -> None:
        begin = self._places.get(bytes.fromhex(receipt.first)) if receipt.records else None
        if begin is None:
            return
        end = begin + receipt.records
        if end > len(self._leaves):
            return  # the export ends within this minute
        if root_of(self._leaves[begin:end]).hex() != receipt.root:
            self._problems.append(f"records of {entry.subject} are not those that its receipt was made of")
        self._minutes.append((begin, end, entry.subject))

    def end(self) -> Shown:
        minutes = sorted(self._minutes)
        for (_, end, before), (begin, _, after) in pairwise(minutes):
            if begin != end:
                number = abs(begin - end)
                self._problems.append(f"{number} records between {before} and {after} are in no receipt, or in two")
        shown = sum(end - begin for begin, end, _ in minutes)
        return Shown(len(self._leaves), shown, self._problems)
