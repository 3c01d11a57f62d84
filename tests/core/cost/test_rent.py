"""Rent as time passes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.cost.rent import (
    LONGEST_LOOK_MS,
    MOST_MS,
    Accrual,
    Meter,
    Past,
    RentState,
    Sighting,
    UnitPrice,
    accrued,
)
from router.core.limits.periods import Periods

NOON = 1_779_271_200_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BERLIN = Periods(ZoneInfo("Europe/Berlin"))
PRICE = UnitPrice(on=3.6, off=0.36, billing=60.0)
"""A micro-USD for each millisecond."""
ON, OFF = Sighting(RentState.IDLE), Sighting(RentState.OFF)


def spent(accrual: Accrual) -> dict[str, tuple[int, int]]:
    """Milliseconds and nano-USD by state."""
    found: dict[str, tuple[int, int]] = {}
    for entry in accrual.entries:
        before = found.get(entry.state, (0, 0))
        found[entry.state] = before[0] + entry.milliseconds, before[1] + entry.nano_usd
    return found


def test_a_unit_that_is_on_costs_its_time_busy_and_idle():
    step = accrued(Meter(NOON, NOON), Sighting(RentState.IDLE, idle=45_000), PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {"busy": (15_000, 15_000_000), "idle": (45_000, 45_000_000)}
    assert (step.before, step.after) == (Meter(NOON, NOON), Meter(NOON + MINUTE, NOON))


def test_the_account_of_a_new_unit_begins_now_or_with_its_start():
    assert accrued(Meter(), ON, PRICE, NOON, BERLIN) == Accrual(Meter(), Meter(NOON, NOON))
    starting = Sighting(RentState.STARTING, since=NOON - MINUTE, begun=NOON - MINUTE)
    step = accrued(Meter(), starting, PRICE, NOON, BERLIN)
    assert spent(step) == {"starting": (MINUTE, MINUTE * 1000)}
    assert step.after == Meter(NOON, NOON - MINUTE)
    assert accrued(Meter(), OFF, PRICE, NOON, BERLIN).after == Meter(NOON)


def test_what_was_off_costs_what_goes_on_and_its_start_is_known():
    seen = Sighting(RentState.IDLE, since=NOON + 50_000, begun=NOON + 20_000)
    step = accrued(Meter(NOON), seen, PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {"off": (20_000, 2_000_000), "starting": (30_000, 30_000_000), "idle": (10_000, 10_000_000)}
    assert step.after == Meter(NOON + MINUTE, NOON + 20_000)
    assert spent(accrued(Meter(NOON), OFF, PRICE, NOON + MINUTE, BERLIN)) == {"off": (MINUTE, 6_000_000)}


def test_a_unit_that_nobody_switches_is_on_from_the_last_look_on():
    seen = Sighting(RentState.IDLE, switched=False)
    assert spent(accrued(Meter(NOON), seen, PRICE, NOON + MINUTE, BERLIN)) == {"idle": (MINUTE, MINUTE * 1000)}


def test_what_may_be_on_costs_as_if_it_was_and_worked_while_requests_ran():
    seen = Sighting(RentState.ASSUMED, idle=45_000, begun=NOON + 10_000)
    step = accrued(Meter(NOON), seen, PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {"off": (10_000, 1_000_000), "busy": (5_000, 5_000_000), "assumed": (45_000, 45_000_000)}
    assert step.after == Meter(NOON + MINUTE, NOON + 10_000)


def test_a_stop_ends_at_its_time_and_the_step_that_has_begun_is_paid():
    seen = Sighting(RentState.OFF, since=NOON + 90_000)
    step = accrued(Meter(NOON + MINUTE, NOON), seen, PRICE, NOON + 100_000, BERLIN)
    assert spent(step) == {
        "stopping": (30_000, 30_000_000),
        "off": (10_000, 1_000_000),
        "rounding": (30_000, 30_000_000),
    }
    assert step.after == Meter(NOON + 100_000)


def test_a_stop_at_the_end_of_a_step_has_nothing_to_round():
    seen = Sighting(RentState.OFF, since=NOON + MINUTE)
    assert spent(accrued(Meter(NOON, NOON), seen, PRICE, NOON + MINUTE, BERLIN)) == {
        "stopping": (MINUTE, MINUTE * 1000)
    }


@pytest.mark.parametrize("meter", [Meter(NOON), Meter(NOON + 10_000), Meter()])
def test_a_run_that_came_and_went_between_two_looks_is_paid_once_with_its_rounding(meter):
    gone = Sighting(RentState.OFF, past=(Past(NOON + 10_000, NOON + 22_000),))
    step = accrued(meter, gone, PRICE, NOON + 30_000, BERLIN)
    found = spent(step)
    assert found.pop("starting") == (12_000, 12_000_000) and found.pop("rounding") == (48_000, 48_000_000)
    off = 30_000 - 12_000 - (meter.at - NOON if meter.at else 10_000)
    assert found == {"off": (off, off * 100)} and step.after == Meter(NOON + 30_000)
    assert spent(accrued(step.after, gone, PRICE, NOON + MINUTE, BERLIN)) == {"off": (30_000, 3_000_000)}


RUNS = tuple(Past(NOON + at, NOON + at + 3_000) for at in (-50_000, 10_000, 20_000, 40_000))


@pytest.mark.parametrize("seen", [OFF, Sighting(RentState.STARTING, begun=NOON + 50_000)])
def test_every_run_since_the_last_look_is_paid_once_with_its_step(seen):
    """Of which the first one is accounted for long ago."""
    step = accrued(Meter(NOON), replace(seen, past=RUNS), PRICE, NOON + MINUTE, BERLIN)
    found, lasting = spent(step), 0 if seen is OFF else 10_000
    assert found["starting"][0] == 3 * 3_000 + lasting and found["rounding"][0] == 3 * 57_000
    assert found["off"][0] == MINUTE - 3 * 3_000 - lasting
    assert step.after == Meter(NOON + MINUTE, seen.begun)
    again = accrued(step.after, replace(seen, past=RUNS), PRICE, NOON + 2 * MINUTE, BERLIN)
    assert set(spent(again)) == {"off" if seen is OFF else "starting"}


def test_what_was_asked_for_and_not_looked_at_yet_is_not_accounted_for():
    seen = Sighting(RentState.STARTING, begun=NOON + MINUTE + 1)
    assert accrued(Meter(), seen, PRICE, NOON + MINUTE, BERLIN) == Accrual(Meter(), Meter(NOON + MINUTE))
    step = accrued(Meter(NOON), seen, PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {"off": (MINUTE, 6_000_000)} and step.after == Meter(NOON + MINUTE)


def test_the_run_that_the_meter_is_in_ends_when_it_ended_and_others_may_follow():
    seen = Sighting(RentState.IDLE, since=NOON + 55_000, begun=NOON + 50_000, past=RUNS)
    step = accrued(Meter(NOON + 11_000, NOON + 10_000), seen, PRICE, NOON + MINUTE, BERLIN)
    found = spent(step)
    assert found["stopping"][0] == 2_000 and found["rounding"][0] == 3 * 57_000
    assert found["starting"][0] == 2 * 3_000 + 5_000 and found["idle"][0] == 5_000
    assert step.after == Meter(NOON + MINUTE, NOON + 50_000)


def test_a_run_that_was_assumed_to_last_longer_takes_nothing_back():
    seen = Sighting(RentState.OFF, past=(Past(NOON, NOON + 10_000),))
    step = accrued(Meter(NOON + 30_000, NOON), seen, PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {"off": (30_000, 3_000_000), "rounding": (30_000, 30_000_000)}


def test_a_run_that_was_over_long_before_the_account_began_is_not_brought_in():
    gone = Sighting(RentState.OFF, past=(Past(NOON + 10_000, NOON + 22_000),))
    late = NOON + 22_001 + LONGEST_LOOK_MS
    assert accrued(Meter(), gone, PRICE, late, BERLIN) == Accrual(Meter(), Meter(late))
    assert set(spent(accrued(Meter(NOON), gone, PRICE, late, BERLIN))) == {"off", "starting", "rounding"}


def test_while_it_stops_it_was_on_before():
    seen = Sighting(RentState.STOPPING, since=NOON + 40_000)
    step = accrued(Meter(NOON, NOON), seen, PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {"idle": (40_000, 40_000_000), "stopping": (20_000, 20_000_000)}


def test_where_nobody_looked_is_a_gap_unless_it_is_known_how_it_was():
    late = NOON + 2 * LONGEST_LOOK_MS
    alone = accrued(Meter(NOON, NOON), Sighting(RentState.IDLE, switched=False), PRICE, late, BERLIN)
    assert spent(alone) == {"gap": (2 * LONGEST_LOOK_MS, 0)} and alone.after == Meter(late, late)
    gone = accrued(Meter(NOON, NOON), OFF, PRICE, late, BERLIN)
    assert spent(gone) == {"gap": (2 * LONGEST_LOOK_MS, 0)} and gone.after == Meter(late)
    found = accrued(Meter(NOON, NOON), ON, PRICE, late, BERLIN)
    assert spent(found) == {"idle": (2 * LONGEST_LOOK_MS, 2000 * LONGEST_LOOK_MS)}


def test_a_day_ends_at_local_midnight():
    midnight = NOON + 12 * HOUR  # of Berlin, in summer
    step = accrued(Meter(midnight - MINUTE, NOON), ON, PRICE, midnight + HOUR, BERLIN)
    assert [(entry.day, entry.milliseconds) for entry in step.entries] == [
        ("2026-05-20", MINUTE),
        ("2026-05-21", HOUR),
    ]


def test_a_clock_that_went_back_accounts_for_nothing():
    assert accrued(Meter(NOON, NOON), ON, PRICE, NOON - 1, BERLIN) == Accrual(Meter(NOON, NOON), Meter(NOON, NOON))


def test_no_more_than_a_month_is_accounted_for_at_once():
    step = accrued(Meter(NOON, NOON), ON, PRICE, NOON + 400 * DAY, BERLIN)
    assert spent(step) == {"idle": (MOST_MS, 1000 * MOST_MS)}


@pytest.mark.parametrize(("idle", "state"), [(0, "busy"), (DAY, "idle")])
def test_it_worked_all_the_time_or_not_at_all(idle, state):
    step = accrued(Meter(NOON, NOON), Sighting(RentState.IDLE, idle=idle), PRICE, NOON + MINUTE, BERLIN)
    assert spent(step) == {state: (MINUTE, MINUTE * 1000)}


@given(st.lists(st.tuples(st.integers(1, LONGEST_LOOK_MS), st.sampled_from([ON, OFF])), min_size=1, max_size=30))
def test_however_often_one_looks_time_is_counted_once(looks):
    meter, counted, now = Meter(NOON), 0, NOON
    for wait, seen in looks:
        now += wait
        step = accrued(meter, seen, PRICE, now, BERLIN)
        counted += sum(entry.milliseconds for entry in step.entries if entry.state is not RentState.ROUNDING)
        meter = step.after
    assert counted == now - NOON == meter.at - NOON
