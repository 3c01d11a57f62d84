from __future__ import annotations

import pytest
from support.simulating import MONDAY, ask

from router.simulate.traffic_of import OutOfOrder, in_order, last_days, scaled


def test_requests_are_put_in_the_order_of_their_arrival():
    given = [ask(3.0), ask(1.0), ask(2.0), ask(5.0), ask(4.0)]

    assert [each.at - MONDAY for each in in_order(given, most=2)] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert not list(in_order([]))


def test_a_file_without_order_is_not_half_read():
    with pytest.raises(OutOfOrder, match=r"request 5 came 1 s before one that stands 2 places or more before it: sort"):
        list(in_order([ask(1.0), ask(3.0), ask(4.0), ask(5.0), ask(2.0)], most=2))


def test_scaled_traffic_comes_from_its_seed_alone():
    given = [ask(100.0 * number, id=str(number)) for number in range(1000)]
    three, half = list(scaled(given, 3)), list(scaled(given, 0.5))

    assert len(three) == 3000 and [each.id for each in three[:3]] == ["0", "0+1", "0+2"]
    assert all(0 <= each.at % 100 < 1 for each in three)
    assert 400 < len(half) < 600 and half == list(scaled(given, 0.5)) != list(scaled(given, 0.5, seed=2))
    assert list(scaled(given, 1)) == given
    assert {each.id for each in scaled([ask()], 2)} == {""}


def test_some_days_are_cut_out():
    assert [each.at - MONDAY for each in last_days([ask(1.0), ask(2.0), ask(3.0)], MONDAY + 2)] == [2.0, 3.0]
