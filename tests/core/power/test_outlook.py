from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.power.cards import WAITING
from router.core.power.outlook import next_change, published, while_off
from router.core.power.rule import REASONS
from router.core.power.savings import Savings
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order, PowerTerms
from router.core.power.units import UnitsState

TERMS = PowerTerms(usd_per_hour=1.0, start_time=240.0)
ON = UnitsState(phase=Phase.ON, at=1000.0, units=1, ready=1, target=1, reason="saves")
OFF = UnitsState(at=1000.0, reason="too-little")


def test_workers_are_told_when_a_unit_could_serve():
    told = published(OFF, TERMS)
    assert (told.serves, told.coming, told.wakes, told.known, told.ready_at) == (False, False, True, True, 1240.0)
    assert told.why == "It is off: they would save less than their rent."
    coming = published(replace(OFF, phase=Phase.STARTING, starting=100.0, target=1), TERMS)
    assert (coming.coming, coming.ready_at) == (True, 1140.0)
    assert published(ON, TERMS).serves and not published(replace(ON, phase=Phase.DRAINING), TERMS).serves


def test_one_whose_card_another_has_is_switched_on_after_it():
    taken = replace(OFF, reason="card-taken", claim=WAITING)
    assert next_change(taken, Savings(), TERMS) == "It is switched on once the other model sleeps."
    assert published(taken, TERMS).why == "It is off: another model has the card that they share."


def test_one_whose_address_another_has_is_switched_on_after_it():
    taken = replace(OFF, reason="address-taken", claim=WAITING)
    assert next_change(taken, Savings(), TERMS) == "It is switched on once what was at its address is off."


def test_what_is_told_changes_only_with_what_it_says():
    assert published(OFF, TERMS).says_as(published(replace(OFF, at=1001.0, explanation="$0.31", idle=9.0), TERMS))


def test_a_failure_is_told_with_its_reason_until_units_have_been_on_for_a_while():
    failed = replace(OFF, phase=Phase.FAILED, failures=2, error="exited with status 1", rest=60.0)
    assert published(failed, TERMS).why == "It failed: exited with status 1."
    unborn = replace(failed, before=Phase.STARTING)
    assert published(unborn, TERMS).why == "It failed to start: exited with status 1."
    assert published(failed, TERMS).ready_at == 1300.0
    assert published(replace(ON, failures=2, error="exited"), TERMS).failing == "exited"
    assert published(replace(ON, error="exited"), TERMS).failing == ""


def test_workers_are_told_that_nothing_is_started_while_it_rests_and_what_failed_before():
    failed = replace(OFF, phase=Phase.FAILED, failures=1, error="exited with status 3", rest=60.0)
    rested, again = replace(failed, phase=Phase.OFF, rest=0.0), replace(failed, phase=Phase.STARTING, reason="waiting")
    assert [published(state, TERMS).rests for state in (failed, rested, again, OFF)] == [True, False, False, False]
    assert published(replace(failed, phase=Phase.UNKNOWN), TERMS).rests
    for state in (rested, again):
        assert published(state, TERMS).why.endswith(" The last attempt failed: exited with status 3.")


def test_what_nobody_can_tell_is_not_known():
    assert not published(replace(ON, phase=Phase.UNKNOWN), TERMS).known


@pytest.mark.parametrize(
    ("order", "mode", "wakes"),
    [
        (Order.AUTO, Mode.AUTO, True),
        (Order.AUTO, Mode.ALWAYS, True),
        (Order.AUTO, Mode.NEVER, False),
        (Order.OFF, Mode.ALWAYS, False),
        (Order.ON, Mode.NEVER, True),
    ],
)
def test_what_is_kept_off_is_woken_by_nobody(order, mode, wakes):
    assert published(replace(OFF, order=order), replace(TERMS, mode=mode)).wakes is wakes


@pytest.mark.parametrize(
    ("state", "terms", "said"),
    [
        (replace(OFF, order=Order.OFF), TERMS, "until an administrator orders otherwise"),
        (OFF, replace(TERMS, mode=Mode.NEVER), "The policy keeps it off"),
        (ON, replace(TERMS, left=True), "once they have ended what runs"),
        (replace(ON, phase=Phase.UNKNOWN), replace(TERMS, left=True), "once their driver can tell what is on"),
        (replace(OFF, phase=Phase.UNKNOWN), TERMS, "until the driver can tell again"),
        (replace(OFF, phase=Phase.FAILED, rest=120.0), TERMS, "tried again in 2 min"),
        (replace(OFF, phase=Phase.STARTING), TERMS, "once it answers, in about 4 min"),
        (replace(ON, phase=Phase.DRAINING), TERMS, "ended what runs"),
        (replace(ON, phase=Phase.STOPPING), TERMS, "ended what runs"),
        (replace(ON, order=Order.ON), TERMS, "It stays on until an administrator"),
        (ON, replace(TERMS, mode=Mode.ALWAYS), "It stays on."),
        (OFF, TERMS, "Unit 1 is started when it would save at least $1.00 an hour; now it would save $0.90."),
        (ON, TERMS, "Unit 1 is stopped when it would save less than $0.80 an hour; now it would save $0.90."),
        (ON, replace(TERMS, units=2), "Unit 2 is started when it would save at least $1.00 an hour; now"),
    ],
)
def test_what_would_change_it_next(state, terms, said):
    assert said in next_change(state, Savings((0.9,)), terms)


def test_what_the_policy_has_no_more_is_woken_by_nobody():
    assert not published(OFF, replace(TERMS, left=True)).wakes


def test_every_reason_has_words():
    assert all(published(replace(OFF, reason=reason), TERMS).why for reason in REASONS)
    assert published(UnitsState(), TERMS).why == "It is off: new."


def test_requests_see_what_the_controller_tells():
    state = while_off(published(OFF, TERMS), 240.0, frozenset({"chat"}))

    assert state.off == "It is off: they would save less than their rent."
    assert (state.wakes, state.coming, state.rests, state.retry_after, state.models) == (
        True,
        False,
        False,
        240.0,
        {"chat"},
    )
