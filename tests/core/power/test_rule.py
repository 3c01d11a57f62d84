from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.power.cards import NOTHING, USEFUL, WAITING
from router.core.power.rule import REASONS, Wanted, by_cost, span, units_of, wanted
from router.core.power.savings import Savings
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order, PowerTerms
from router.core.power.units import Observation, Turn, UnitsState

TERMS = PowerTerms(usd_per_hour=1.0)
OFF = UnitsState(at=1e9)
ON = UnitsState(phase=Phase.ON, at=1e9, units=1, ready=1, target=1, started_at=1e9 - 7200)
BUSY = Observation(savings=Savings((1.0,)))
QUIET = Observation(savings=Savings((0.79,)))


def units_and_reason(state: UnitsState, seen: Observation = QUIET, terms: PowerTerms = TERMS) -> tuple[int, str]:
    found = wanted(state, seen, terms)
    assert found.reason in REASONS
    assert found.explanation.endswith(".")
    return found.units, found.reason


@pytest.mark.parametrize(
    ("usd_per_hour", "units", "then", "reason"),
    [
        (0.99, 0, 0, "too-little"),
        (1.0, 0, 1, "saves"),
        (1.0, 1, 1, "saves"),
        (0.99, 1, 1, "hysteresis"),
        (0.8, 1, 1, "hysteresis"),
        (0.79, 1, 0, "too-little"),
    ],
)
def test_a_unit_starts_when_it_saves_its_rent_and_stays_until_it_saves_too_little(
    usd_per_hour: float, units: int, then: int, reason: str
) -> None:
    found = by_cost(Savings((usd_per_hour,)), TERMS, units)

    assert (found.units, found.reason) == (then, reason)


def test_one_whose_card_another_has_waits_until_that_sleeps() -> None:
    taken = Observation(waiting=1, turn=Turn(taken_by="large"))
    found = wanted(OFF, taken, TERMS)
    assert (found.units, found.reason, found.claim) == (0, "card-taken", WAITING)
    assert found.explanation.endswith("large has the card that they share, until it sleeps.")


def test_one_whose_address_another_has_under_an_earlier_name_comes_after_it() -> None:
    found = wanted(OFF, Observation(waiting=1, turn=Turn(taken_by="old", address=True)), TERMS)
    assert (found.units, found.reason) == (0, "address-taken")
    assert found.explanation.endswith("old is still at its address, and goes first.")


def test_one_whose_card_another_is_asked_for_on_goes_whatever_it_was_kept_for() -> None:
    asked = Observation(turn=Turn(asked_by="large"))
    for state in (replace(ON, held=0.0), replace(ON, phase=Phase.STARTING), replace(ON, phase=Phase.DRAINING)):
        found = wanted(replace(state, unneeded=0.0), asked, TERMS)
        assert (found.units, found.reason, found.claim) == (
            0,
            "card",
            NOTHING if state.phase is Phase.DRAINING else USEFUL,
        )
    assert units_and_reason(replace(ON), replace(asked, ledger_ok=False)) == (1, "ledger-lost")


def test_it_says_by_which_figures() -> None:
    assert by_cost(Savings((1.34,)), TERMS, 0).explanation == (
        "A unit would save $1.34 an hour, by the last hour's mean, and its rent is $1.00."
    )


def test_each_unit_is_judged_by_what_it_saves_itself() -> None:
    terms = PowerTerms(usd_per_hour=1.0, units=3)
    savings = Savings((3.0, 1.0, 0.9))

    assert by_cost(savings, terms, 0) == Wanted(
        2, "saves", "Unit 2 would save $1.00 an hour, by the last hour's mean, and its rent is $1.00."
    )
    assert by_cost(savings, terms, 3).units == 3
    assert by_cost(Savings((3.0, 0.5, 0.1)), terms, 3).explanation.startswith("Unit 2 would save $0.50")


def test_a_unit_without_rent_is_for_what_saves_anything() -> None:
    free = PowerTerms(usd_per_hour=0.0)

    assert by_cost(Savings((0.001,)), free, 0).units == 0
    assert by_cost(Savings((0.02,)), free, 0).units == 1


@pytest.mark.parametrize(
    ("state", "units"),
    [
        (ON, 1),
        (UnitsState(phase=Phase.STARTING, units=0, target=2), 2),
        (UnitsState(phase=Phase.STOPPING, units=1, target=0), 0),
        (UnitsState(phase=Phase.DRAINING, units=1, target=1), 0),
    ],
)
def test_units_count_where_they_are_going(state: UnitsState, units: int) -> None:
    assert units_of(state) == units


def test_cost_starts_and_stops_it() -> None:
    assert units_and_reason(OFF, BUSY) == (1, "saves")
    assert units_and_reason(ON, QUIET) == (0, "too-little")


