"""Request records in a ledger's stream, as a gateway would have written them, at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from valkey import Valkey

from router.core.values import Cell, Grounds, RequestOutcome, Settlement, Usage
from router.ledger.record import batch_blob, pack_record

STREAM = "be:{ledger}:requests"
_TOGETHER = 500


def settled(at: float, number: int, cell: Cell, version: str, **fields: Any) -> tuple[float, bytes]:
    """One request that was answered, decided by that version of the policy; an empty one is of an older release."""
    grounds = Grounds(policy=version, estimated_input=900, max_output_tokens=500) if version else Grounds()
    course = RequestOutcome(
        **{
            "request": f"req_{number}",
            "level": "public",
            "reason": "threshold-below",
            "status": 200,
            "attempts": 1,
            "sent": 1000,
            "first_byte": 300_000,
            "duration": 1_200_000,
            "endpoint": "chat",
            "grounds": grounds,
            **fields,
        }
    )
    usage = Usage(input=1000, cached=200, output=300)
    done = Settlement(f"id-{number}", cell, at, usage, 1_600_000, 0, error=False, eligible=True, course=course)
    return at, pack_record(done)


def write(valkey: Valkey, records: Iterable[tuple[float, bytes]]) -> None:
    """Entries have the ids of their times, whatever the server's clock says."""
    waiting: Iterator[tuple[float, bytes]] = iter(records)
    while some := list(islice(waiting, _TOGETHER)):
        blob = batch_blob([packed for _, packed in some])
        valkey.xadd(STREAM, {"n": len(some), "b": blob}, id=f"{int(some[-1][0] * 1000)}-*")
