from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.stepped import NEW, NONE, ONE, TERMS, TWO, Backend

from router.core.power.control import FIRST_REST, HEARD_BY_ALL, PhaseChange, Start, Stop
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order


def test_it_starts_and_stops_by_cost_with_one_command_each() -> None:
    backend = Backend()

    assert backend.after(savings=NONE) is Phase.OFF
    assert backend.after(5, savings=ONE) is Phase.STARTING
    backend.units = 1
    assert backend.after(5, savings=ONE, done=True) is Phase.STARTING
    backend.ready = 1
    assert backend.after(295, savings=ONE) is Phase.ON
    assert backend.state.start_seconds == 300
    assert backend.after(1800, savings=NONE) is Phase.DRAINING
    assert backend.after(HEARD_BY_ALL, savings=NONE) is Phase.STOPPING
    backend.units = backend.ready = 0
    assert backend.after(5, savings=NONE) is Phase.OFF
    assert backend.commands == [Start(1), Stop(0)]


def test_every_change_is_told_with_its_reason_and_terms() -> None:
    backend = Backend().on()

    assert backend.changes == [
        PhaseChange(
            at=1e9,
            before=Phase.OFF,
            after=Phase.STARTING,
            units=1,
            reason="saves",
            explanation="Unit 1 would save $1.20 an hour, by the last hour's mean, and its rent is $1.00.",
        ),
        PhaseChange(
            at=1e9 + 300,
            before=Phase.STARTING,
            after=Phase.ON,
            units=1,
            reason="saves",
            explanation="Unit 1 would save $1.20 an hour, by the last hour's mean, and its rent is $1.00.",
        ),
    ]


def test_many_waiting_requests_wake_one_unit() -> None:
    backend = Backend()

    backend.after(waiting=40)
    backend.after(5, waiting=60)
    backend.units = backend.ready = 1
    assert backend.after(100, waiting=60) is Phase.ON
    assert backend.commands == [Start(1)]


def test_more_units_are_started_while_the_first_one_serves() -> None:
    backend = Backend().on()

    assert backend.after(400, savings=TWO) is Phase.STARTING
    assert backend.state.serves
    assert backend.commands[-1] == Start(2)
    backend.units = 2
    assert backend.after(10, savings=TWO) is Phase.STARTING
    backend.ready = 2
    assert backend.after(10, savings=TWO) is Phase.ON


def test_a_unit_that_goes_while_others_stay_needs_no_draining() -> None:
    backend = Backend().on(2)

    assert backend.after(1800, savings=ONE, running=5) is Phase.STOPPING
    assert backend.commands[-1] == Stop(1)
    assert backend.state.serves
    backend.units = backend.ready = 1
    assert backend.after(5, savings=ONE) is Phase.ON
    assert backend.state.target == 1


def test_running_requests_are_waited_for_up_to_drain() -> None:
    backend = Backend().on()

    assert backend.after(1800, savings=NONE, running=2) is Phase.DRAINING
    assert not backend.state.serves
    assert backend.after(119, savings=NONE, running=1) is Phase.DRAINING
    assert backend.after(1, savings=NONE, running=1) is Phase.STOPPING
    assert backend.commands[-1] == Stop(0)


def test_a_wake_during_draining_goes_back_to_on_without_a_stop() -> None:
    backend = Backend().on()

    backend.after(1800, savings=NONE, running=1)
    assert backend.after(10, savings=NONE, running=1, waiting=1) is Phase.ON
    assert backend.commands == [Start(1)]


def test_an_order_that_is_taken_back_while_it_drains_leaves_it_on() -> None:
    backend = Backend().on()

    assert backend.after(60, savings=NONE, running=1, order=Order.OFF) is Phase.DRAINING
    assert backend.after(10, savings=NONE, running=1, order=Order.AUTO) is Phase.ON
    assert backend.state.reason == "min-on"


def test_a_ledger_lost_while_it_drains_stops_nothing() -> None:
    backend = Backend().on()

    backend.after(1800, savings=NONE, running=1)
    assert backend.after(200, savings=NONE, ledger_ok=False) is Phase.ON
    assert backend.commands == [Start(1)]


