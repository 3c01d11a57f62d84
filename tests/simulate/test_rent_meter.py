from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from support.simulating import MONDAY, plan

from router.core.power.states import Phase
from router.core.power.units import Run, UnitsState
from router.simulate.rent_meter import LOOK_SECONDS, RentMeter

USD = 1_000_000_000
UTC = ZoneInfo("UTC")


def meter(units: int = 1, cost: str = "usd_per_hour: 1.0") -> RentMeter:
    return RentMeter(plan(**{"usd_per_hour: 1.0": cost}).policy.backends["gpu"], UTC, MONDAY, units)


def test_one_that_is_always_on_costs_all_the_time():
    one = meter()
    for look in range(1, 13):
        one.always_on(MONDAY + look * LOOK_SECONDS, busy=look % 2 == 0)
    one.end(MONDAY + 3600)

    assert (one.nano, one.hours_on) == (pytest.approx(USD, abs=10), 1.0)


def test_a_run_is_billed_by_whole_steps():
    one = meter(cost="usd_per_hour: 1.0, billing: 1h")
    on = UnitsState(
        phase=Phase.ON, units=1, ready=1, started_at=MONDAY + 60, since=MONDAY + 360, runs=(Run(MONDAY + 60),)
    )
    one.switched(on, MONDAY + 600)
    one.end(MONDAY + 1860)

    assert one.nano == USD and one.hours_on == pytest.approx(0.5)


def test_what_is_off_costs_nothing():
    one = meter(units=2)
    one.switched(UnitsState(since=MONDAY), MONDAY + 3600)
    one.end(MONDAY + 7200)

    assert (one.nano, one.hours_on) == (0, 0.0)
