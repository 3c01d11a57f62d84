"""Whether records that were exported are those that receipts were made of."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from router.core.audit.entry import Entry
from router.core.audit.merkle import root_of
from router.core.audit.receipts import Receipt

_MINUTE = len("2026-05-20T10:00")


class Shown(Struct, frozen=True):
    """Numbers of records, what is wrong with some, and which were excused."""

    records: int
    """In the export."""
    shown: int
    """Of them, those that are in a receipt, exactly as they are."""
    problems: list[str]
    excused: list[str]
    """Records of minutes that the export has only a part of, or that have no receipt yet: nothing is wrong with them,
    and nothing is shown."""
    covered_to: str = ""
    """The last minute of which all records were found; whether one of a later minute is missing nobody can see."""
    receipts_to: str = ""
    """The last minute with a receipt."""


class _Minute(Struct, frozen=True):
    name: str
    receipt: Receipt
    begin: int | None
    """Where its first record is in the export."""


class RecordsChecker:
    """The leaves of an export, in its order, and then every receipt of the chain, in theirs.

    An export that begins or ends within a minute has a part of that minute's records only: those are excused, by name.
    In between every record has to be in a receipt, and every receipt's records have to be there.
    """

    def __init__(self, leaves: Sequence[bytes], times: Sequence[str]) -> None:
        """`times` of the records, as an export has them: mostly of the minute in which the ledger wrote them, or of one
        before."""
        self._leaves = leaves
        self._times = times
        self._places = {leaf: place for place, leaf in reversed(list(enumerate(leaves)))}
        self._minutes: list[_Minute] = []
        self._shown = 0
        self._covered_to = ""
        self._problems: list[str] = []
        self._excused: list[str] = []

    def take(self, entry: Entry, receipt: Receipt) -> None:
        if receipt.records:
            begin = self._places.get(bytes.fromhex(receipt.first))
            self._minutes.append(_Minute(entry.subject, receipt, begin))

    def end(self) -> Shown:
        there = [number for number, minute in enumerate(self._minutes) if minute.begin is not None]
        if not self._leaves:
            self._problems.append("nothing to check: the export has no records")
        elif not there:
            self._problems.append("nothing to check: of no minute with a receipt the export has the first record")
        else:
            first, last = there[0], there[-1]
            self._before(self._minutes[first - 1] if first else None, self._minutes[first])
            end = self._between(self._minutes[first : last + 1])
            self._behind(end, self._minutes[last], is_last=last + 1 == len(self._minutes))
        receipts_to = self._minutes[-1].name if self._minutes else ""
        return Shown(len(self._leaves), self._shown, self._problems, self._excused, self._covered_to, receipts_to)

    def _before(self, cut: _Minute | None, first: _Minute) -> None:
        """Records before the first whole minute are the end of the minute before."""
        number = first.begin or 0
        if not number:
            return
        newest = max(self._times[:number])
        if cut is not None and number < cut.receipt.records and newest[:_MINUTE] == cut.name[:_MINUTE]:
            self._excuse(number, cut, "begins")
        else:
            self._problems.append(
                f"{number:,} before {first.name} are in no receipt, or others of the minute before are missing"
            )

    def _between(self, minutes: Sequence[_Minute]) -> int:
        """Where the last of them ends. Each begins where the one before ends."""
        at, unknown, before = minutes[0].begin or 0, 0, ""
        for minute in minutes:
            records = minute.receipt.records
            if minute.begin is None:
                self._problems.append(f"records of {minute.name} are missing, or are not those of its receipt")
                unknown += records
                continue
            if not 0 <= minute.begin - at <= unknown:
                number = abs(minute.begin - at)
                self._problems.append(f"{number:,} between {before} and {minute.name} are in no receipt, or in two")
            at, unknown, before = minute.begin + records, 0, minute.name
            if at > len(self._leaves) and minute is minutes[-1]:
                at = len(self._leaves)
                self._excuse(at - minute.begin, minute, "ends")
            elif root_of(self._leaves[minute.begin : at]).hex() == minute.receipt.root:
                self._shown += records
                self._covered_to = minute.name
            else:
                self._problems.append(f"records of {minute.name} are not those that its receipt was made of")
        return at

    def _behind(self, end: int, last: _Minute, *, is_last: bool) -> None:
        """Records behind the last minute with a receipt have none yet."""
        number = len(self._leaves) - end
        if not number:
            return
        if not is_last:
            self._problems.append(f"{number:,} behind {last.name} are not those of the next receipt")
        elif min(self._times[end:])[:_MINUTE] < last.name[:_MINUTE]:
            self._problems.append(
                f"some of {number:,} behind {last.name} are older, and in no receipt: if they were written late, they"
                " will be in one in a minute"
            )
        else:
            self._excused.append(f"{number:,} behind {last.name}: there is no receipt of them yet")

    def _excuse(self, number: int, minute: _Minute, how: str) -> None:
        of = f"{number:,} of the {minute.receipt.records:,} of {minute.name}"
        self._excused.append(f"{of}: the export {how} within that minute")
