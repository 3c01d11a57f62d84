"""Operations -> the payload of one script call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from router.core.cost.volume import QUARTER_SECONDS
from router.core.cost.volume_tracker import Tokens
from router.core.limits import amounts
from router.core.limits.counters import BOTH, LOCAL, Counter, CounterSet, Hold
from router.core.limits.slices import Share, counters_in
from router.core.values import Cell, Row, Settlement
from router.ledger.record import batch_blob
from router.ledger.redis_keys import CORRECTABLE_SECONDS, ID_BUCKET_DIGITS, Calendar, CellNames, TimeSlot, pack_hold
from router.ledger.server.wire import string


class Held:
    """A hold that the ledger admitted, for these sides. (Compiled, a class is read faster than a Struct.)"""

    __slots__ = ("hold", "sides")

    def __init__(self, hold: Hold, sides: int) -> None:
        self.hold: Final = hold
        self.sides: Final = sides


class Settle:
    """What really happened replaces the hold; one that was not `sent` never is, and this alone is counted."""

    __slots__ = ("held", "record", "sent", "settlement")

    def __init__(self, held: Held, settlement: Settlement, record: bytes, sent: bool = True) -> None:
        self.held: Final = held
        self.settlement: Final = settlement
        self.record: Final = record
        self.sent: Final = sent


class Release(Struct, frozen=True, gc=False):
    """Nothing happened: the hold goes, and nothing is counted."""

    held: Held
    doubtful: bool = False
    """Whether the server has the hold, and for which sides, is not known here."""


class Count(Struct, frozen=True, gc=False):
    """Counts a request that went on although its hold was not confirmed. `counters` is what it is counted in."""

    settlement: Settlement
    counters: CounterSet
    record: bytes
    unheld: int = 1
    """0 for one that was held, and that the server has forgotten, and for a failed attempt."""
    taken_back: bool = False
    """What was counted is taken out again."""


class Note(Struct, frozen=True, gc=False):
    """Only a record: of a request that was refused."""

    record: bytes


class Sum(Struct, frozen=True, gc=False):
    """Several requests of one cell and quarter of an hour, of which nothing else is known any more."""

    quarter: int
    cell: Cell
    totals: list[int]
    """Columns in the order of `Row`."""
    eligible: bool
    tokens: Tokens


Operation = Settle | Release | Count | Note | Sum
Slotted = tuple[str, int, int, list[str], list[list[int]], bool, int, int, int]
"""What is counted in one slot, as the scripts take it."""

_COLUMNS: Final = len(Row.__struct_fields__) - 1
_T = TypeVar("_T")
_encode = msgspec.msgpack.Encoder().encode


class Batch(Struct):
    """What goes to the server in one call. Operations take effect before the new holds do."""

    number: int
    operations: Sequence[Operation]
    holds: Sequence[Hold] = ()
    """Those that wait for their admission."""
    admitted: Sequence[tuple[str, bytes]] = ()
    """Those that do not: their ids, and themselves as the server keeps them."""
    shares: Sequence[Share] = ()
    """Of slices that were lent: what those that do not wait have taken of them, and what is asked for."""
    blob: bytes = b""
    """The operations' records, as they are journaled and written to the stream."""
    records: int = 0


def batch_of(
    number: int,
    operations: Sequence[Operation],
    holds: Sequence[Hold] = (),
    admitted: Sequence[tuple[str, bytes]] = (),
    shares: Sequence[Share] = (),
) -> Batch:
    records = [operation.record for operation in operations if not isinstance(operation, Release | Sum)]
    return Batch(number, operations, holds, admitted, shares=shares, blob=batch_blob(records), records=len(records))


class Sender(Struct):
    """Who sends, as every script wants to know first."""

    writer: str
    retained: int
    """Seconds that totals are kept."""
    owned: tuple[str, ...]
    """Zones that are owned."""
    epoch: str = ""
    term: int = 0
    last: int = 0
    """Number of the last batch that was applied."""
    part: int = 0
    """How many of the next batch's records were applied already, when it comes in parts."""
    term_of_slices: int = 0
    """Milliseconds that the server lends slices for."""
    lease: int = 0
    """Milliseconds that a hold lasts which nobody settles."""

    def head(self, number: int = 0) -> tuple[Any, ...]:
        return (
            CORRECTABLE_SECONDS,
            self.retained,
            self.owned,
            self.epoch,
            self.writer,
            self.term,
            self.last,
            number,
        )


