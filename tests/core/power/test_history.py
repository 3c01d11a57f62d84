from __future__ import annotations

import pytest

from router.core.cost.rent import RentRow, RentState
from router.core.power.history import Change, Span, on_by_hour, seen_on

HOURS = [0.0, 3600.0, 7200.0]
NOW = 10_800.0


def change(at: float, before: str, after: str, units: int = 1, backend: str = "gpu") -> Change:
    return Change(at, backend, before, after, units)


def test_what_never_changed_was_as_it_is() -> None:
    assert on_by_hour([], {"gpu": 1, "big": 2}, HOURS, NOW) == [3.0, 3.0, 3.0]
    assert on_by_hour([], {}, HOURS, NOW) == [0.0, 0.0, 0.0]


def rent(day: str, state: RentState, seconds: int) -> RentRow:
    return RentRow(day, "gpu", 0, state, seconds * 1000, 0)


DAYS = [("a", 0.0, 3600.0), ("b", 3600.0, 7200.0), ("c", 7200.0, NOW)]


def test_what_nobody_switches_was_on_as_its_rent_says() -> None:
    """From the second half of the first day on that has rent; a gap makes a day's mean less."""
    rows = [
        rent("b", RentState.BUSY, 900),
        rent("b", RentState.IDLE, 900),
        rent("b", RentState.ROUNDING, 10_000),
        rent("c", RentState.IDLE, 1200),
        rent("c", RentState.GAP, 2400),
    ]
    seen = seen_on(rows, DAYS)
    assert seen == [Span(5400.0, 7200.0, 1.0), Span(7200.0, NOW, pytest.approx(1 / 3))]
    assert on_by_hour([], {"other": 1}, HOURS, NOW, seen) == [1.0, 1.5, pytest.approx(4 / 3)]
    assert seen_on([], DAYS) == []


def test_an_hour_is_on_for_the_part_of_it_in_which_units_answered() -> None:
    changes = [
        change(9900.0, "draining", "stopping", 0),
        change(3600.0, "off", "starting"),
        change(5400.0, "starting", "on"),
        change(9000.0, "on", "draining", 0),
    ]
    assert on_by_hour(changes, {"gpu": 0}, HOURS, NOW) == [0.0, 0.5, 0.75]


def test_before_its_first_change_it_was_what_that_says() -> None:
    assert on_by_hour([change(1800.0, "on", "stopping", 0)], {"gpu": 0}, HOURS, NOW) == [0.5, 0.0, 0.0]
    assert on_by_hour([change(-900.0, "starting", "on", 2)], {"gpu": 2}, HOURS, NOW) == [2.0, 2.0, 2.0]


def test_orders_and_other_backends_change_nothing() -> None:
    changes = [change(1800.0, "", "", 0), change(1800.0, "on", "failed", 0, "gone")]
    assert on_by_hour(changes, {"gpu": 1}, HOURS, NOW) == [1.0, 1.0, 1.0]


def test_the_hour_that_has_begun_counts_as_far_as_it_is_over() -> None:
    now = 7200.0 + 600.0
    assert on_by_hour([change(7500.0, "starting", "on")], {"gpu": 1}, HOURS, now)[2] == pytest.approx(0.5)
    assert on_by_hour([], {"gpu": 1}, HOURS, 7200.0) == [1.0, 1.0, 0.0]
    assert on_by_hour([change(9000.0, "off", "starting")], {"gpu": 1}, HOURS, 7500.0) == [0.0, 0.0, 0.0]