def test_an_order_stands_above_all() -> None:
    assert units_and_reason(replace(OFF, order=Order.ON), terms=replace(TERMS, mode=Mode.NEVER)) == (1, "order")
    assert units_and_reason(replace(ON, order=Order.OFF, held=0.0), BUSY, replace(TERMS, mode=Mode.ALWAYS)) == (
        0,
        "order",
    )
    assert units_and_reason(replace(OFF, order=Order.OFF), Observation(waiting=3)) == (0, "order")


def test_the_policy_may_leave_nothing_to_the_rule() -> None:
    assert units_and_reason(OFF, QUIET, replace(TERMS, mode=Mode.ALWAYS)) == (1, "always")
    assert units_and_reason(replace(ON, held=0.0), replace(BUSY, waiting=1), replace(TERMS, mode=Mode.NEVER)) == (
        0,
        "never",
    )


def test_what_the_policy_has_no_more_goes_whatever_it_says_of_others() -> None:
    left = replace(TERMS, left=True, mode=Mode.ALWAYS)
    assert units_and_reason(replace(ON, held=0.0), replace(BUSY, waiting=1), left) == (0, "left")


def test_many_that_wait_want_one_unit_and_at_once() -> None:
    terms = replace(TERMS, units=4)

    assert units_and_reason(replace(OFF, held=0.0), replace(QUIET, waiting=1), terms) == (1, "waiting")
    assert units_and_reason(replace(OFF, held=0.0), replace(QUIET, waiting=90), terms) == (1, "waiting")


def test_what_was_started_for_one_that_waited_outlives_the_last_such_request_by_min_on() -> None:
    assert units_and_reason(replace(ON, unneeded=1799.0)) == (1, "captive")
    assert units_and_reason(replace(ON, unneeded=1800.0)) == (0, "too-little")
    assert units_and_reason(replace(OFF, unneeded=10.0)) == (0, "too-little")


def test_no_unit_goes_while_requests_wait_for_the_others() -> None:
    two = replace(ON, units=2, ready=2, target=2)

    assert units_and_reason(two, replace(QUIET, waiting=1), replace(TERMS, units=2)) == (2, "waiting")


def test_the_schedule_keeps_one_on_and_cost_may_want_more() -> None:
    terms = replace(TERMS, units=3)

    assert units_and_reason(OFF, replace(QUIET, scheduled=True)) == (1, "schedule")
    assert units_and_reason(OFF, Observation(scheduled=True, savings=Savings((2.0, 1.5))), terms) == (2, "saves")


def test_cost_and_schedule_wait_for_min_off() -> None:
    just_off = replace(OFF, held=299.0)

    assert units_and_reason(just_off, BUSY) == (0, "min-off")
    assert units_and_reason(just_off, replace(QUIET, scheduled=True)) == (0, "min-off")
    assert units_and_reason(replace(OFF, held=300.0), BUSY) == (1, "saves")


def test_nothing_stops_it_while_it_starts_or_before_min_on_but_an_order() -> None:
    starting = UnitsState(phase=Phase.STARTING, at=1e9, target=1)

    assert units_and_reason(starting) == (1, "starting")
    assert units_and_reason(replace(starting, order=Order.OFF)) == (0, "order")
    assert units_and_reason(replace(ON, held=1799.0)) == (1, "min-on")


def test_what_is_paid_for_is_kept_until_the_billing_step_ends() -> None:
    hourly = replace(TERMS, billing=3600.0)

    assert units_and_reason(replace(ON, started_at=ON.at - 7300), terms=hourly) == (1, "paid")
    assert units_and_reason(replace(ON, started_at=ON.at - 7200 + 420), terms=hourly) == (0, "too-little")
    assert units_and_reason(replace(ON, started_at=ON.at - 7200), terms=hourly) == (0, "too-little")


def test_after_a_failure_nothing_is_started_until_it_has_rested() -> None:
    tired = replace(OFF, rest=40.0, error="the driver said 403")

    assert units_and_reason(tired, Observation(waiting=1)) == (0, "resting")
    assert "It rests for 40 s, since the driver said 403." in wanted(tired, BUSY, TERMS).explanation


def test_a_lost_ledger_starts_nothing_by_cost_and_stops_nothing_while_a_request_still_wakes_one() -> None:
    lost = replace(BUSY, ledger_ok=False)

    assert units_and_reason(OFF, lost) == (0, "ledger-lost")
    assert units_and_reason(ON, replace(QUIET, ledger_ok=False)) == (1, "ledger-lost")
    assert units_and_reason(replace(ON, order=Order.OFF), lost) == (1, "ledger-lost")
    assert units_and_reason(OFF, replace(lost, waiting=2)) == (1, "waiting")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (99.4, "99 s"), (300, "5 min"), (5999, "100 min"), (7200, "2 h")]
)
def test_spans_are_short(seconds: float, text: str) -> None:
    assert span(seconds) == text