OF_SETTLEMENTS = (Settle, Count)
"""Operations that add a settlement. A union of the two would be made anew for every one that is looked at."""


class Packed(Struct):
    """One batch as bytes. `counters` are those that the answer numbers from 1; `limited` the holds that it does."""

    payload: bytes
    counters: list[Counter]
    limited: list[int]
    """Positions in the batch's holds of those that have limits."""
    own: dict[int, Tokens]
    """What it adds to the volume, by quarter."""


def without_hold(settlement: Settlement) -> Settlement:
    """That counts beside what settles the hold, which may still be on its way from another worker."""
    return msgspec.structs.replace(settlement, id="")


def eligible_tokens(settlement: Settlement) -> Tokens:
    usage = settlement.usage
    return usage.input - usage.cached, usage.cached, usage.output


class SlotTotals:
    """What is added to one slot."""

    __slots__ = ("cells", "eligible", "tokens")

    def __init__(self) -> None:
        self.cells: dict[Cell, list[int]] = {}
        self.eligible = False
        self.tokens = [0, 0, 0]

    def add(self, settlement: Settlement, unheld: int = 0) -> None:
        """Columns in the order of `Row`."""
        usage = settlement.usage
        totals = self.cells.get(settlement.cell)
        if totals is None:
            totals = self.cells[settlement.cell] = [0] * _COLUMNS
        totals[0] += settlement.requests
        totals[2] += usage.input
        totals[4] += usage.output
        totals[5] += settlement.cost
        totals[6] += settlement.counterfactual
        if settlement.error:
            totals[1] += 1
        if usage.cached:
            totals[3] += usage.cached
        if usage.estimated:
            totals[7] += 1
        if unheld:
            totals[9] += unheld
        if settlement.eligible:
            self.eligible = True
            tokens = self.tokens
            tokens[0] += usage.input - usage.cached
            tokens[1] += usage.cached
            tokens[2] += usage.output
            totals[10] += usage.input + usage.output
            totals[11] += settlement.counterfactual if settlement.local else settlement.cost
        elif settlement.captive:
            totals[12] += settlement.requests
            totals[13] += usage.input + usage.output
            totals[14] += settlement.cost

    def take_back(self, settlement: Settlement) -> None:
        """The opposite of `add`."""
        self._negate()
        self.add(settlement)
        self._negate()

    def _negate(self) -> None:
        for totals in self.cells.values():
            totals[:] = [-figure for figure in totals]
        self.tokens = [-tokens for tokens in self.tokens]

    def sum(self) -> Tokens:
        return self.tokens[0], self.tokens[1], self.tokens[2]


class _Account:
    """What ended holds with the same counters do to these: amounts by measure, summed before counters are looked at."""

    __slots__ = ("held", "risk", "used")

    def __init__(self) -> None:
        self.used: list[tuple[int, ...]] = []
        self.held: list[tuple[int, ...]] = []
        self.risk: list[tuple[int, ...]] = []

    def add(self, held: Held, settlement: Settlement | None, sent: bool) -> None:
        """What was not sent holds nothing on the server."""
        if sent:
            local = held.sides == LOCAL
            self.held.append(amounts.held_by(held.hold, local))
            self.risk.append(amounts.at_risk(held.hold, local))
        if settlement is not None:
            self.used.append(amounts.used_by(settlement))

    def changes(self, counters: CounterSet, sides: int, local: bool) -> list[tuple[Counter, int, int, int]]:
        """Of what each counter has as used, held and risk."""
        used, held, risk = _summed(self.used), _summed(self.held), _summed(self.risk)
        found = []
        for counter in counters.all:
            uses, holds, n = counter.uses(local), counter.holds(sides), counter.measure - 1
            found.append((counter, used[n] if uses else 0, -held[n] if holds else 0, -risk[n] if holds else 0))
        return found


