from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.resilience.worker_status import (
    Opening,
    PowerState,
    WorkerStatus,
    count_versions,
    is_silent,
    is_stale,
    rest_left,
)

WORKER = WorkerStatus("w1", "node-a", 7, started=0.0, at=100.0, policy="aaa")
FAILED = Opening("w1", at=100.0, until=115.0, failures=5, why="connection refused")
ASKED = Opening("w1", at=100.0, until=115.0, why="HTTP 429")


def test_a_worker_is_silent_first_and_gone_when_it_has_said_nothing_for_long() -> None:
    assert not is_silent(WORKER, 105.0)
    assert is_silent(WORKER, 105.1)
    assert not is_stale(WORKER, 130.0)
    assert is_stale(WORKER, 130.1)


def test_versions_are_counted_over_all_workers() -> None:
    assert list(count_versions(["bbb", "aaa", "aaa"]).items()) == [("aaa", 2), ("bbb", 1)]


@pytest.mark.parametrize(
    ("opening", "now", "succeeded", "rest"),
    [
        (FAILED, 105.0, 99.0, 10.0),
        (FAILED, 105.0, 101.0, 0.0),
        (FAILED, 116.0, 0.0, 0.0),
        (ASKED, 105.0, 101.0, 10.0),
    ],
    ids=["as long as elsewhere", "own success since", "over", "asked: own success changes nothing"],
)
def test_how_long_a_replica_rests_for_what_others_saw(
    opening: Opening, now: float, succeeded: float, rest: float
) -> None:
    assert rest_left(opening, now, succeeded) == rest


def test_a_power_state_says_the_same_whenever_it_was_written():
    said = PowerState(at=1.0, phase="starting", serves=False, coming=True, ready_at=60.0)
    assert said.says_as(replace(said, at=3.0, ready_at=61.0))
    assert not said.says_as(replace(said, phase="on"))
    assert not said.says_as(None)
