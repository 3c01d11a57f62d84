"""What is written out for speed is what the table of measures says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.limits.amounts import NOTHING, at_risk, held_by, used_by
from router.core.limits.counters import Hold
from router.core.limits.measures import MEASURES
from router.core.values import Cell, Row, Settlement, Usage

CELL = Cell("api", "cloud", "chat", "search", "app")
HOLD = Hold(
    *("id", CELL, 0.0, 900.0, 10, 100, 5000, True),
    local_cost=7,
    cost_at_risk=300,
    tokens_at_risk=40,
    local_cost_at_risk=2,
)
SETTLEMENT = Settlement("id", CELL, 0.0, Usage(10, 4, 0, 50), 900, 1, False, True)
ROW = Row(CELL, requests=1, input=10, cached=4, output=50, cost=900, counterfactual=1)


@pytest.mark.parametrize(("local", "cost", "risk"), [(False, 5000, 300), (True, 7, 2)])
def test_a_hold_takes_and_risks_by_the_basis_of_each_measure(local: bool, cost: int, risk: int) -> None:
    held = {"money": cost, "tokens": 110, "each": 1, "counted": 0}
    risks = {"money": risk, "tokens": 40, "each": 0, "counted": 0}
    assert held_by(HOLD, local) == tuple(held[measure.basis] for measure in MEASURES)
    assert at_risk(HOLD, local) == tuple(risks[measure.basis] for measure in MEASURES)


def test_a_settlement_uses_what_totals_are_told() -> None:
    assert used_by(SETTLEMENT) == tuple(sum(getattr(ROW, name) for name in measure.totals) for measure in MEASURES)


def test_there_is_an_amount_of_each() -> None:
    assert len(NOTHING) == len(MEASURES) and not any(NOTHING)


def test_what_was_counted_comes_after_the_others() -> None:
    counted = replace(HOLD, counted=(3,))
    assert held_by(counted, False)[:4] == held_by(HOLD, False)[:4] and held_by(counted, False)[4] == 3
    assert used_by(replace(SETTLEMENT, counted=(3,)))[4] == 3
