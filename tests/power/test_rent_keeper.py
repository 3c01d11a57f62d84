"""Rent of switched units and of others, in virtual time, against what the rental bills."""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from support.rental import Rental

from router.core.backend_kinds import GpuCost
from router.core.cost.rent import LONGEST_LOOK_MS, Meter, RentState, UnitPrice
from router.core.limits.periods import Periods
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.core.power.units import Run, UnitsState
from router.core.values import Plan
from router.ledger.power import KeptUnits, PowerLook
from router.ledger.reports.totals import open_report
from router.power.drivers.driver import DriverError
from router.power.rent_keeper import RentKeeper, accruals_of

UTC = Periods(ZoneInfo("UTC"))
DAY = "2026-02-02"
"""Of the rental's clock."""


def with_backend(plan: Plan, **changes: object) -> Plan:
    """With the GPU changed so."""
    gpu = plan.policy.backends["gpu"].model_copy(update=changes)
    return replace(plan, policy=plan.policy.model_copy(update={"backends": {**plan.policy.backends, "gpu": gpu}}))


async def rent(house) -> dict[str, float]:
    """Seconds and, under "usd", dollars."""
    async with open_report(house.server.url) as report:
        rows = await report.rent([DAY])
    found: dict[str, float] = {"usd": sum(row.nano_usd for row in rows) / 1e9}
    for row in rows:
        found[row.state] = found.get(row.state, 0) + row.milliseconds / 1000
    return found


@pytest.fixture
async def keep(house):
    """Lets time pass with a controller, and one keeper or more."""
    keepers = []

    async def run(seconds: float, number: int = 1, running: int = 0) -> None:
        while len(keepers) < number:
            keepers.append(RentKeeper(house.server.url, lambda: house.plan))
        for _ in range(int(seconds / 15)):
            await house.run(15)
            house.runs(running)
            for each in keepers[:number]:
                await each.tick()

    yield run
    for each in keepers:
        each._link.close()


async def test_the_rent_is_what_the_rental_bills(house, keep):
    house.start()
    await keep(60)
    assert await rent(house) == {"usd": 0.0}
    house.wake()
    await keep(45)
    assert (await rent(house))["starting"] > 0
    await keep(1800)
    assert house.rental.on == [] and house.rental.stops == 1
    found = await rent(house)
    on = sum(seconds for state, seconds in found.items() if state not in ("usd", "off", "rounding"))
    assert on == pytest.approx(house.rental.billed, abs=10)  # two steps of the clock
    assert found["usd"] == pytest.approx((on + found.get("rounding", 0)) / 3600, rel=1e-6)
    assert 55 <= found["starting"] <= 75


@pytest.mark.parametrize("blind_at", [15, 30, 120])
async def test_what_nobody_can_look_at_costs_until_its_driver_says_that_it_is_off(house, keep, blind_at):
    """Soon after the start was asked for, while it starts, and once it is on."""
    house.start()
    await house.order(Order.ON)
    await keep(blind_at)
    house.rental.blind = "it ran for longer than 2 s"
    await keep(600, number=2)
    assert (await house.kept()).state.phase is Phase.UNKNOWN
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(house.rental.now - house.rental.on[0], abs=5)
    assert found["assumed"] == pytest.approx(600, abs=20)
    house.rental.blind = ""
    await keep(60, number=2)
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(house.rental.now - house.rental.on[0], abs=15)
    assert found["assumed"] == pytest.approx(600, abs=20)


async def test_what_was_gone_while_nobody_could_look_cost_until_that_was_seen(house, keep):
    house.start()
    await house.order(Order.ON)
    await keep(120)
    house.rental.blind = "HTTP 403"
    await keep(300)
    await house.order(Order.OFF)
    house.rental.lose()
    house.rental.blind = ""
    await keep(60)
    usd = (await rent(house))["usd"]
    assert usd * 3600 == pytest.approx(house.rental.billed, abs=20)
    house.rental.blind = "HTTP 403"
    await keep(300)
    assert (await rent(house))["usd"] == usd, "what was off stays off"


async def test_what_the_policy_has_no_more_costs_until_it_is_gone(house, keep):
    house.plan = with_backend(house.plan, cost=GpuCost(usd_per_hour=1.0, billing="5m"))
    house.start()
    await house.order(Order.ON)
    await keep(120)
    began = house.rental.on[0]
    house.rental.blind = "HTTP 403"
    others = {"api": house.plan.policy.backends["api"]}
    house.plan = replace(house.plan, policy=house.plan.policy.model_copy(update={"backends": others}))
    await keep(600)
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(house.rental.now - began, abs=10) and found["assumed"] > 500
    house.rental.blind = ""
    await keep(120)
    assert house.rental.on == [] and (await house.look()).kept == {}
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(900, abs=0.1), "the billing step that has begun is paid"
    await keep(600)
    assert await rent(house) == found


async def test_a_start_of_which_nobody_can_tell_whether_it_failed_costs(house, keep):
    house.start()
    await house.order(Order.ON)
    house.point = partial(_broken_off, house.rental)
    await house.run(20)
    assert (await house.kept()).state.phase is Phase.UNKNOWN and house.rental.starts == 1
    await keep(600)
    assert (await rent(house))["usd"] * 3600 == pytest.approx(house.rental.seconds, abs=10)


async def _broken_off(rental: Rental, controller: object, point: str) -> None:
    """The start had its effect, but its answer was lost, and so is every other one."""
    if point == "after start":
        rental.blind = "no answer"
        raise DriverError("no answer")


async def test_two_gateways_count_once(house, keep):
    house.start()
    await house.order(Order.ON)
    await keep(600, number=2)
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(house.rental.now - house.rental.on[0], abs=15)