def _summed(each: list[tuple[int, ...]]) -> list[int]:
    """By measure."""
    return list(map(sum, zip(*each, strict=True))) if each else list(amounts.NOTHING)


class _Counters:
    """The counters of one batch, numbered by their keys."""

    def __init__(self, counters: Iterable[Counter]) -> None:
        keys: dict[str, dict[str, Counter]] = {}
        for counter in counters:
            keys.setdefault(counter.key, {}).setdefault(counter.field, counter)
        self.all = [counter for fields in keys.values() for counter in fields.values()]
        self.number = {(counter.key, counter.field): n for n, counter in enumerate(self.all, 1)}
        self.packed = [(key, *_columns(fields.values())) for key, fields in keys.items()]

    def of(self, counter: Counter) -> int:
        return self.number[counter.key, counter.field]


def _columns(counters: Iterable[Counter]) -> tuple[list[str], list[int], list[int]]:
    every = list(counters)
    return (
        [counter.field for counter in every],
        [counter.limit.amount for counter in every],
        [counter.warn_at for counter in every],
    )


class _Holds:
    """The new holds of one batch. Those with limits are summed, for the server mostly need not look at each."""

    __slots__ = ("_groups", "_places", "limited", "plain", "positions", "single")

    def __init__(self) -> None:
        self.plain: dict[str, list[str | msgspec.Raw]] = {}
        self.limited: dict[str, list[str | msgspec.Raw]] = {}
        self.positions: list[int] = []
        """Of those with limits, in the batch."""
        self.single: list[tuple[Any, ...]] = []
        self._places: dict[str, int] = {}
        self._groups: dict[tuple[int, int], tuple[list[tuple[int, ...]], list[tuple[int, ...]]]] = {}

    def limit(self, position: int, hold: Hold, bucket: str, value: msgspec.Raw, counters: int) -> None:
        place = self._places.setdefault(bucket, len(self._places) + 1)
        same = self.limited.setdefault(bucket, [])
        same += (hold.id, value)
        self.positions.append(position)
        local = hold.sides == LOCAL
        held, risk = amounts.held_by(hold, local), amounts.at_risk(hold, local)
        self.single.append(
            (
                place,
                len(same) // 2,
                counters,
                hold.sides,
                hold.local_first,
                held,
                risk,
                hold.local_cost,
                hold.local_cost_at_risk,
            )
        )
        group = self._groups.get((counters, hold.sides))
        if group is None:
            self._groups[counters, hold.sides] = [held], [risk]
        else:
            group[0].append(held)
            group[1].append(risk)

    def asked(self, sets: Sequence[Sequence[int]]) -> list[int]:
        """Counter, amount, risk, ..: what those with limits ask for together. `sets` as `_numbers_of` makes them."""
        sums: dict[int, list[int]] = {}
        for (number, sides), (held, risk) in self._groups.items():
            amounts, risks, counters = _summed(held), _summed(risk), sets[number - 1]
            for k in range(0, len(counters), 3):
                counter, measure, side = counters[k], counters[k + 1] - 1, counters[k + 2]
                if side == 0 or sides == BOTH or side == sides:
                    sum = sums.get(counter)
                    if sum is None:
                        sums[counter] = [amounts[measure], risks[measure]]
                    else:
                        sum[0] += amounts[measure]
                        sum[1] += risks[measure]
        return [figure for counter, sum in sums.items() for figure in (counter, *sum)]


