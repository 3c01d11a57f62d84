from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.simulating import POWER, plan

from router.core.resilience.worker_status import PowerState
from router.simulate.backends import SimulatedBackend
from router.simulate.server_model import Work
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

OFF = PowerState(at=0.0, phase="off", serves=False, why="It is off: it is not wanted.", ready_at=300.0)
ONE_AT_A_TIME = Shape(speed=10.0, first_byte=0.0, slots=1)
ON = replace(OFF, phase="on", serves=True)


class Made:
    def __init__(self, shape: Shape = ONE_AT_A_TIME, **changes: str) -> None:
        policy = plan(**changes).policy
        self.time, self.changes = VirtualTime(), 0
        self.backend = SimulatedBackend(
            "gpu", policy.backends["gpu"], policy.health, shape, self.time, lambda work: None, self._changed
        )

    def _changed(self) -> None:
        self.changes += 1

    def take(self, output: int = 1000) -> None:
        replica = self.backend.pick()
        assert replica is not None
        self.backend.take(replica, Work("", 0, output, output))


def test_it_is_full_by_what_runs():
    made = Made(**{"max_running: 8": "max_running: 2"})
    made.take()
    assert not made.backend.state().full and made.backend.headroom() == 1
    made.take()
    assert made.backend.state().load == "2 running" and made.backend.pick() is None and made.changes == 1
    made.backend.left(made.backend.replicas[0])
    assert not made.backend.state().full and made.changes == 2


def test_its_queue_is_as_of_the_last_probe():
    made = Made(**{", max_running: 8": ", max_waiting: 2"})
    for _ in range(4):
        made.take()
    assert not made.backend.state().full, "nobody has asked it yet"
    made.time.until(2.5)
    made.backend.probe(2.5)
    assert made.backend.state().load == "3 waiting" and made.changes == 1
    made.backend.probe(2.6)
    made.backend.probe(5.0)
    assert made.changes == 1, "nothing is new"


def test_its_cache_fills():
    made = Made(Shape(speed=10.0, first_byte=0.0, kv=1000), **{", max_running: 8": ""})
    made.take(990)
    made.backend.probe(2.5)
    assert made.backend.state().load == "KV cache 99% used"


@pytest.mark.parametrize("power", [None, OFF])
def test_one_that_is_off_takes_nothing(power: PowerState | None):
    made = Made(power=POWER)
    if power is not None:
        made.backend.told(power, 0)
    state = made.backend.state()

    assert state.off and (state.retry_after, made.backend.headroom()) == (300.0, 0)


def test_what_its_controller_tells_changes_it():
    made = Made(power=POWER)
    made.backend.told(OFF, 0)
    assert made.changes == 1
    made.backend.told(replace(OFF, at=60.0), 0)
    assert made.changes == 1, "the same as before"
    made.backend.told(ON, 2)
    assert (made.changes, made.backend.state().off, made.backend.replicas[0].server.slots) == (2, "", 2)
    made.take()
    assert made.backend.inflight == 1 and len(made.backend.stop()) == 1 and made.backend.inflight == 0


def test_one_that_nobody_switches_is_there_at_once():
    assert Made().backend.starts_in() == 0.0 and Made(power=POWER).backend.starts_in() == 300.0
