from __future__ import annotations

import sys

import pytest

from router.core.backend_kinds import Capacity
from router.core.resilience import room
from router.core.resilience.replica_load import ReplicaLoad

NO_LIMIT = sys.maxsize


def test_its_own_queue_is_as_scraped_and_corrected_by_ours():
    assert room.waiting(ReplicaLoad(waiting=3, inflight=10), 12) == 5
    assert room.waiting(ReplicaLoad(waiting=3, inflight=10), 2) == 0
    assert room.waiting(ReplicaLoad(waiting=0, inflight=10), 12) == 0, "nothing waited there"


@pytest.mark.parametrize(
    ("limits", "load", "inflight", "why"),
    [
        (Capacity(), ReplicaLoad(), 7, ""),
        (Capacity(max_waiting=2), ReplicaLoad(waiting=2, inflight=5), 5, "2 waiting"),
        (Capacity(max_waiting=0), ReplicaLoad(waiting=1, inflight=5), 5, "1 waiting"),
        (Capacity(max_kv_cache=0.9), ReplicaLoad(kv_cache=0.95), 1, "KV cache 95% used"),
        (Capacity(max_running=4), ReplicaLoad(), 4, "4 running"),
    ],
)
def test_a_replica_is_full_by_the_first_limit_that_it_meets(limits, load, inflight, why):
    most = limits.max_running or NO_LIMIT
    assert room.full(limits, most, load, inflight) == why
    assert (room.headroom(limits, most, load, inflight) == 0) == bool(why)


def test_headroom_is_what_its_limits_leave():
    assert room.headroom(Capacity(max_running=4), 4, ReplicaLoad(), 1) == 3
    assert room.headroom(Capacity(max_waiting=8), NO_LIMIT, ReplicaLoad(waiting=3, inflight=9), 9) == 5
    assert room.headroom(Capacity(max_waiting=0), NO_LIMIT, ReplicaLoad(), 0) == 1


def test_the_least_burdened_has_fewest_requests_and_then_the_emptiest_cache():
    loads = [(ReplicaLoad(waiting=2), 3), (ReplicaLoad(kv_cache=0.5), 4), (ReplicaLoad(kv_cache=0.2), 4)]
    assert min(loads, key=lambda each: room.burden(*each)) == loads[2]
