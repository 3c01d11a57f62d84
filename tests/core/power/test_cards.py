from __future__ import annotations

import pytest

from router.core.power.cards import NOTHING, ORDERED, POLICY, TURN, USEFUL, WAITING, turn_of
from router.core.power.states import Phase
from router.core.power.units import ALONE, Turn, UnitsState


def off(claim: int = NOTHING, rest: float = 0.0) -> UnitsState:
    return UnitsState(claim=claim, rest=rest)


def on(claim: int, held: float = TURN) -> UnitsState:
    return UnitsState(phase=Phase.ON, units=1, ready=1, claim=claim, held=held)


def turns(**card: UnitsState) -> list[Turn]:
    return [turn_of(name, card) for name in card]


def test_who_wants_a_free_card_most_has_it_and_the_first_of_equals() -> None:
    assert turns(one=off(), other=off()) == [ALONE, ALONE]
    assert turns(one=off(USEFUL), other=off(WAITING)) == [Turn(taken_by="other"), ALONE]
    assert turns(one=off(WAITING), other=off(WAITING)) == [ALONE, Turn(taken_by="one")]


def test_of_two_that_want_it_as_much_the_one_has_it_that_had_it_longer_ago() -> None:
    one, other = UnitsState(claim=WAITING, held=1.0), UnitsState(claim=WAITING, held=60.0)
    assert turns(one=one, other=other) == [Turn(taken_by="other"), ALONE]


def test_one_that_rests_after_a_failure_keeps_the_card_from_nobody() -> None:
    assert turns(one=off(WAITING, rest=60.0), other=off(USEFUL)) == [Turn(taken_by="other"), ALONE]


def test_who_has_the_card_keeps_it_from_those_that_want_it_no_more() -> None:
    for claim in (NOTHING, USEFUL):
        assert turns(one=on(USEFUL), other=off(claim)) == [ALONE, Turn(taken_by="one")]
    assert turns(one=on(POLICY), other=off(POLICY)) == [ALONE, Turn(taken_by="one")]


@pytest.mark.parametrize(
    ("has", "held", "asks", "goes"),
    [
        (USEFUL, TURN, WAITING, True),
        (USEFUL, TURN - 1, WAITING, False),
        (NOTHING, 0.0, USEFUL, True),
        (WAITING, 0.0, ORDERED, True),
        (WAITING, TURN, WAITING, True),
        (WAITING, TURN - 1, WAITING, False),
        (ORDERED, TURN, WAITING, False),
        (ORDERED, TURN, ORDERED, False),
    ],
)
def test_who_has_the_card_goes_for_one_that_wants_it_more(has: int, held: float, asks: int, goes: bool) -> None:
    one, other = turns(one=on(has, held), other=off(asks))
    assert one == (Turn(asked_by="other") if goes else ALONE)
    assert other == Turn(taken_by="one"), "until it is off"


def test_one_that_is_told_to_sleep_is_not_called_back_by_what_waits_for_it_too() -> None:
    stopping = UnitsState(phase=Phase.STOPPING, units=1, claim=WAITING)
    assert turn_of("one", {"one": stopping, "other": off(WAITING)}) == Turn(asked_by="other")


def test_of_two_that_somebody_woke_one_sleeps_again() -> None:
    assert turns(one=on(USEFUL), other=on(WAITING)) == [Turn(taken_by="other", asked_by="other"), ALONE]


def test_what_starts_and_what_nobody_can_tell_of_has_the_card() -> None:
    starting = UnitsState(phase=Phase.STARTING, target=1)
    unknown = UnitsState(phase=Phase.UNKNOWN, before=Phase.ON, units=1, possible=1)
    for state in (starting, unknown):
        assert turn_of("other", {"one": state, "other": off(WAITING)}) == Turn(taken_by="one")
