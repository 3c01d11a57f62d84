from __future__ import annotations

import pytest

from router.core.resilience.timeouts import (
    ENOUGH,
    FACTOR,
    OFTEN,
    OVER,
    Needed,
    look_before,
    look_inside,
    turn,
    turn_of_living,
)


@pytest.mark.parametrize(
    ("needed", "expected"),
    [(0.0, 120.0), (2.0, 120.0), (10.0, 100.0 + FACTOR * 10), (1000.0, 400.0)],
    ids=["nothing known", "less than the limit", "more than the limit", "half of the time is the next one's"],
)
def test_the_turn_of_the_next_is_by_the_limit_or_by_what_answers_have_needed(needed: float, expected: float) -> None:
    assert turn(100.0, 700.0, 20.0, needed) == expected


@pytest.mark.parametrize(
    ("sign", "expected"),
    [(-1.0, 120.0), (100.0, 120.0), (150.0, 170.0), (690.0, 700.0)],
    ids=["none since", "as it was asked", "later", "not for ever"],
)
def test_a_living_backend_gets_more_time(sign: float, expected: float) -> None:
    assert turn_of_living(120.0, 100.0, 20.0, 600.0, sign) == expected


@pytest.mark.parametrize(
    ("now", "others", "expected"),
    [
        (110.0, True, 120.0),
        (120.0, True, OVER),
        (120.0, False, 120.0 + OFTEN),
        (699.5, False, 700.0),
        (700.0, False, OVER),
        (700.0, True, OVER),
    ],
)
def test_the_last_backend_has_all_that_is_left_of_the_deadline(now: float, others: bool, expected: float) -> None:
    assert look_before(now, 700.0, 120.0, others) == expected


def test_a_deadline_before_the_turn_is_looked_at_first() -> None:
    assert look_before(100.0, 105.0, 120.0, True) == 105.0


@pytest.mark.parametrize(
    ("now", "progress", "expected"),
    [
        (100.0, 100.0, 100.0 + OFTEN),
        (129.5, 100.0, 130.0),
        (130.0, 100.0, OVER),
        (130.0, 129.0, 130.0 + OFTEN),
        (199.8, 199.0, 200.0),
        (200.0, 199.0, OVER),
    ],
)
def test_a_stream_ends_when_events_stop_and_at_last_in_any_case(now: float, progress: float, expected: float) -> None:
    assert look_inside(now, 100.0, progress, 30.0, 100.0) == expected


def test_what_answers_needed_counts_once_there_are_enough() -> None:
    needed = Needed()
    for _ in range(ENOUGH - 1):
        needed.add(3.0)
    assert needed.seconds == 0.0
    needed.add(3.0)
    assert 3.0 <= needed.seconds <= 3.4
    for _ in range(ENOUGH):
        needed.add(60.0)
    assert 60.0 <= needed.seconds <= 68.0


def test_of_many_answers_some_count_for_all() -> None:
    needed = Needed()
    for _ in range(300):
        needed.add(3.0)
    for _ in range(200):
        needed.add(60.0)
    assert 60.0 <= needed.seconds <= 68.0
