from __future__ import annotations

import re
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.policy import Health
from router.core.resilience import circuit_breaker as module
from router.core.resilience.circuit_breaker import (
    CLOSED,
    TABLE,
    TRIAL_LEASE,
    Breaker,
    Event,
    State,
    allows,
    describe,
    step,
)

HEALTH = Health.model_validate({"failures_to_open": 3, "cooldown": "10s", "successes_to_close": 2})
OPEN = Breaker(State.OPEN, failures=3, until=10.0, why="connection refused")
HALF_OPEN = Breaker(State.HALF_OPEN, failures=3, until=10.0, why="connection refused")


def after(*events: Event, start: Breaker = CLOSED, now: float = 0.0) -> Breaker:
    return reduce(lambda breaker, event: step(breaker, event, now, HEALTH, rest=7, why="HTTP 500"), events, start)


def test_the_documented_table_is_the_table() -> None:
    rows = re.findall(r"^    (closed|open|half_open) +(\w+) +(\w+)$", module.__doc__ or "", re.MULTILINE)

    assert [(state, event) for state, event, _ in rows] == [(s, e) for s in State for e in Event]
    assert {(s, e): to for s, e, to in rows} == {(s, e): to for s, row in TABLE.items() for e, to in row.items()}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_step_goes_where_the_table_says(state: State, event: Event) -> None:
    assert (
        step(Breaker(state), event, 1.0, Health(failures_to_open=9, successes_to_close=9)).state == TABLE[state][event]
    )


def test_success_in_good_health_keeps_the_object() -> None:
    assert step(CLOSED, Event.SUCCESS, 1.0, HEALTH) is CLOSED


@pytest.mark.parametrize("event", [Event.SUCCESS, Event.FAILURE, Event.TRIAL_STARTED, Event.TRIAL_ABANDONED])
def test_nothing_changes_an_open_circuit_before_its_time(event: Event) -> None:
    assert step(OPEN, event, 9.9, HEALTH) is OPEN


@pytest.mark.parametrize("event", [Event.TRIAL_STARTED, Event.TRIAL_ABANDONED])
def test_nothing_but_answers_and_rests_changes_a_closed_circuit(event: Event) -> None:
    breaker = Breaker(failures=2)

    assert step(breaker, event, 1.0, HEALTH) is breaker


def test_it_opens_after_consecutive_failures_for_the_cooldown() -> None:
    assert after(Event.FAILURE, Event.FAILURE) == Breaker(failures=2, why="HTTP 500")

    opened = after(Event.FAILURE, Event.FAILURE, Event.FAILURE, now=5.0)

    assert opened == Breaker(State.OPEN, failures=3, until=15.0, why="HTTP 500")
    assert not allows(opened, 14.9)
    assert allows(opened, 15.0)


def test_a_success_between_failures_starts_the_count_again() -> None:
    assert after(Event.FAILURE, Event.FAILURE, Event.SUCCESS) == CLOSED
    assert after(Event.FAILURE, Event.FAILURE, Event.SUCCESS, Event.FAILURE, Event.FAILURE).state is State.CLOSED


@pytest.mark.parametrize("start", [CLOSED, HALF_OPEN])
def test_a_rest_opens_it_for_exactly_that_long(start: Breaker) -> None:
    rested = step(start, Event.REST, 100.0, HEALTH, rest=2.5, why="HTTP 429")

    assert rested == Breaker(State.OPEN, until=102.5, why="HTTP 429")
    assert not allows(rested, 102.4)
    assert allows(rested, 102.5)


def test_a_rest_prolongs_an_open_circuit_and_never_shortens_it() -> None:
    assert step(OPEN, Event.REST, 0.0, HEALTH, rest=60).until == 60.0
    assert step(OPEN, Event.REST, 0.0, HEALTH, rest=1) is OPEN


def test_what_opened_elsewhere_rests_here_until_the_same_moment() -> None:
    heard = step(CLOSED, Event.HEARD, 2.0, HEALTH, rest=8, why="connection refused")

    assert heard == OPEN
    assert step(heard, Event.TRIAL_STARTED, 10.0, HEALTH).state is State.HALF_OPEN


@pytest.mark.parametrize("breaker", [OPEN, HALF_OPEN])
def test_what_is_not_closed_is_judged_by_own_trials_whatever_is_heard(breaker: Breaker) -> None:
    assert step(breaker, Event.HEARD, 2.0, HEALTH, rest=600, why="HTTP 500") is breaker


def test_one_trial_at_a_time_until_enough_have_succeeded() -> None:
    trial = step(OPEN, Event.TRIAL_STARTED, 10.0, HEALTH)
    assert trial.state is State.HALF_OPEN
    assert not allows(trial, 10.0)
    assert step(trial, Event.TRIAL_STARTED, 11.0, HEALTH) is trial

    first = step(trial, Event.SUCCESS, 12.0, HEALTH)
    assert (first.state, first.successes) == (State.HALF_OPEN, 1)
    assert allows(first, 12.0)

    second = step(first, Event.TRIAL_STARTED, 12.0, HEALTH)
    assert not allows(second, 12.1)
    assert step(second, Event.SUCCESS, 13.0, HEALTH) == CLOSED


def test_a_failed_trial_opens_it_again() -> None:
    trial = step(OPEN, Event.TRIAL_STARTED, 10.0, HEALTH)

    assert step(trial, Event.FAILURE, 12.0, HEALTH, why="no answer in time") == Breaker(
        State.OPEN, failures=4, until=22.0, why="no answer in time"
    )


def test_an_abandoned_trial_makes_room_for_the_next_at_once() -> None:
    trial = step(OPEN, Event.TRIAL_STARTED, 10.0, HEALTH)

    assert allows(step(trial, Event.TRIAL_ABANDONED, 11.0, HEALTH), 11.0)


def test_a_trial_that_is_never_heard_of_again_is_given_up_after_its_lease() -> None:
    trial = step(OPEN, Event.TRIAL_STARTED, 10.0, HEALTH)

    assert step(trial, Event.TRIAL_STARTED, 10.0 + TRIAL_LEASE - 1, HEALTH) is trial
    assert allows(trial, 10.0 + TRIAL_LEASE)


@pytest.mark.parametrize(
    ("breaker", "now", "text"),
    [
        (CLOSED, 0.0, ""),
        (OPEN, -1.5, "circuit open for 12 s after 3 failures (connection refused)"),
        (OPEN, 10.0, "circuit open after 3 failures (connection refused); the next request is a trial"),
        (HALF_OPEN, 1.0, "circuit open after 3 failures (connection refused); a trial request is under way"),
        (Breaker(State.OPEN, until=4.0, why="HTTP 429"), 0.0, "circuit open for 4 s as asked (HTTP 429)"),
    ],
)
def test_it_says_what_it_is_about(breaker: Breaker, now: float, text: str) -> None:
    assert describe(breaker, now) == text


@given(st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 200), st.floats(0, 3600)), max_size=40))
def test_it_always_lets_a_request_through_in_the_end(events: list[tuple[Event, float, float]]) -> None:
    now, breaker = 0.0, CLOSED
    for event, pause, rest in events:
        now += pause
        breaker = step(breaker, event, now, HEALTH, rest=rest)

    assert allows(breaker, now + max(3600.0, TRIAL_LEASE))
