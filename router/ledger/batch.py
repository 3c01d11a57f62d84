"""Operations -> the payload of one script call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from router.core.values import Cell, Hold, Settlement
from router.ledger.layout import CORRECTABLE_SECONDS, ID_BUCKET_DIGITS, Calendar, CellNames, Slot, pack_hold
from router.ledger.volume import Tokens


class Release(Struct, frozen=True):
    """Nothing happened: the hold goes, and nothing is counted."""

    id: str


class Abandon(Struct, frozen=True):
    """A release of a hold that may or may not have arrived, or may still arrive."""

    id: str


class Record(Struct, frozen=True):
    """Counts a request that went on although its hold was not confirmed."""

    settlement: Settlement


Operation = Settlement | Release | Abandon | Record
_Slot = tuple[str, int, int, list[str], list[list[int]], bool, int, int, int]

_encode = msgspec.msgpack.Encoder().encode


class Batch(Struct):
    """What goes to the server in one call. Operations take effect before the new holds do."""

    operations: Sequence[Operation]
    holds: Sequence[Hold]


class Packed(Struct):
    payload: bytes
    own: dict[int, Tokens]
    """What the batch's settlements add to the volume, by quarter."""


def eligible_tokens(settlement: Settlement) -> Tokens:
    usage = settlement.usage
    return usage.input - usage.cached, usage.cached, usage.output


class _Place:
    """What a batch adds to one slot."""

    __slots__ = ("cells", "eligible", "tokens")

    def __init__(self) -> None:
        self.cells: dict[Cell, list[int]] = {}
        self.eligible = False
        self.tokens = [0, 0, 0]

    def add(self, settlement: Settlement) -> None:
        """Columns in the order of `Row`."""
        usage = settlement.usage
        totals = self.cells.get(settlement.cell)
        if totals is None:
            totals = self.cells[settlement.cell] = [0] * 9
        totals[0] += 1
        totals[1] += settlement.error
        totals[2] += usage.input
        totals[3] += usage.cached
        totals[4] += usage.output
        totals[5] += settlement.cost
        totals[6] += settlement.counterfactual
        totals[7] += usage.estimated
        if settlement.eligible:
            self.eligible = True
            tokens = self.tokens
            tokens[0] += usage.input - usage.cached
            tokens[1] += usage.cached
            tokens[2] += usage.output

    def sum(self) -> Tokens:
        return self.tokens[0], self.tokens[1], self.tokens[2]


class Packer:
    """Packs batches for one calendar."""

    def __init__(self, calendar: Calendar, retain_days: int) -> None:
        self._calendar = calendar
        self._retained = retain_days * 86_400
        self._cells = CellNames()

    def together(self, batch: Batch) -> Packed | None:
        """Payload of commit.lua; None when an operation needs each.lua, or an id comes twice."""
        gone: dict[str, list[str]] = {}
        places: dict[Slot, _Place] = {}
        slot_of = self._calendar.slot
        for operation in batch.operations:
            if isinstance(operation, Settlement):
                slot = slot_of(operation.at)
                place = places.get(slot)
                if place is None:
                    place = places[slot] = _Place()
                place.add(operation)
            elif not isinstance(operation, Release):
                return None
            _append(gone, operation.id)
        if any(len(set(ids)) < len(ids) for ids in gone.values()):
            return None
        slots = [self._slot(slot, place) for slot, place in places.items()]
        fields = (CORRECTABLE_SECONDS, self._retained, _flat(gone), slots, self._reserved(batch.holds))
        return Packed(_encode(fields), {slot.quarter: place.sum() for slot, place in places.items() if place.eligible})

    def one_by_one(self, batch: Batch) -> bytes:
        """Payload of each.lua."""
        operations = [self._single(operation) for operation in batch.operations]
        return _encode((CORRECTABLE_SECONDS, self._retained, operations, self._reserved(batch.holds)))

    def own_tokens(self, batch: Batch) -> dict[int, Tokens]:
        """What the batch's settlements add to the volume, by quarter."""
        own: dict[int, Tokens] = {}
        for operation in batch.operations:
            settlement = operation.settlement if isinstance(operation, Record) else operation
            if isinstance(settlement, Settlement) and settlement.eligible:
                quarter = self._calendar.slot(settlement.at).quarter
                more, so_far = eligible_tokens(settlement), own.get(quarter, (0, 0, 0))
                own[quarter] = (so_far[0] + more[0], so_far[1] + more[1], so_far[2] + more[2])
        return own

    def _single(self, operation: Operation) -> tuple[str, str, _Slot | None]:
        if isinstance(operation, Settlement):
            return "settle", operation.id, self._place_one(operation)
        if isinstance(operation, Record):
            return "record", operation.settlement.id, self._place_one(operation.settlement)
        return "release" if isinstance(operation, Release) else "abandon", operation.id, None

    def _place_one(self, settlement: Settlement) -> _Slot:
        place = _Place()
        place.add(settlement)
        return self._slot(self._calendar.slot(settlement.at), place)

    def _slot(self, slot: Slot, place: _Place) -> _Slot:
        names = [self._cells.field(cell) for cell in place.cells]
        return (slot.day, slot.hour, slot.quarter, names, list(place.cells.values()), place.eligible, *place.sum())

    def _reserved(self, holds: Iterable[Hold]) -> list[str | list[str]]:
        pairs: dict[str, list[str]] = {}
        for hold in holds:
            packed = pack_hold(hold, self._calendar.slot(hold.at), self._cells.field(hold.cell))
            bucket = hold.id[:ID_BUCKET_DIGITS]
            if bucket in pairs:
                pairs[bucket] += (hold.id, packed)
            else:
                pairs[bucket] = [hold.id, packed]
        return _flat(pairs)


def _append(groups: dict[str, list[str]], id: str) -> None:
    bucket = id[:ID_BUCKET_DIGITS]
    if bucket in groups:
        groups[bucket].append(id)
    else:
        groups[bucket] = [id]


def _flat(groups: dict[str, list[str]]) -> list[str | list[str]]:
    return [part for pair in groups.items() for part in pair]
