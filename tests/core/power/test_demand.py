from __future__ import annotations

from msgspec.structs import replace

from router.core.power.demand import demand_of, leaves, left_by, share_left
from router.core.power.savings import Slot
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order, PowerTerms
from router.core.power.units import UnitsState

USD = 1_000_000_000
BEFORE = {9: (100, USD, 1), 10: (1000, 5 * USD, 2)}


def test_what_was_added_since_is_the_demand_of_the_models_that_it_serves():
    totals = {
        9: {"chat": (150, USD, 1), "other": (9999, 9 * USD, 9)},
        10: {"chat": (3000, 7 * USD, 5)},
        11: {"chat": (10, USD, 0)},
    }
    found = demand_of(BEFORE, totals, ["chat"], 60.0)
    assert found.slot == Slot(50 + 2000 + 10, 3.0, 60.0) and found.captive == 3
    assert found.counted == {9: (150, USD, 1), 10: (3000, 7 * USD, 5), 11: (10, USD, 0)}


def test_the_first_look_only_begins():
    found = demand_of(None, {10: {"chat": (3000, USD, 5)}}, ["chat"], 60.0)
    assert (found.slot, found.captive, found.counted) == (None, 0, {10: (3000, USD, 5)})


def test_what_others_leave_is_a_share_of_it():
    found = demand_of(BEFORE, {10: {"chat": (3000, 7 * USD, 5)}}, ["chat"], 60.0, share=0.25)
    assert found.slot == Slot(500, 0.5, 60.0) and found.captive == 3


def test_what_is_left_is_weighed_by_the_tokens_of_each_model():
    totals = {9: {"chat": (100, 0, 0)}, 10: {"chat": (200, 0, 0), "code": (100, 0, 0)}}
    assert share_left(totals, ["chat", "code"], {"chat": 0.0}) == 0.25
    assert share_left(totals, ["chat"], {"code": 0.0}) == 1.0
    assert share_left({}, ["chat"], {"chat": 0.0}) == 1.0, "nothing was seen"


def test_units_leave_what_is_more_than_all_of_them_can_serve():
    terms = PowerTerms(usd_per_hour=1.0, units=2, tokens_per_second=10.0)
    assert left_by(Slot(6000, 1.0, 60.0), terms) == 0.8
    assert left_by(Slot(1000, 1.0, 60.0), terms) == 0.0
    assert left_by(Slot(0, 0.0, 60.0), terms) == 0.0
    assert left_by(Slot(6000, 1.0, 60.0), replace(terms, tokens_per_second=None)) == 0.0


def test_no_time_is_no_demand():
    assert demand_of(BEFORE, {}, ["chat"], 0.0).slot is None


def test_books_that_were_begun_anew_are_no_negative_demand():
    found = demand_of(BEFORE, {10: {"chat": (10, 0, 0)}}, ["chat"], 60.0)
    assert found.slot == Slot(0, 0.0, 60.0) and found.captive == 0


def test_units_that_may_not_be_on_leave_everything():
    terms, slot = PowerTerms(usd_per_hour=1.0, tokens_per_second=10.0), Slot(6000, 1.0, 60.0)
    assert leaves(UnitsState(), terms, slot, 0.5) == 0.9
    assert leaves(UnitsState(), terms, None, 0.5) == 0.5, "nobody has looked since"
    assert leaves(UnitsState(phase=Phase.FAILED), terms, slot, 0.5) == 1.0
    assert leaves(UnitsState(order=Order.OFF), terms, slot, 0.5) == 1.0
    assert leaves(UnitsState(), replace(terms, mode=Mode.NEVER), slot, 0.5) == 1.0
    assert leaves(UnitsState(order=Order.ON), replace(terms, mode=Mode.NEVER), slot, 0.5) == 0.9
    assert leaves(UnitsState(), replace(terms, left=True), slot, 0.5) == 1.0
