from __future__ import annotations

import msgspec
import pytest

from router.core.power.states import Phase
from router.core.power.terms import Order, PowerTerms
from router.core.power.units import UnitsState

TERMS = PowerTerms(usd_per_hour=1.0, start_time=300.0)


def test_what_the_ledger_keeps_comes_back() -> None:
    state = UnitsState(phase=Phase.ON, units=1, ready=1, order=Order.ON, reason="order", held=12.5)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=UnitsState) == state
    assert msgspec.json.decode(msgspec.json.encode(state), type=UnitsState) == state


def test_what_an_older_gateway_kept_is_read() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode({"phase": "on", "units": 1}), type=UnitsState).units == 1


@pytest.mark.parametrize(
    ("phase", "ready", "target", "serves"),
    [
        (Phase.ON, 1, 1, True),
        (Phase.ON, 0, 1, False),
        (Phase.STARTING, 0, 1, False),
        (Phase.STARTING, 1, 2, True),
        (Phase.DRAINING, 1, 1, False),
        (Phase.STOPPING, 1, 0, False),
        (Phase.STOPPING, 2, 1, True),
        (Phase.FAILED, 1, 2, True),
        (Phase.UNKNOWN, 1, 1, True),
        (Phase.OFF, 0, 0, False),
    ],
)
def test_requests_go_where_a_unit_answers_that_stays(phase: Phase, ready: int, target: int, serves: bool) -> None:
    assert UnitsState(phase=phase, ready=ready, target=target).serves is serves


def test_whoever_waits_is_told_the_rest_of_the_start() -> None:
    starting = UnitsState(phase=Phase.STARTING, starting=100.0)

    assert UnitsState(phase=Phase.ON, ready=1).seconds_to_serve(TERMS) == 0.0
    assert UnitsState().seconds_to_serve(TERMS) == 300.0
    assert starting.seconds_to_serve(TERMS) == 200.0
    assert msgspec.structs.replace(starting, start_seconds=400.0).seconds_to_serve(TERMS) == 300.0
    assert msgspec.structs.replace(starting, starting=301.0).seconds_to_serve(TERMS) == 1.0
    assert UnitsState(phase=Phase.FAILED, rest=60.0).seconds_to_serve(TERMS) == 360.0


def test_times_for_people() -> None:
    state = UnitsState(at=1000.0, rest=60.0, idle=400.0)

    assert (state.retry_at, state.idle_since) == (1060.0, 600.0)


@pytest.mark.parametrize(
    ("phase", "costing"),
    [(Phase.OFF, 1), (Phase.STARTING, 2), (Phase.STOPPING, 1), (Phase.FAILED, 1), (Phase.UNKNOWN, 3)],
)
def test_what_may_cost_rent_is_what_is_there_what_is_on_its_way_and_what_nobody_could_look_at(phase, costing):
    assert UnitsState(phase=phase, units=1, target=2, possible=3).costing == costing