def test_a_start_that_fails_backs_off_twice_as_long_each_time() -> None:
    backend = Backend()
    for failures, rest in enumerate((FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST), 1):
        backend.after(0, waiting=1)
        assert backend.after(1, waiting=1, error="the driver said 403") is Phase.FAILED
        assert (backend.state.failures, backend.state.rest) == (failures, rest)
        assert backend.after(rest - 1, waiting=1) is Phase.FAILED
        assert len(backend.commands) == failures
        backend.now += 1
    assert backend.changes[-1].explanation == "The driver said 403."
    assert backend.changes[-1].reason == "failed"


def test_a_start_that_times_out_is_failed_and_what_there_is_of_it_is_stopped_until_it_is_gone() -> None:
    backend = Backend()
    backend.after(waiting=1)
    backend.units = 1

    assert backend.after(900, waiting=1) is Phase.STARTING
    assert backend.after(1, waiting=1) is Phase.FAILED
    assert backend.commands == [Start(1), Stop(0)]
    assert "did not answer within 15 min" in backend.state.error
    assert backend.after(29, waiting=1) is Phase.FAILED
    assert backend.after(1, waiting=1) is Phase.FAILED
    assert backend.commands[2:] == [Stop(0)]
    assert backend.after(31, waiting=1) is Phase.FAILED, "rested, but not gone"
    backend.units = 0
    assert backend.after(1, waiting=1) is Phase.STARTING


def test_a_unit_that_dies_while_it_starts_is_failed_at_once() -> None:
    backend = Backend()
    backend.after(waiting=1)
    backend.units = 1
    backend.after(5, waiting=1, done=True)
    backend.units = 0

    assert backend.after(5, waiting=1, why="it exited with status 1") is Phase.FAILED
    assert backend.state.error == "it exited with status 1"
    assert backend.commands == [Start(1)]


@pytest.mark.parametrize("learned", [0.0, 20.0])
def test_a_start_whose_unit_is_seen_late_has_until_start_timeout_whatever_was_expected(learned: float) -> None:
    backend = Backend(state=replace(NEW, start_seconds=learned))
    backend.after(waiting=1)

    assert backend.after(899, waiting=1, done=True) is Phase.STARTING
    backend.units = backend.ready = 1
    assert backend.after(1, waiting=1) is Phase.ON
    assert backend.commands == [Start(1)]


def test_a_start_that_was_carried_out_and_started_nothing_fails_at_start_timeout() -> None:
    backend = Backend()
    backend.after(waiting=1)

    assert backend.after(900, waiting=1, done=True) is Phase.STARTING
    assert backend.after(1, waiting=1) is Phase.FAILED
    assert backend.state.error == "nothing of it was there 15 min after its start"
    assert backend.commands == [Start(1)]


def test_a_start_that_fails_beside_units_that_serve_leaves_them() -> None:
    backend = Backend().on()
    backend.after(400, savings=TWO)
    backend.units = 2

    assert backend.after(901, savings=TWO) is Phase.FAILED
    assert backend.state.serves
    assert backend.commands[-1] == Stop(1)
    backend.units = 1
    assert backend.after(5, savings=TWO) is Phase.ON
    assert backend.state.reason == "resting"


def test_units_that_die_are_started_again_after_a_rest() -> None:
    backend = Backend().on()
    backend.units = backend.ready = 0

    assert backend.after(5, savings=ONE) is Phase.FAILED
    assert backend.after(FIRST_REST, savings=ONE) is Phase.OFF, "min_off"
    assert backend.after(300, savings=ONE) is Phase.STARTING
    assert backend.state.failures == 1
    backend.units = backend.ready = 1
    backend.after(100, savings=ONE)
    assert backend.after(901, savings=ONE) is Phase.ON
    assert (backend.state.failures, backend.state.error) == (0, "")


