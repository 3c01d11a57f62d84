from __future__ import annotations

from router.core.resilience.rate_limited import (
    AWAKE,
    LEAST_SPREAD,
    MOST_SPREAD,
    SHORTEST,
    Rest,
    answered,
    come_back,
    refused,
)


def test_a_rest_is_as_long_as_the_backend_asked() -> None:
    assert refused(AWAKE, 100.0, 100.0, 7.0, 15.0, "HTTP 429") == Rest(107.0, 7.0, 1, "HTTP 429")
    long = refused(AWAKE, 100.0, 100.0, 3600.0, 15.0, "")
    assert long.length == refused(long, long.until, long.until, 3600.0, 15.0, "").length == 3600.0


def test_a_rest_without_a_time_is_short_and_doubles_up_to_the_longest() -> None:
    rest, lengths, now = AWAKE, [], 0.0
    for _ in range(8):
        rest = refused(rest, now, now, None, 15.0, "")
        lengths.append(rest.length)
        now = rest.until
    assert lengths == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_a_backend_that_asks_for_nothing_again_and_again_is_not_hammered() -> None:
    rest = refused(AWAKE, 0.0, 0.0, 0.0, 15.0, "")
    assert rest.length == 0.0
    for length in (SHORTEST, 2 * SHORTEST):
        rest = refused(rest, rest.until, rest.until, 0.0, 15.0, "")
        assert rest.length == length


def test_refusals_of_requests_that_were_under_way_do_not_double_it() -> None:
    rest = refused(AWAKE, 0.0, 0.0, None, 15.0, "")
    for late in range(10):
        rest = refused(rest, 0.1, 0.1 + late, None, 15.0, "")
    assert (rest.refusals, rest.length) == (1, SHORTEST)


def test_an_answer_begins_the_row_anew_but_wakes_nobody() -> None:
    twice = refused(refused(AWAKE, 0.0, 0.0, None, 15.0, ""), 0.5, 0.5, None, 15.0, "HTTP 429")
    during = answered(twice, 1.0)
    assert during == Rest(1.5, 1.0, 0, "HTTP 429")
    assert refused(during, 1.5, 1.5, None, 15.0, "").length == SHORTEST
    assert refused(during, 1.2, 1.2, None, 15.0, "").until == 1.7
    assert answered(twice, 1.5) is AWAKE


def test_a_longer_rest_stays() -> None:
    rest = refused(AWAKE, 0.0, 0.0, 30.0, 15.0, "HTTP 429")
    assert refused(rest, 0.5, 1.0, 5.0, 15.0, "HTTP 429") is rest


def test_those_who_waited_do_not_come_back_at_once() -> None:
    rest = Rest(110.0, 10.0, 1)
    assert come_back(rest, 104.0, 0.0) == 6.0
    assert come_back(rest, 104.0, 0.5) == 6.0 + MOST_SPREAD / 2
    assert come_back(rest, 200.0, 1.0) == MOST_SPREAD
    assert come_back(AWAKE, 0.0, 1.0) == LEAST_SPREAD
