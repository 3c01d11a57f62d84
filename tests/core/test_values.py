from __future__ import annotations

import pytest

from router.core.cost.preference import Side
from router.core.values import Cell, Mixture, Row, Step, Usage


def test_cached_input_is_part_of_the_input() -> None:
    assert Usage(input=100, cached=60, output=20).total == 120


def test_a_mixtures_input_is_what_was_not_cached() -> None:
    assert Mixture(input=40, cached=60, output=20).total == 120


def test_filters_come_before_cost() -> None:
    first, second, *_, last = Step
    assert (first, second, last) == (Step.SCOPE, Step.EGRESS, Step.COST)


def test_sides_are_named_as_in_reports() -> None:
    assert [side.value for side in Side] == ["local", "cloud"]


def test_values_cannot_change() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Usage().input = 5  # type: ignore[misc]


def test_own_backends_could_have_served_what_either_side_could_and_what_could_not_leave() -> None:
    row = Row(Cell("gpu", "local", "chat", "team", "key"), input=1000, eligible_tokens=30, captive=1, captive_tokens=12)
    assert row.own_tokens == 42
