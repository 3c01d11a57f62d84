from __future__ import annotations

from random import Random

import pytest

from router.core.cost.forecast import Forecast, forecast


def test_days_that_are_alike_leave_no_doubt() -> None:
    assert forecast(30.0, [3.0] * 10, 20.0) == Forecast(90.0, 90.0, 90.0)


def test_nothing_is_foretold_of_nothing_and_no_range_of_one_day() -> None:
    assert forecast(0.0, [], 20.0) is None
    assert forecast(5.0, [4.0], 10.0) == Forecast(45.0, None, None)


def test_at_the_end_all_is_known() -> None:
    assert forecast(30.0, [1.0, 9.0], 0.0) == Forecast(30.0, 30.0, 30.0)


def test_fewer_days_give_a_wider_range() -> None:
    wide, narrow = (forecast(0.0, [1.0, 3.0] * many, 10.0) for many in (1, 12))
    assert wide is not None and narrow is not None
    assert wide.likely == narrow.likely == 20.0
    assert wide.low < narrow.low < 20.0 < narrow.high < wide.high


@pytest.mark.parametrize(("known", "left"), [(2, 10), (5, 25), (20, 10)])
def test_it_is_right_nine_times_in_ten(known: int, left: int) -> None:
    draw = Random(known)
    hits = 0
    for _ in range(2000):
        days = [draw.gauss(10.0, 4.0) for _ in range(known)]
        told = forecast(sum(days), days, float(left))
        assert told is not None and told.low is not None and told.high is not None
        hits += told.low <= sum(days) + sum(draw.gauss(10.0, 4.0) for _ in range(left)) <= told.high
    assert 0.87 < hits / 2000 < 0.93