def test_a_unit_that_falls_silent_is_replaced_once_it_was_given_time() -> None:
    backend = Backend().on()
    backend.ready = 0

    backend.after(5, savings=ONE)
    assert not backend.state.serves
    assert backend.after(900, savings=ONE) is Phase.ON
    assert backend.after(5, savings=ONE) is Phase.FAILED
    assert backend.commands[-1] == Stop(0)


def test_what_is_found_on_is_taken_over_and_stopped_after_min_on_at_the_earliest() -> None:
    backend = Backend(units=1, ready=1)

    assert backend.after(savings=NONE) is Phase.ON
    assert backend.after(1799, savings=NONE) is Phase.ON
    assert backend.after(1, savings=NONE) is Phase.DRAINING


def test_what_is_found_starting_is_waited_for() -> None:
    backend = Backend(units=1)

    assert backend.after(savings=NONE) is Phase.STARTING
    backend.ready = 1
    assert backend.after(60, savings=NONE) is Phase.ON
    assert backend.commands == []


def test_no_command_is_given_while_the_driver_is_at_work() -> None:
    backend = Backend()

    assert backend.after(waiting=1, acting=True) is Phase.OFF
    assert backend.after(1, waiting=1) is Phase.STARTING
    assert backend.after(31, waiting=1, acting=True) is Phase.STARTING
    assert backend.commands == [Start(1)]


def test_a_start_that_may_never_have_reached_the_driver_is_asked_for_again() -> None:
    backend = Backend()
    backend.after(waiting=1)

    backend.after(29, waiting=1)
    assert backend.commands == [Start(1)]
    backend.after(1, waiting=1)
    assert backend.commands == [Start(1), Start(1)]
    backend.after(30, waiting=1, done=True)
    assert backend.commands == [Start(1), Start(1)]


def test_a_stop_that_fails_is_repeated_after_a_rest() -> None:
    backend = Backend().on()
    backend.after(1800, savings=NONE)
    backend.after(5, savings=NONE)

    assert backend.after(1, savings=NONE, error="the driver said 409") is Phase.STOPPING
    assert backend.after(FIRST_REST - 1, savings=NONE) is Phase.STOPPING
    assert backend.commands[1:] == [Stop(0)]
    backend.after(1, savings=NONE)
    assert backend.commands[1:] == [Stop(0), Stop(0)]


def test_a_unit_that_does_not_go_is_told_once_more() -> None:
    backend = Backend().on()
    backend.after(1800, savings=NONE)
    backend.after(5, savings=NONE)
    backend.after(5, savings=NONE, done=True)

    backend.after(901, savings=NONE)
    assert "still there" in backend.state.error
    backend.after(60, savings=NONE)
    assert backend.commands[1:] == [Stop(0), Stop(0)]


def test_an_order_off_ends_a_start() -> None:
    backend = Backend()
    backend.after(waiting=1)

    assert backend.after(5, waiting=1, order=Order.OFF) is Phase.STOPPING
    assert backend.commands == [Start(1), Stop(0)]
    assert backend.after(1) is Phase.OFF
    assert backend.after(1, waiting=9) is Phase.OFF


def test_a_new_order_is_tried_at_once_whatever_failed() -> None:
    backend = Backend()
    backend.after(waiting=1)
    backend.after(1, error="no quota")

    assert backend.after(1, order=Order.ON) is Phase.STARTING


def test_what_waits_while_units_stop_is_started_once_they_are_gone() -> None:
    backend = Backend().on()
    backend.after(1800, savings=NONE)
    backend.after(5, savings=NONE)

    assert backend.after(1, waiting=1, done=True) is Phase.STOPPING
    backend.units = backend.ready = 0
    assert backend.after(1, waiting=1) is Phase.STARTING
    assert backend.commands == [Start(1), Stop(0), Start(1)]


def test_an_error_of_what_is_settled_changes_nothing() -> None:
    backend = Backend().on()

    assert backend.after(1, savings=ONE, error="too late") is Phase.ON
    assert backend.state.failures == 0


