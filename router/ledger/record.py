"""Request records: one line per request, with no word of what it said.

A record is a msgpack array in the order of `Record`. Records are kept in the capped stream `be:{ledger}:requests`, and
are written in the same script call as the totals that they add to. An entry of the stream is one batch, with two
fields: `n`, how many records it has, and `b`, a msgpack array of them.

    settled   a request that was settled; it counts in the totals
    unheld    a request that went on although the ledger was lost, and was counted later; it counts, too
    held      a lease ran out: it is charged as held, with requests +1 and unsettled +1
    lifted    such a charge, taken back by a late settlement; the figures of the charge, and they count negatively
    attempt   an attempt that failed, and that its backend may have billed: tokens and money, estimated, of a request
              that is settled by itself, and that has the same `request`
    refused   nothing was sent to a backend; it counts nowhere

A script that writes "held" or "lifted" knows only the packed hold. It fills `kind`, `id`, `key`, `team`, `model`,
`backend`, `zone`, `input`, `output`, `cost` and `eligible`, and puts the beginning of the hold's quarter of an hour
into `at`, which then counts on the same day and in the same hour. Everything else is empty: 0 for `cached`,
`cache_write`, `counterfactual`, `status`, `attempts` and the times, false for `estimated`, `error` and `stream`, "" for
`request`, `level`, `reason` and `detail`, and an empty array for `tags`.
Trailing fields that are empty may be left out. Integral numbers may stand for `at`.

Newer versions may append fields, and add kinds; both can be read. Money is nano-USD in a record of version 1. One
without a version has micro-USD, and is read as if it had been written today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.money import NANO_PER_MICRO
from router.core.values import Cell, Row, Settlement

Kind = Literal["settled", "unheld", "held", "lifted", "attempt"]

COUNTS: Mapping[str, int] = {"settled": 1, "unheld": 1, "held": 1, "lifted": -1, "attempt": 1, "refused": 0}
"""How often a record of each kind counts."""

VERSION = 1

_encode = msgspec.msgpack.Encoder().encode


class Record(Struct, frozen=True, array_like=True, gc=False):
    """One request. Money is nano-USD; `sent`, `first_byte` and `duration` are microseconds since its arrival."""

    kind: str
    id: str
    at: float
    """When it arrived, in seconds since the epoch: a request counts on the day it arrived."""
    key: str
    team: str
    model: str
    backend: str = ""
    zone: str = ""
    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    estimated: bool = False
    cost: int = 0
    counterfactual: int = 0
    error: bool = False
    eligible: bool = False
    request: str = ""
    level: str = ""
    tags: tuple[str, ...] = ()
    reason: str = ""
    status: int = 0
    stream: bool = False
    attempts: int = 0
    sent: int = 0
    first_byte: int = 0
    duration: int = 0
    detail: str = ""
    version: int = 0

    @property
    def cell(self) -> Cell:
        return Cell(self.backend, self.zone, self.model, self.team, self.key)

    @property
    def row(self) -> Row:
        """What it adds to the totals of its cell: nothing for a kind that is not known."""
        n = COUNTS.get(self.kind, 0)
        return Row(
            self.cell,
            requests=0 if self.kind == "attempt" else n,
            errors=n * self.error,
            input=n * self.input,
            cached=n * self.cached,
            output=n * self.output,
            cost=n * self.cost,
            counterfactual=n * self.counterfactual,
            estimated=n * self.estimated,
            unsettled=n if self.kind in ("held", "lifted") else 0,
            unheld=n if self.kind == "unheld" else 0,
        )


_decode = msgspec.msgpack.Decoder(list[Record]).decode


def pack_record(settlement: Settlement, kind: Kind = "settled") -> bytes:
    """The record of a settlement, as one element of a batch."""
    cell, usage, course = settlement.cell, settlement.usage, settlement.course
    return _encode(
        (
            kind,
            settlement.id,
            settlement.at,
            cell.key,
            cell.team,
            cell.model,
            cell.backend,
            cell.zone,
            usage.input,
            usage.cached,
            usage.cache_write,
            usage.output,
            usage.estimated,
            settlement.cost,
            settlement.counterfactual,
            settlement.error,
            settlement.eligible,
            course.request,
            course.level,
            course.tags,
            course.reason,
            course.status,
            course.stream,
            course.attempts,
            course.sent,
            course.first_byte,
            course.duration,
            course.detail,
            VERSION,
        )
    )


def pack_refused(
    *,
    id: str = "",
    at: float,
    key: str,
    team: str,
    model: str,
    level: str = "",
    tags: tuple[str, ...] = (),
    reason: str,
    status: int,
    request: str,
    detail: str = "",
    stream: bool = False,
    duration: int = 0,
) -> bytes:
    """The record of a request that no backend saw. `reason` is the error's code; `id` is empty without a hold."""
    return _encode(
        Record(
            kind="refused",
            id=id,
            at=at,
            key=key,
            team=team,
            model=model,
            request=request,
            level=level,
            tags=tags,
            reason=reason,
            status=status,
            stream=stream,
            duration=duration,
            detail=detail,
            version=VERSION,
        )
    )


def batch_blob(records: Sequence[bytes]) -> bytes:
    """A msgpack array of packed records: a header before them as they are."""
    return _array_header(len(records)) + b"".join(records)


def unpack_records(blob: bytes) -> list[Record]:
    """The records of a batch. Raises ValueError when they are not what this version can read."""
    return [record if record.version else _in_nano(record) for record in _decode(blob)]


def _in_nano(record: Record) -> Record:
    cost, counterfactual = NANO_PER_MICRO * record.cost, NANO_PER_MICRO * record.counterfactual
    return replace(record, cost=cost, counterfactual=counterfactual, version=VERSION)


def _array_header(length: int) -> bytes:
    """https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family."""
    if length < 16:
        return bytes((0x90 | length,))
    if length < 65_536:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")
