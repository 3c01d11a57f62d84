from __future__ import annotations

import pytest

from router.core.sizing.worth import cost


def test_a_million_tokens_at_full_load() -> None:
    """1,000 tokens a second are 3.6 million an hour."""
    found = cost(3.6, 1, 1000)
    assert found.per_hour == 3.6
    assert found.full_load == pytest.approx(1.0)
    assert (found.at_volume, found.against) == (None, None)


def test_cards_are_paid_each() -> None:
    assert cost(3.6, 2, 1000).full_load == pytest.approx(2.0)


def test_at_a_volume_the_days_rent_is_shared_by_the_days_tokens() -> None:
    found = cost(1.0, 1, 1000, volume=2e6)
    assert (found.at_volume, found.cards_for_volume) == (pytest.approx(12.0), 1)


def test_a_volume_beyond_what_they_serve_is_served_by_more_of_them_and_costs_no_less_than_at_full_load() -> None:
    """1,000 tokens a second are 86.4 million a day."""
    found = cost(1.0, 2, 1000, volume=200e6)
    assert found.cards_for_volume == 6
    assert found.at_volume == pytest.approx(3 * 48 / 200)
    assert found.at_volume >= found.full_load
    assert cost(1.0, 2, 1000, volume=86.4e6).cards_for_volume == 2
    assert cost(1.0, 2, 0, volume=1e6).at_volume is None


def test_the_break_even_is_that_of_routing() -> None:
    found = cost(1.0, 1, 1000, api_price=0.5).against
    assert found is not None
    assert found.tokens_per_day == pytest.approx(48e6)
    assert found.reachable
    never = cost(1.0, 1, 100, api_price=0.5).against
    assert never is not None
    assert not never.reachable


def test_what_serves_nothing_costs_beyond_measure() -> None:
    assert cost(1.0, 1, 0).full_load == float("inf")
