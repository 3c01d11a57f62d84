"""What the journal's entries say: the records of one batch, or, of old ones, their sums.

a batch   a msgpack array of records, the very bytes that go to the stream
sums      a msgpack map {"sums": [[quarter, cell, totals, eligible, tokens], ..], "version": as that of records}
a hold    beside them: its id, a space, and itself as the server keeps it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec
from msgspec import Struct

from router.core.cost.volume import quarter_of
from router.core.limits.counters import NO_COUNTERS
from router.core.values import Cell, Row
from router.ledger.client.batch import Count, Note, Operation, SlotTotals, Sum, without_hold
from router.ledger.record import VERSION, Kind, Record, pack_record, settlement_of, unpack_records
from router.ledger.redis_keys import nano_totals

_COUNTED = {"settled": 0, "unheld": 1, "attempt": 0, "withdrawn": 0, "final": 0}
"""Kinds that count, and how many of them went on without a hold."""


class _Sum(Struct, array_like=True):
    quarter: int
    cell: tuple[str, str, str, str, str]
    totals: list[int]
    eligible: bool
    tokens: tuple[int, int, int]


class _Sums(Struct):
    sums: list[_Sum]
    version: int = 0
    """0 where money is in micro-USD."""

    def totals(self, sum: _Sum) -> list[int]:
        """Columns that are new are missing in sums of before."""
        totals = sum.totals if self.version else nano_totals(sum.totals)
        return totals + [0] * (_COLUMNS - len(totals))


_COLUMNS = len(Row.__struct_fields__) - 1
_decode_sums = msgspec.msgpack.Decoder(_Sums).decode
_encode = msgspec.msgpack.Encoder().encode


def operations_of(payload: bytes) -> list[Operation]:
    """What to send so that the books have what an entry says. Raises ValueError for what is no entry."""
    if _is_array(payload):
        return [_operation(record) for record in unpack_records(payload)]
    sums = _decode_sums(payload)
    return [Sum(each.quarter, Cell(*each.cell), sums.totals(each), each.eligible, each.tokens) for each in sums.sums]


def summarise(payloads: Iterable[bytes]) -> list[bytes]:
    """The same books from fewer bytes: one sum for each cell and quarter of an hour."""
    quarters: dict[int, dict[Cell, SlotTotals]] = {}
    for payload in payloads:
        for operation in operations_of(payload):
            if isinstance(operation, Count):
                settlement = operation.settlement
                totals = quarters.setdefault(quarter_of(settlement.at), {}).setdefault(settlement.cell, SlotTotals())
                if operation.taken_back:
                    totals.take_back(settlement)
                else:
                    totals.add(settlement, operation.unheld)
    sums = [
        _Sum(quarter, msgspec.structs.astuple(cell), totals.cells[cell], totals.eligible, totals.sum())
        for quarter, cells in sorted(quarters.items())
        for cell, totals in cells.items()
    ]
    return [_encode(_Sums(sums[i : i + 1000], VERSION)) for i in range(0, len(sums), 1000)]


def pack_noted(id: str, hold: bytes) -> bytes:
    return b"%b %b" % (id.encode(), hold)


def noted_of(payload: bytes) -> tuple[str, bytes]:
    """The id of a hold, and itself."""
    id, _, hold = payload.partition(b" ")
    return id.decode(), hold


def _is_array(payload: bytes) -> bool:
    return payload[0] & 0xF0 == 0x90 or payload[0] in (0xDC, 0xDD)


def _operation(record: Record) -> Operation:
    unheld = _COUNTED.get(record.kind)
    settlement = settlement_of(record)
    packed = pack_record(settlement, cast(Kind, record.kind))
    if unheld is None:
        return Note(packed)
    if record.kind in ("withdrawn", "final"):
        settlement = without_hold(settlement)
    return Count(settlement, NO_COUNTERS, packed, unheld, taken_back=record.kind == "withdrawn")
