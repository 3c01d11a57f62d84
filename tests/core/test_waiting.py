from __future__ import annotations

from collections.abc import Callable

import pytest

from router.core.backend_kinds import Capacity
from router.core.values import BackendState
from router.core.waiting import Place, Queues


def only(**places: int) -> Callable[[str], int]:
    """So much headroom, and none anywhere else."""
    return lambda backend: places.get(backend, 0)


@pytest.fixture
def queues() -> Queues[str]:
    return Queues[str]()


def come(queues: Queues[str], name: str, *backends: str) -> int:
    ticket = queues.ticket()
    queues.join(ticket, backends, name)
    return ticket


def everybody(waiter: str) -> bool:
    return True


def test_the_first_to_come_looks_first(queues):
    for name in "abc":
        come(queues, name, "gpu")

    assert queues.first(only(gpu=2), everybody) == ["a", "b"]
    assert (len(queues), queues.queued("gpu"), queues.queued("other")) == (3, 3, 0)


def test_nobody_waits_behind_one_who_waits_for_another_backend(queues):
    come(queues, "first", "full")
    come(queues, "last", "idle")

    assert queues.first(only(idle=1), everybody) == ["last"]


def test_who_has_given_up_takes_no_place(queues):
    for name in "abc":
        come(queues, name, "gpu")

    assert queues.first(only(gpu=1), lambda waiter: waiter != "a") == ["b"]


def test_who_comes_back_has_its_old_place(queues):
    first = come(queues, "first", "gpu")
    come(queues, "second", "gpu")
    queues.leave(first, ["gpu"])
    queues.join(first, ["gpu"], "first")

    assert queues.first(only(gpu=1), everybody) == ["first"]


def test_what_others_wait_for_is_full_to_those_who_come_now(queues):
    states = {"gpu": BackendState(), "busy": BackendState(full=True, load="8 waiting"), "api": BackendState()}
    assert queues.for_newcomers(states) is states
    ticket = come(queues, "a", "gpu", "busy")
    shown = queues.for_newcomers(states)

    assert (shown["gpu"].load, shown["busy"].load, shown["api"]) == ("1 wait for it", "8 waiting", BackendState())
    assert queues.for_newcomers(states) is shown, "decisions are remembered by it"
    come(queues, "b", "gpu")
    assert queues.for_newcomers(states)["gpu"].load == "2 wait for it"
    assert queues.for_newcomers(dict(states)) is not shown
    queues.leave(ticket, ["gpu", "busy"])
    assert len(queues) == 1 and queues.for_newcomers(states)["gpu"].full


def test_a_place_has_one_turn_and_one_time_to_wait(queues):
    place = Place(queues, 100.0)
    limits = {"gpu": Capacity(queue_timeout="30s"), "big": Capacity(queue_timeout="40s")}

    assert (place.open_to(10.0, limits), place.until, place.ticket) == (["gpu", "big"], 50.0, 0)
    assert (place.open_to(20.0, limits), place.until, place.ticket) == (["gpu", "big"], 50.0, 0)
    assert Place(queues, 15.0).ticket == 1


def test_a_place_is_in_no_queue_that_is_full(queues):
    come(queues, "a", "gpu")

    assert Place(queues, 100.0).open_to(10.0, {"gpu": Capacity(queue=1), "other": Capacity(queue=1)}) == ["other"]
    assert Place(queues, 100.0).open_to(10.0, {"gpu": Capacity(queue=1)}) == []


def test_a_start_may_be_waited_for_longer_and_once(queues):
    place = Place(queues, 1000.0)
    place.allow(10.0, 300.0)
    assert place.until == 310.0
    place.allow(50.0, 300.0)
    assert place.open_to(60.0, {"gpu": Capacity()}) == ["gpu"] and place.until == 310.0