def test_while_the_driver_cannot_tell_units_serve_and_nothing_is_done() -> None:
    backend = Backend().on()
    backend.units = None

    assert backend.after(1800, savings=NONE, why="HTTP 403") is Phase.UNKNOWN
    assert backend.changes[-1].explanation == "The driver cannot tell: HTTP 403."
    assert backend.state.serves
    backend.units = 1
    assert backend.after(5, savings=ONE) is Phase.ON
    assert backend.commands == [Start(1)]


@pytest.mark.parametrize(("units", "ready"), [(0, 0), (1, 0)])
def test_a_start_goes_on_where_the_driver_could_not_tell(units: int, ready: int) -> None:
    backend = Backend(terms=replace(TERMS, repeat_after=1e9))
    backend.after(waiting=1)
    backend.units = None
    assert backend.after(800, waiting=1) is Phase.UNKNOWN
    backend.units, backend.ready = units, ready

    assert backend.after(100, waiting=1) is Phase.STARTING
    assert backend.after(1, waiting=1) is Phase.FAILED, "900 s are over"


@pytest.mark.parametrize(("error", "seen"), [("", (Phase.STARTING, 1)), ("no answer", (Phase.OFF, 0))])
def test_what_was_asked_for_costs_while_the_driver_cannot_tell(error: str, seen: tuple[Phase, int]) -> None:
    backend = Backend()
    backend.after(waiting=1)
    backend.units = None
    assert backend.after(5, waiting=1, error=error) is Phase.UNKNOWN
    backend.after(5, waiting=1)
    assert (backend.state.units, backend.state.costing) == (0, 1)
    backend.units = 0
    backend.after(5, waiting=1)
    assert (backend.state.phase, backend.state.costing) == seen


def test_a_start_that_ended_unseen_is_learned() -> None:
    backend = Backend()
    backend.after(waiting=1)
    backend.units = None
    backend.after(100, waiting=1)
    backend.units = backend.ready = 1

    assert backend.after(100, waiting=1) is Phase.ON
    assert backend.state.start_seconds == 200
    backend.units = backend.ready = 0
    backend.after(1, savings=NONE)
    backend.after(60, waiting=1)
    backend.units = backend.ready = 1
    backend.after(100, waiting=1)
    assert backend.state.start_seconds == pytest.approx(0.7 * 200 + 0.3 * 100)


def test_a_stop_goes_on_where_the_driver_could_not_tell() -> None:
    backend = Backend().on()
    backend.after(1800, savings=NONE)
    backend.after(5, savings=NONE)
    backend.units = None
    backend.after(5, savings=ONE)
    backend.units = 1

    assert backend.after(5, savings=ONE) is Phase.STOPPING
    assert backend.commands == [Start(1), Stop(0)]


def test_what_the_driver_could_not_tell_may_have_become_anything() -> None:
    backend = Backend(units=None)
    assert backend.after() is Phase.UNKNOWN
    backend.units = 2
    assert backend.after(5) is Phase.STARTING
    assert backend.state.target == 2
    backend.units = None
    backend.after(5)
    backend.units = backend.ready = 1
    assert backend.after(5) is Phase.STARTING, "two were there"


def test_never_stops_what_it_finds() -> None:
    backend = Backend(terms=replace(TERMS, mode=Mode.NEVER), units=1, ready=1)

    assert backend.after(waiting=1) is Phase.DRAINING
    assert backend.after(5, waiting=1) is Phase.STOPPING


def test_a_leftover_that_the_driver_lost_sight_of_is_waited_for_as_a_start() -> None:
    backend = Backend()
    backend.after(waiting=1)
    backend.units = 1
    backend.after(901, savings=NONE)
    backend.units = None
    backend.after(1, savings=NONE)
    backend.units = 1

    assert backend.after(1, savings=NONE) is Phase.STARTING
    assert backend.state.target == 1


def test_no_more_time_is_believed_than_one_step_may_take() -> None:
    backend = Backend(terms=replace(TERMS, longest_step=60.0))
    backend.on()

    assert backend.after(3600, savings=NONE) is Phase.ON
    assert backend.state.held == 60
    assert backend.after(-7200, savings=NONE) is Phase.ON
    assert backend.state.held == 60
