from __future__ import annotations

import pytest

from router.core.resilience.replica_load import ReplicaLoad


def test_a_replica_that_said_nothing_yet_is_idle():
    assert ReplicaLoad() == ReplicaLoad(running=0, waiting=0, kv_cache=0.0, inflight=0)


def test_what_was_said_does_not_change():
    with pytest.raises(AttributeError):
        ReplicaLoad().waiting = 1  # type: ignore[misc]
