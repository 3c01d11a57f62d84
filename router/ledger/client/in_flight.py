"""The batch that waits for its answer, and what that says of its holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.cost.volume_tracker import Tokens
from router.core.limits.counters import Admission, Reached
from router.core.limits.limits import Verdict
from router.ledger.client.batch import Batch, Packed
from router.ledger.client.waiting import Reserved
from router.ledger.scripts import Script


class InFlight(Struct):
    batch: Batch
    reserved: list[Reserved]
    admitted: dict[str, bytes]
    own: dict[int, Tokens]
    packed: Packed | None
    """None when it goes operation by operation."""
    script: Script
    payload: bytes
    parts: Iterator[tuple[bytes, int]] = iter(())
    """What is still to be sent of it, when it goes operation by operation."""
    part: int = 0
    """What the server has of it once `payload` is applied."""
    counted: list[int] = []


def admissions_of(
    flight: InFlight, packed: Packed, verdicts: Sequence[int], reached: Sequence[int]
) -> dict[int, Admission]:
    """By position in the batch's holds, for those that are not simply admitted."""
    if not verdicts and not reached:
        return {}
    soft = {}
    for i in range(0, len(reached), 3):
        counter = packed.counters[reached[i] - 1]
        soft[counter.key, counter.field] = Reached(counter.limit, reached[i + 1], reached[i + 2])
    judged = {}
    for i in range(0, len(verdicts), 6):
        number, sides, full, *figures = verdicts[i : i + 6]
        judged[packed.limited[number - 1]] = sides, Verdict(packed.counters[full - 1].limit, *figures)
    admissions = {}
    for position in packed.limited:
        hold = flight.batch.holds[position]
        sides, verdict = judged.get(position, (hold.sides, None))
        warnings = tuple([soft[c.key, c.field] for c in hold.counters.all if (c.key, c.field) in soft])
        if verdict is not None or warnings:
            admissions[position] = Admission(sides, verdict, warnings)
    return admissions
