from __future__ import annotations

from zoneinfo import ZoneInfo

from support.simulating import MONDAY, POWER, plan

from router.core.power.demand import Demand
from router.core.power.savings import Slot
from router.core.power.states import Phase
from router.simulate.powered_units import PoweredUnits
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime


class Made:
    """Units whose steps see the same, whenever they are due."""

    def __init__(self, start: float | None = 120.0, power: str = POWER) -> None:
        backend = plan(power=power).policy.backends["gpu"]
        self.time = VirtualTime(MONDAY)
        self.waiting = self.running = 0
        self.demand = Demand(None, 0, {})
        self.steps = 0
        shape = Shape(speed=1.0, first_byte=0.0, start=start)
        self.units = PoweredUnits("gpu", backend, ZoneInfo("UTC"), shape, self.time, self._due)
        self._due("gpu")

    def _due(self, name: str) -> None:
        if self.units.looks:
            self.units.look(self.demand)
        if self.units.steps:
            self.steps += 1
            self.units.step(self.running, self.waiting)

    def phases(self) -> list[tuple[float, Phase]]:
        return [(change.at - MONDAY, change.after) for change in self.units.changes]


def test_a_unit_answers_as_long_after_its_order_as_a_start_takes():
    made = Made()
    made.waiting = 1
    made.units.soon()
    made.time.until(MONDAY + 300)

    assert made.phases() == [(1.0, Phase.STARTING), (121.0, Phase.ON)]
    assert (made.units.starts, made.units.answering, made.units.present) == (1, 1, 1)


def test_it_drains_and_stops_when_it_is_not_wanted():
    made = Made()
    made.waiting = 1
    made.units.soon()
    made.time.until(MONDAY + 200)
    made.waiting = 0
    made.time.until(MONDAY + 4000)

    # Half an hour after the last request waited for it, and then as long as it takes until all have heard of it.
    assert made.phases()[-3:] == [(2000.0, Phase.DRAINING), (2005.0, Phase.STOPPING), (2006.0, Phase.OFF)]
    assert made.units.present == 0 and made.units.starts == 1


def test_demand_is_what_starts_it_for_its_cost():
    made = Made(start=None)
    made.demand = Demand(Slot(600_000, 10.0, 60.0), 0, {})
    made.time.until(MONDAY + 60)
    assert made.units.start_seconds == 300.0 and made.units.savings.of(1) > 0
    assert made.units.counted == {} and made.units.counted_for() == 0.0
    made.time.until(MONDAY + 600)
    assert made.units.state.phase is Phase.ON


def test_a_schedule_has_it_on():
    made = Made(power=POWER + "      schedule: 01-02\n")
    made.time.until(MONDAY + 3600)

    assert made.units.state.phase is Phase.ON and made.phases()[0][0] >= 3240


def test_while_nothing_changes_no_step_is_made():
    made = Made()
    made.time.until(MONDAY + 86_400)

    assert made.steps == 1 and made.units.counted_at == MONDAY + 86_400


def test_what_came_for_these_units_alone_keeps_them_on_from_the_look_on_that_saw_it():
    made = Made(power=POWER + "      min_on: 10m\n")
    made.waiting = 1
    made.units.soon()
    made.time.until(MONDAY + 130)
    made.waiting = 0
    made.time.until(MONDAY + 590)
    made.demand = Demand(None, 1, {})
    made.time.until(MONDAY + 600)
    made.demand = Demand(None, 0, {})
    made.time.until(MONDAY + 4000)

    assert made.phases()[2] == (1200.0, Phase.DRAINING)
