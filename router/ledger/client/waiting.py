"""What the next batch takes of what waits for one: so much that no call keeps the server busy for long."""

from __future__ import annotations

import asyncio
from collections import deque

from router.core.limits.counters import Admission, Hold
from router.ledger.client.batch import OF_SETTLEMENTS, Operation, Release

BATCH_LIMIT = 100
"""Operations, and holds, in one call: bounds how long the server is busy."""
LOOKED_AT_LIMIT = 80
"""Different counters that the holds of one call look at; those of one request are never divided."""
DIFFERENT_LIMIT = 16
"""Different cells that the operations of one call are about: each has sums of its own, for every scope."""

Reserved = tuple[Hold, "asyncio.Future[Admission]"]


def take_reserved(waiting: list[Reserved], most: int) -> list[Reserved]:
    """Those that still wait for it, as many as one call takes."""
    taken, number, looked_at = [], 0, 0
    known: set[int] = set()
    for each in waiting:
        counters = each[0].counters
        if id(counters) not in known:
            looked_at += len(counters.all)
            known.add(id(counters))
        if number >= most or (looked_at > LOOKED_AT_LIMIT and number):
            break
        number += 1
        if not each[1].done():
            taken.append(each)
    del waiting[:number]
    return taken


def take_operations(waiting: deque[Operation]) -> list[Operation]:
    """As many as one call takes."""
    taken: list[Operation] = []
    cells: set[int] = set()
    while waiting and len(taken) < BATCH_LIMIT and len(cells) < DIFFERENT_LIMIT:
        operation = waiting.popleft()
        taken.append(operation)
        if isinstance(operation, OF_SETTLEMENTS):
            cells.add(id(operation.settlement.cell))
        elif isinstance(operation, Release):
            cells.add(id(operation.held.hold.cell))
    return taken
