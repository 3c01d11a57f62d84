"""Whether a replica takes one more request, from its limits, what it last said of itself and what we have sent it.

`inflight` is what we have sent it and has not ended; `most` how many of these there may be.
"""

from __future__ import annotations

from router.core.backend_kinds import Capacity
from router.core.resilience.replica_load import ReplicaLoad


def waiting(load: ReplicaLoad, inflight: int) -> int:
    """Requests in its own queue: as scraped and, while there are any, corrected by ours that came or went."""
    if not load.waiting:
        return 0
    return max(0, load.waiting + inflight - load.inflight)


def full(capacity: Capacity, most: int, load: ReplicaLoad, inflight: int) -> str:
    """Why it takes no more, for people; empty while it does."""
    queued = waiting(load, inflight)
    if queued >= max(1, capacity.max_waiting):
        return f"{queued} waiting"
    if load.kv_cache >= capacity.max_kv_cache:
        return f"KV cache {load.kv_cache:.0%} used"
    if inflight >= most:
        return f"{inflight} running"
    return ""


def headroom(capacity: Capacity, most: int, load: ReplicaLoad, inflight: int) -> int:
    """How many more requests it would take now, as far as is known."""
    if full(capacity, most, load, inflight):
        return 0
    if capacity.max_running is not None:
        return capacity.max_running - inflight
    return max(1, capacity.max_waiting - waiting(load, inflight))


def burden(load: ReplicaLoad, inflight: int) -> tuple[int, float]:
    """Least loaded first: our requests and its queue, then its KV cache."""
    return inflight + load.waiting, load.kv_cache
