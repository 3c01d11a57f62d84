from __future__ import annotations

import pytest

from router.upstream.replica_load import Load


def test_a_replica_that_said_nothing_yet_is_idle():
    assert Load() == Load(running=0, waiting=0, kv_cache=0.0, inflight=0)


def test_what_was_said_does_not_change():
    with pytest.raises(AttributeError):
        Load().waiting = 1  # type: ignore[misc]
