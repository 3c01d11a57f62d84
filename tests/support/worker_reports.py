"""What a worker says of backends, in the ledger's server."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
from support.engines import Server

from router.core.resilience.worker_status import BackendStatus, ReplicaStatus, WorkerStatus
from router.ledger.redis_keys import SHARED_KEY


def report(server: Server, running: Mapping[str, int]) -> None:
    """`running`: requests at each backend. Holds for as long as a worker is believed that says no more."""
    backends = tuple(
        BackendStatus(name, "local", replicas=(ReplicaStatus(name, inflight=count),)) for name, count in running.items()
    )
    status = WorkerStatus("w", "h", 1, 0.0, time.time(), "v", backends=backends)
    server.client.hset(SHARED_KEY, "worker|w", msgspec.msgpack.encode(status))
