"""How long a start took is seen by the requests around it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from router.core.values import BackendState
from router.simulate.requests import RecordedRequest
from router.simulate.start_times import Looks

OFF, COMING = BackendState(off="It is off."), BackendState(off="It starts.", coming=True)


def seconds(looks: Iterable[tuple[float, BackendState | None]]) -> object:
    found = Looks()
    requests = [RecordedRequest(at, states={} if state is None else {"gpu": state}) for at, state in looks]
    assert list(found.through(requests)) == requests
    return found.seconds()


def test_a_start_is_between_the_looks_around_its_ends() -> None:
    day = [(0.0, OFF), (98.0, OFF), (102.0, COMING), (150.0, COMING), (338.0, COMING), (342.0, None), (500.0, None)]
    assert seconds(day) == {"gpu": 240.0}
    assert seconds([*day, *[(1000 + at, state) for at, state in day]]) == {"gpu": 240.0}


def test_requests_may_be_a_little_out_of_order() -> None:
    assert seconds([(100.0, OFF), (99.0, OFF), (102.0, COMING), (340.0, None), (338.0, COMING), (341.0, None)]) == {
        "gpu": pytest.approx(238.0, abs=2.0)
    }


@pytest.mark.parametrize(
    "looks",
    [
        [(0.0, COMING), (240.0, None)],
        [(0.0, OFF), (1.0, COMING), (100.0, OFF), (900.0, COMING), (901.0, OFF)],
        [(0.0, OFF), (200.0, COMING), (340.0, COMING), (600.0, None)],
        [(0.0, OFF), (500.0, None)],
        [(0.0, BackendState(full=True)), (1.0, None)],
    ],
    ids=["its beginning was not seen", "it failed", "too few looks", "nobody asked meanwhile", "always on"],
)
def test_what_was_not_seen_from_beginning_to_end_does_not_count(looks: list[tuple[float, BackendState]]) -> None:
    assert seconds(looks) == {}


def test_records_that_do_not_tell_are_no_looks() -> None:
    found = Looks()
    list(found.through([RecordedRequest(1.0)]))
    assert found.seconds() == {}
