from __future__ import annotations

import pytest

from router.core.cost.what_if import Hour, Outcome, Setup, what_if

BUSY = Hour(3_600_000, 4.0)
QUIET = Hour(36_000, 0.04)


def test_units_that_are_always_on_cost_their_rent_and_serve_what_they_can() -> None:
    found = what_if([BUSY, QUIET], Setup(1.0, 1, None))
    assert found == Outcome(4.04, 0.0, 2.0, 2)
    assert found.net == pytest.approx(2.04)


def test_what_they_cannot_serve_is_bought() -> None:
    half = what_if([BUSY, QUIET], Setup(1.0, 1, 500.0))
    assert (half.bought, half.rent) == (pytest.approx(2.0), 2.0)
    assert what_if([BUSY, QUIET], Setup(1.0, 2, 500.0)).bought == pytest.approx(0.0)
    assert what_if([BUSY], Setup(1.0, 0, 500.0)) == Outcome(4.0, 4.0, 0.0, 0)


def test_variable_cost_of_what_they_serve_is_paid_too() -> None:
    assert what_if([BUSY], Setup(0.0, 1, None, usd_per_million_tokens=0.5)).bought == pytest.approx(1.8)


def test_more_volume_is_worth_more_at_the_same_rent() -> None:
    once, twice = (what_if([BUSY] * 3, Setup(1.0, 1, None), volume) for volume in (1.0, 2.0))
    assert (twice.cloud_alone, twice.rent) == (2 * once.cloud_alone, once.rent)


def test_units_that_are_switched_are_on_while_they_save_their_rent() -> None:
    night, day = [QUIET] * 12, [BUSY] * 12
    always = what_if(night + day + night, Setup(1.0, 1, None))
    switched = what_if(night + day + night, Setup(1.0, 1, None, switched=True))
    assert switched.cloud_alone == pytest.approx(always.cloud_alone)
    assert switched.unit_hours < always.unit_hours == 36
    assert switched.net > always.net
    assert 11 <= switched.unit_hours <= 15


def test_an_hour_without_traffic_costs_rent_alone() -> None:
    assert what_if([Hour(0, 0.0)], Setup(1.0, 1, None)) == Outcome(0.0, 0.0, 1.0, 1)
    assert what_if([Hour(0, 0.0)] * 3, Setup(1.0, 1, None, switched=True)).rent == 0.0
    assert what_if([BUSY] * 3, Setup(1.0, 0, None, switched=True)).bought == 12.0
