"""What holds when."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.cost.timeline import DAY, Period, Timeline, Window, always, built, combined

MONDAY, TUESDAY = 20_000.0 * DAY, 20_001.0 * DAY
FLAT_THEN_HOURLY = Timeline(
    (
        Period(MONDAY, (Window(0, "flat"),)),
        Period(TUESDAY, (Window(0, "night"), Window(6 * 3600, "day"), Window(20 * 3600, "night"))),
    )
)


@pytest.mark.parametrize(
    ("now", "value", "until"),
    [
        (0.0, "flat", TUESDAY),
        (MONDAY, "flat", TUESDAY),
        (TUESDAY - 0.001, "flat", TUESDAY),
        (TUESDAY, "night", TUESDAY + 6 * 3600),
        (TUESDAY + 6 * 3600 - 0.001, "night", TUESDAY + 6 * 3600),
        (TUESDAY + 6 * 3600, "day", TUESDAY + 20 * 3600),
        (TUESDAY + 20 * 3600, "night", TUESDAY + DAY),
        (TUESDAY + 9 * DAY + 7 * 3600, "day", TUESDAY + 9 * DAY + 20 * 3600),
    ],
)
def test_the_last_period_that_has_begun_and_its_window_of_the_day_hold(now: float, value: str, until: float):
    assert FLAT_THEN_HOURLY.at(now) == value
    assert FLAT_THEN_HOURLY.until(now) == until


def test_what_never_changes_holds_for_ever():
    assert always("x").at(MONDAY) == "x"
    assert always("x").until(MONDAY) == math.inf
    assert always("x").within(MONDAY, TUESDAY) == ["x"]


def test_within_a_time_everything_counts_that_holds_for_a_moment_of_it():
    assert FLAT_THEN_HOURLY.within(TUESDAY - 10, TUESDAY - 1) == ["flat"]
    assert FLAT_THEN_HOURLY.within(TUESDAY - 10, TUESDAY + 7 * 3600) == ["flat", "night", "day"]


def test_nothing_begins_where_nothing_changes():
    assert built(MONDAY, [TUESDAY], [3600], lambda now: "x") == Timeline((Period(MONDAY, (Window(0, "x"),)),))


def test_a_start_before_the_first_day_is_left_out():
    assert built(TUESDAY, [MONDAY], [], lambda now: now) == Timeline((Period(TUESDAY, (Window(0, TUESDAY),)),))


moments = st.floats(MONDAY - DAY, TUESDAY + 3 * DAY)


@given(moments)
def test_what_is_made_of_several_follows_each_of_them(now: float):
    other = Timeline(
        (Period(MONDAY - DAY, (Window(0, 1), Window(7 * 3600, 2))), Period(TUESDAY + DAY, (Window(0, 3),)))
    )
    both = combined([FLAT_THEN_HOURLY, other], lambda at: (FLAT_THEN_HOURLY.at(at), other.at(at)))
    assert both.at(now) == (FLAT_THEN_HOURLY.at(now), other.at(now))


def test_of_no_timelines_something_can_be_made_too():
    assert combined([], lambda now: None) == always(None)


@given(moments)
def test_a_value_holds_until_it_is_said_to_end(now: float):
    end = FLAT_THEN_HOURLY.until(now)
    assert end > now
    assert FLAT_THEN_HOURLY.at(min(end, now + DAY) - 0.001) == FLAT_THEN_HOURLY.at(now) or end - now < 0.001
