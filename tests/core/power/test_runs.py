from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from support.stepped import NEW, NONE, ONE, TWO, Backend

from router.core.power.control import FIRST_REST, HEARD_BY_ALL
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.core.power.units import MOST_RUNS, Run


def test_every_run_is_kept_with_its_beginning_its_end_and_its_units() -> None:
    backend = Backend()
    backend.after(savings=TWO)
    began = backend.now
    assert backend.state.runs == (Run(began, 0.0, 2),)
    backend.after(12, error="no card is free", savings=TWO)
    first = Run(began, began + 12, 2)
    assert backend.state.runs == (first,)
    assert backend.after(FIRST_REST, savings=NONE) is Phase.OFF
    assert backend.state.runs == (first,)
    backend.after(3600, savings=ONE)
    second = Run(backend.now)
    assert backend.state.runs == (first, second)
    backend.after(1, error="no card is free")
    assert backend.state.runs == (first, replace(second, ended=backend.now))


def test_no_more_runs_are_kept_than_can_have_been_since_rent_was_accounted_for() -> None:
    backend = Backend()
    for _ in range(MOST_RUNS + 3):
        backend.after(1, order=Order.ON)
        backend.after(1, error="no card is free")
        backend.after(1, order=Order.OFF)
    assert len(backend.state.runs) == MOST_RUNS
    assert backend.state.runs[-1].ended == backend.now - 1


def told(backend: Backend, seconds: float, **seen: Any) -> Phase:
    """A step whose driver tells of times: `began`, `ended` and `at` are seconds before now."""
    now = backend.now + seconds
    times = {name: now - seen.pop(name) for name in ("began", "ended", "at") if name in seen}
    return backend.after(seconds, **({"began": 0.0} | times | seen))


def test_a_run_is_as_long_as_the_driver_tells_and_known_as_far_as_it_has_looked() -> None:
    backend = Backend()
    told(backend, 10, at=1.0, order=Order.ON)
    asked = backend.now
    assert backend.state.runs == (Run(asked),) and backend.state.looked_at == asked - 1
    told(backend, 1, at=2.0, acting=True)
    assert backend.state.looked_at == asked - 1, "it began later than it was asked for"
    backend.units = 1
    told(backend, 4, at=0.5, began=3.0, done=True)
    began = asked + 2
    assert backend.state.runs == (Run(began),) and backend.state.started_at == began
    assert backend.state.looked_at == asked + 4.5
    backend.ready = 1
    told(backend, 100, at=1.0, began=103.0)
    assert backend.state.runs == (Run(began),), "what is accounted for stays"
    told(backend, 5, at=1.0, began=107.0, order=Order.OFF)
    told(backend, HEARD_BY_ALL, at=1.0, began=112.0)
    assert backend.state.phase is Phase.STOPPING
    backend.units = backend.ready = 0
    assert told(backend, 5, at=4.0, began=117.0, ended=3.0, done=True) is Phase.OFF
    assert backend.state.runs == (Run(began, backend.now - 3),) and backend.state.looked_at == backend.now - 3


def test_a_run_that_came_and_went_before_anybody_looked_is_as_long_as_it_was() -> None:
    backend = Backend()
    told(backend, 10, at=1.0, waiting=1)
    assert told(backend, 10, at=1.0, began=8.0, ended=5.0, why="its process has ended", done=True) is Phase.FAILED
    assert backend.state.error == "its process has ended"
    assert backend.state.runs == (Run(backend.now - 8, backend.now - 5),)


def test_of_a_start_that_began_nothing_no_run_is_kept() -> None:
    backend = Backend()
    told(backend, 10, at=1.0, waiting=1, began=5.0, ended=3.0)
    assert told(backend, 10, at=1.0, began=15.0, ended=13.0, error="no such program") is Phase.FAILED
    assert backend.state.runs == ()


def test_a_start_that_was_assumed_for_a_while_is_kept_as_far_as_it_was() -> None:
    backend = Backend()
    told(backend, 10, at=1.0, waiting=1)
    asked, backend.units = backend.now, None
    backend.after(100, waiting=1)
    assert (backend.state.phase, backend.state.looked_at) == (Phase.UNKNOWN, asked + 100)
    backend.units = 0
    told(backend, 1, at=0.5, error="no such program", order=Order.OFF)
    told(backend, 1, at=0.5)
    assert backend.state.runs == (Run(asked, asked + 101),)


def test_what_is_started_again_at_once_is_another_run() -> None:
    backend = Backend().on()
    backend.after(1800, savings=NONE)
    backend.after(5, savings=NONE)
    backend.units = backend.ready = 0
    assert backend.after(1, waiting=1, done=True) is Phase.STARTING
    assert [run.ended for run in backend.state.runs] == [backend.now, 0.0]
    assert backend.state.runs[-1].begun == backend.now


def test_what_is_found_on_began_when_its_driver_says() -> None:
    backend = Backend(units=1, ready=1)
    assert told(backend, 0, at=0.5, began=5000.0) is Phase.ON
    assert backend.state.runs == (Run(backend.now - 5000),)


def test_a_clock_that_went_back_puts_no_run_into_the_future() -> None:
    backend = Backend(state=replace(NEW, looked_at=2e9))
    told(backend, 0, at=0.5, waiting=1)
    assert backend.state.runs == (Run(backend.now),) and backend.state.looked_at == backend.now