@pytest.mark.parametrize("looked", [False, True])
async def test_a_start_that_failed_between_two_looks_costs_its_time_and_its_step_once(house, keep, looked):
    """With an account of the unit, and without one."""
    house.plan = with_backend(house.plan, cost=GpuCost(usd_per_hour=1.0, billing="1h"))
    house.start()
    await house.order(Order.ON)
    runs = 1
    if looked:
        await keep(15, number=2)
        house.rental.lose()
        await keep(15, number=2)
        await house.order(Order.ON)
        runs = 2
    await house.run(10)
    house.rental.lose()
    assert house.rental.starts == runs
    await house.order(Order.OFF)
    await house.run(10)
    assert (await house.kept()).state.costing == 0
    await keep(45, number=2)
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(3600 * runs, abs=0.1)
    await keep(120, number=2)
    assert (await rent(house))["usd"] == found["usd"]


async def test_what_nobody_counted_is_brought_in_and_a_restart_loses_nothing(house, keep):
    house.start()
    await house.order(Order.ON)
    await keep(300)
    await house.run(2000)  # the gateways that count are away, the unit is on
    await keep(15)
    found = await rent(house)
    assert found["usd"] * 3600 == pytest.approx(house.rental.now - house.rental.on[0], abs=20)
    assert "gap" not in found


async def test_a_backend_that_nobody_switches_costs_while_the_policy_names_it(house, keep):
    named = with_backend(house.plan, power=None)
    house.plan = named
    await keep(60, running=1)
    await keep(60)
    found = await rent(house)
    assert found == {"usd": pytest.approx(105 / 3600), "busy": 45.0, "idle": 60.0}
    house.plan = replace(named, policy=named.policy.model_copy(update={"backends": {}}))
    await keep(1200)
    assert await rent(house) == found
    house.plan = named
    await keep(30)
    after = await rent(house)
    assert after["gap"] >= LONGEST_LOOK_MS / 1000 and after["usd"] == pytest.approx(found["usd"] + 15 / 3600)


async def test_a_price_that_is_edited_changes_nothing_of_before(house, keep):
    house.plan = with_backend(house.plan, power=None)
    await keep(75)
    house.plan = with_backend(house.plan, cost=GpuCost(usd_per_hour=10.0))
    await keep(60)
    assert (await rent(house))["usd"] == pytest.approx((60 * 1.0 + 60 * 10.0) / 3600)


async def test_a_policy_without_prices_asks_for_no_ledger(house):
    house.plan = with_backend(house.plan, cost=None)
    await RentKeeper("unix:/nowhere", lambda: house.plan).tick()


def look_at(state: UnitsState, now: float = 1000.0) -> PowerLook:
    return PowerLook(now, {"gpu": KeptUnits(state)}, {}, {}, {}, {}, 0)


def states(plan, state: UnitsState, meters=None) -> dict[int, set[RentState]]:
    """By unit."""
    found = accruals_of({"gpu": plan.policy.backends["gpu"]}, look_at(state), meters or {}, UTC)
    return {number: {entry.state for entry in each.entries} for (_, number), each in found.items()}


def test_of_several_units_each_is_what_it_is(plan_of):
    plan = plan_of()
    meters = {("gpu", number): Meter(940_000, 900_000) for number in range(3)}
    three = UnitsState(phase=Phase.STARTING, units=2, ready=1, target=3, started_at=950.0)
    assert states(plan, three, meters) == {0: {RentState.BUSY}, 1: {RentState.STARTING}, 2: {RentState.STARTING}}
    fewer = UnitsState(phase=Phase.STOPPING, units=2, ready=2, target=1)
    assert states(plan, fewer, meters) == {0: {RentState.BUSY}, 1: {RentState.STOPPING}, 2: {RentState.STOPPING}}


def test_of_several_units_that_nobody_can_look_at_those_that_may_be_on_are_assumed(plan_of):
    meters = {("gpu", number): Meter(940_000, 900_000) for number in range(3)}
    blind = UnitsState(phase=Phase.UNKNOWN, before=Phase.STARTING, units=1, possible=2, target=2, idle=1e6)
    assert states(plan_of(), blind, meters) == {0: {RentState.ASSUMED}, 1: {RentState.ASSUMED}, 2: {RentState.STOPPING}}


def test_of_several_units_those_of_a_run_that_came_and_went_are_paid(plan_of):
    meters = {("gpu", number): Meter(980_000) for number in range(3)}
    gone = UnitsState(phase=Phase.FAILED, since=995.0, runs=(Run(985.0, 995.0, 2),))
    run = {RentState.OFF, RentState.STARTING}
    assert states(plan_of(), gone, meters) == {0: run, 1: run, 2: {RentState.OFF}}


def test_what_the_policy_has_no_more_and_no_controller_follows_is_not_counted_on():
    kept = KeptUnits(UnitsState(phase=Phase.ON, units=1, at=1000.0, started_at=900.0), price=UnitPrice(1.0))
    for now, counted in ((1300.0, 1), (1301.0, 0), (1000.0, 1)):
        look = replace(look_at(kept.state, now), kept={"gpu": kept})
        assert len(accruals_of({}, look, {}, UTC)) == counted
    look = replace(look_at(kept.state), kept={"gpu": replace(kept, price=None)})
    assert accruals_of({}, look, {}, UTC) == {}


def test_units_that_nobody_has_looked_at_have_no_rent(plan_of):
    look = PowerLook(1000.0, {}, {}, {}, {}, {}, 0)
    assert accruals_of({"gpu": plan_of().policy.backends["gpu"]}, look, {}, UTC) == {}
    assert states(plan_of(), UnitsState()) == {}
