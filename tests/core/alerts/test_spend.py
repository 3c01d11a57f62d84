"""Spend that departs from its usual pattern."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.alerts.observation import Seen
from router.core.alerts.spend import Hours, Usual, hours_like, observed, usual

WEEKS = [[90.0, 100.0, 110.0], [95.0, 100.0, 105.0], [85.0, 100.0, 115.0], [90.0, 100.0, 110.0]]


def seen(last: float, so_far: float = 0.0, weeks=WEEKS, weeks_now=WEEKS, factor: float = 3.5, usd: float = 5) -> Seen:
    return observed(Hours(1000, so_far, last, weeks, weeks_now), factor, usd).seen


def test_it_is_compared_with_the_same_hour_of_the_week_and_those_beside_it():
    assert hours_like(1000) == [[831, 832, 833], [663, 664, 665], [495, 496, 497], [327, 328, 329]]


def test_what_is_usual_is_median_and_mad():
    found = usual(WEEKS)
    assert found is not None and found.median == 100
    assert found.spread == pytest.approx(max(1.4826 * 7.5, 10))


@pytest.mark.parametrize(
    ("last", "expected"), [(100, Seen.GOOD), (120, Seen.GOOD), (130, Seen.BETWEEN), (145, Seen.BAD), (50, Seen.BAD)]
)
def test_more_and_less_both_depart(last, expected):
    assert seen(last) is expected


def test_the_hour_that_runs_counts_once_it_is_too_much_already():
    assert seen(100, so_far=0) is Seen.GOOD
    assert seen(100, so_far=300) is Seen.BAD
    found = observed(Hours(1000, 300, 100, WEEKS, WEEKS), 3.5, 5)
    assert found.text == "$300 so far in this hour; at this time of the week $100 is usual."
    assert "$50 in the last hour" in observed(Hours(1000, 0, 50, WEEKS, WEEKS), 3.5, 5).text


def test_a_new_installation_has_nothing_unusual():
    assert seen(1e6, 1e6, [], []) is Seen.GOOD and seen(1e6, 1e6, WEEKS[:2], WEEKS[:2]) is Seen.GOOD
    assert observed(Hours(1000, 9, 9, [], []), 3.5, 5).text == ""
    assert seen(1e6, 0, WEEKS[:3]) is Seen.BAD


def test_cents_are_no_alarm_whatever_their_pattern():
    cents = [[0.01, 0.01, 0.01]] * 4
    assert (
        seen(4.0, weeks=cents) is Seen.BETWEEN
        and seen(6.0, weeks=cents) is Seen.BAD
        and seen(3.0, weeks=cents) is Seen.GOOD
    )


def test_one_odd_week_does_not_make_the_next_one_usual():
    assert usual([*WEEKS[:3], [9e6, 9e6, 9e6]]) == Usual(pytest.approx(102.5, abs=3), pytest.approx(15, abs=4))


def test_ordinary_noise_is_no_alarm():
    """Half a year of hours that vary by a tenth: none departs, and one that doubles does."""
    chance = Random(7)
    alarms = 0
    for _ in range(4400):
        weeks = [[chance.gauss(100, 10) for _ in range(3)] for _ in range(4)]
        alarms += seen(chance.gauss(100, 10), weeks=weeks, weeks_now=weeks) is Seen.BAD
        assert seen(210, weeks=weeks, weeks_now=weeks) is Seen.BAD
    assert alarms < 0.02 * 4400


@given(st.lists(st.lists(st.floats(0, 1e5), min_size=3, max_size=3), min_size=3, max_size=4), st.floats(0, 1e5))
def test_it_does_not_depend_on_the_order_of_what_was_seen(weeks, last):
    assert seen(last, weeks=weeks) is seen(last, weeks=[list(reversed(week)) for week in reversed(weeks)])