class Packer:
    """Packs batches for one calendar."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._cells = CellNames()

    def together(self, batch: Batch, sender: Sender) -> Packed | None:
        """Payload of commit.lua; None when an operation needs each.lua."""
        gone: dict[str, list[str]] = {}
        slots: dict[TimeSlot, SlotTotals] = {}
        accounts: dict[tuple[CounterSet, int, bool], _Account] = {}
        slot_of = self._calendar.slot
        for operation in batch.operations:
            if isinstance(operation, Settle):
                settlement: Settlement | None = operation.settlement
                totals = slots.get(slot := slot_of(operation.settlement.at))
                if totals is None:
                    totals = slots[slot] = SlotTotals()
                totals.add(operation.settlement)
            elif isinstance(operation, Release) and not operation.doubtful:
                settlement = None
            elif isinstance(operation, Note):
                continue
            else:
                return None
            held = operation.held
            sent = isinstance(operation, Release) or operation.sent
            if sent:
                _append(gone, held.hold.id)
            if held.hold.counters.all:
                _account(accounts, held, settlement, sent)
        return self._pack(batch, sender, gone, slots, accounts)

    def _pack(
        self,
        batch: Batch,
        sender: Sender,
        gone: dict[str, list[str]],
        slots: dict[TimeSlot, SlotTotals],
        accounts: dict[tuple[CounterSet, int, bool], _Account],
    ) -> Packed:
        counter_sets = list({hold.counters: None for hold in batch.holds if hold.counters.all})
        looked_at = (*counter_sets, *(counters for counters, _, _ in accounts))
        numbered = _Counters([*chain.from_iterable(each.all for each in looked_at), *counters_in(batch.shares)])
        numbers = {counters: n for n, counters in enumerate(counter_sets, 1)}
        holds = self._holds(batch, numbers)
        sets = [_numbers_of(counters, numbered) for counters in counter_sets]
        payload = _encode(
            (
                *sender.head(batch.number),
                _flat(gone),
                [self.slotted(slot, totals) for slot, totals in slots.items()],
                numbered.packed,
                _changes(accounts, numbered),
                holds.asked(sets),
                _flat(holds.plain),
                _flat(holds.limited),
                string(_singly(holds, sets, numbered) if holds.single else b""),
                string(batch.blob),
                batch.records,
                _shared(batch.shares, numbered),
                sender.term_of_slices,
                sender.lease,
            )
        )
        own = {slot.quarter: totals.sum() for slot, totals in slots.items() if totals.eligible}
        return Packed(payload, numbered.all, holds.positions, own)

    def in_parts(self, batch: Batch, sender: Sender, size: int) -> Iterator[tuple[bytes, int]]:
        """Payloads of each.lua, which takes no holds, and how much of the batch each makes applied; 0 after the last.

        What is journaled comes first, in its order: a batch that was interrupted is gone on with from the journal,
        which knows of nothing else. Goes on where the sender's books are.
        """
        journaled = [each for each in batch.operations if not isinstance(each, Release)]
        releases = [each for each in batch.operations if isinstance(each, Release)]
        operations = journaled[sender.part :] + releases
        before = sender.part
        for first in range(0, max(1, len(operations)), size):
            some = operations[first : first + size]
            after = min(before + len(some), len(journaled)) if first + size < len(operations) else None
            singles = [self._single(operation) for operation in some]
            yield _encode((*sender.head(batch.number), singles, before, -1 if after is None else after)), after or 0
            before = after or 0

    def own_tokens(self, operations: Iterable[Operation]) -> dict[int, Tokens]:
        """What settlements add to the volume, by quarter."""
        own: dict[int, Tokens] = {}
        for operation in operations:
            if isinstance(operation, OF_SETTLEMENTS) and operation.settlement.eligible:
                settlement = operation.settlement
                quarter = self._calendar.slot(settlement.at).quarter
                more, so_far = eligible_tokens(settlement), own.get(quarter, (0, 0, 0))
                sign = -1 if isinstance(operation, Count) and operation.taken_back else 1
                own[quarter] = (so_far[0] + sign * more[0], so_far[1] + sign * more[1], so_far[2] + sign * more[2])
        return own

    def slotted(self, slot: TimeSlot, totals: SlotTotals) -> Slotted:
        names = [self._cells.field(cell) for cell in totals.cells]
        return (slot.day, slot.hour, slot.quarter, names, list(totals.cells.values()), totals.eligible, *totals.sum())

    def held(self, hold: Hold, sides: int) -> bytes:
        """A hold as the server keeps it."""
        return b"%d%b%b" % (sides, self._hold(hold), hold.counters.raw)

    def _single(self, operation: Operation) -> tuple[Any, ...]:
        if isinstance(operation, Settle):
            return (
                "settle" if operation.sent else "record",
                *self._counted(operation.settlement, operation.held.hold.counters, 0, taken_back=False),
                string(operation.record),
            )
        if isinstance(operation, Count):
            back = operation.taken_back
            return (
                "record",
                *self._counted(operation.settlement, operation.counters, operation.unheld, taken_back=back),
                string(operation.record),
            )
        if isinstance(operation, Release):
            return "release", operation.held.hold.id, None, (), ""
        if isinstance(operation, Note):
            return "note", "", None, (), string(operation.record)
        slot = self._calendar.slot(operation.quarter * QUARTER_SECONDS)
        names = [self._cells.field(operation.cell)]
        totals = (*slot, names, [operation.totals], operation.eligible, *operation.tokens)
        return "sum", "", totals, (), ""

    def _counted(
        self, settlement: Settlement, counters: CounterSet, unheld: int, *, taken_back: bool
    ) -> tuple[str, Slotted, list[str | int]]:
        """What is taken back has no counters: like what a journal tells, it is taken out of those that are there."""
        totals = SlotTotals()
        if taken_back:
            totals.take_back(settlement)
        else:
            totals.add(settlement, unheld)
        return settlement.id, self.slotted(self._calendar.slot(settlement.at), totals), _uses(settlement, counters)

    def _holds(self, batch: Batch, counter_sets: dict[CounterSet, int]) -> _Holds:
        packed = _Holds()
        for position, hold in enumerate(batch.holds):
            bucket, value = hold.id[:ID_BUCKET_DIGITS], string(self.held(hold, hold.sides))
            if hold.counters.all:
                packed.limit(position, hold, bucket, value, counter_sets[hold.counters])
            else:
                packed.plain.setdefault(bucket, []).extend((hold.id, value))
        for id, kept in batch.admitted:
            packed.plain.setdefault(id[:ID_BUCKET_DIGITS], []).extend((id, string(kept)))
        return packed

    def _hold(self, hold: Hold) -> bytes:
        local = "" if hold.local_cell is None else self._cells.field(hold.local_cell)
        return pack_hold(hold, self._calendar.slot(hold.at), self._cells.field(hold.cell), local)


def _account(
    accounts: dict[tuple[CounterSet, int, bool], _Account], held: Held, settlement: Settlement | None, sent: bool
) -> None:
    key = held.hold.counters, held.sides, settlement is not None and settlement.local
    account = accounts.get(key)
    if account is None:
        account = accounts[key] = _Account()
    account.add(held, settlement, sent)


def _changes(accounts: dict[tuple[CounterSet, int, bool], _Account], numbered: _Counters) -> list[int]:
    flat: list[int] = []
    for (counters, sides, local), account in accounts.items():
        for counter, used, held, risk in account.changes(counters, sides, local):
            flat += (numbered.of(counter), used, held, risk)
    return flat


def _shared(shares: Iterable[Share], numbered: _Counters) -> list[int]:
    flat: list[int] = []
    for share in shares:
        flat += (numbered.of(share.slice.counter), share.taken, share.held, share.risk, share.back, share.wish)
    return flat


def _singly(holds: _Holds, sets: Sequence[Sequence[int]], numbered: _Counters) -> bytes:
    """What is needed to judge one hold after the other."""
    return _encode((sets, [counter.limit.spare_local for counter in numbered.all], holds.single))


def _numbers_of(counters: CounterSet, numbered: _Counters) -> list[int]:
    """Counter, measure, side, ..: what holds are held against."""
    flat: list[int] = []
    for counter in counters.all:
        flat += (numbered.of(counter), counter.measure, counter.side)
    return flat


def _uses(settlement: Settlement, counters: CounterSet) -> list[str | int]:
    """What one settlement adds to its counters, its hold aside."""
    used = amounts.used_by(settlement)
    flat: list[str | int] = []
    for counter in counters.all:
        if counter.limit.period and counter.uses(settlement.local):
            flat += (counter.key, counter.field, used[counter.measure - 1])
    return flat


def _append(groups: dict[str, list[str]], id: str) -> None:
    bucket = id[:ID_BUCKET_DIGITS]
    if bucket in groups:
        groups[bucket].append(id)
    else:
        groups[bucket] = [id]


def _flat(groups: dict[str, list[_T]]) -> list[str | list[_T]]:
    return [part for pair in groups.items() for part in pair]
