from __future__ import annotations

import pytest

from router.core.cost.breakeven import (
    MIX_COUNTS_FROM,
    Shares,
    blended,
    break_even,
    break_even_at,
    price_of_traffic,
    shares,
)
from router.core.policy import Mix
from router.core.values import Cell, GpuFigures, Mixture, Rates, Row

MINI = Rates(input=0.15, output=0.60, cached_input=0.075, cache_write=0.15)
L40S = GpuFigures(fixed_usd_per_day=24 * 1.09, variable_usd_per_million=0.0, capacity_tokens_per_day=None)


@pytest.mark.parametrize(
    ("gpu_usd_per_hour", "cloud", "mix", "tokens_per_day"),
    [
        # L40S against gpt-4o-mini: three tokens in for one out, and four for one
        (1.09, (0.15, 0.60), Shares(0.75, 0.0, 0.25), 99.7e6),
        (1.09, (0.15, 0.60), Shares(0.80, 0.0, 0.20), 109.0e6),
        # A100 against one price of $0.72 for input and output: the mix does not matter
        (1.59, (0.72, 0.72), Shares(0.5, 0.0, 0.5), 53.0e6),
    ],
)
def test_known_break_evens(gpu_usd_per_hour: float, cloud: tuple[float, float], mix: Shares, tokens_per_day: float):
    gpu = GpuFigures(24 * gpu_usd_per_hour, 0.0, None)
    result = break_even(gpu, Rates(cloud[0], cloud[1], cloud[0], cloud[0]), mix)
    assert result.tokens_per_day == pytest.approx(tokens_per_day, rel=1e-3)
    assert result.reachable


def test_at_the_break_even_both_sides_cost_the_same():
    gpu = GpuFigures(fixed_usd_per_day=40.0, variable_usd_per_million=0.03, capacity_tokens_per_day=None)
    mix = Shares(0.5, 0.3, 0.2)
    result = break_even(gpu, MINI, mix)
    assert result.tokens_per_day is not None
    millions = result.tokens_per_day / 1e6
    assert 40.0 + 0.03 * millions == pytest.approx(blended(MINI, mix) * millions)


def test_the_terms_are_shown():
    result = break_even(L40S, MINI, Shares(0.5, 0.25, 0.25))
    assert result.fixed_usd_per_day == pytest.approx(26.16)
    assert result.cloud_usd_per_million == pytest.approx(0.5 * 0.15 + 0.25 * 0.075 + 0.25 * 0.60)
    assert result.local_usd_per_million == 0.0
    assert result.capacity_tokens_per_day is None


@pytest.mark.parametrize("variable", [0.2625, 5.0])
def test_a_cloud_that_is_no_dearer_per_token_is_never_beaten(variable: float):
    result = break_even(GpuFigures(26.16, variable, None), MINI, Shares(0.75, 0.0, 0.25))
    assert result.tokens_per_day is None
    assert not result.reachable


@pytest.mark.parametrize(("capacity", "reachable"), [(100e6, True), (99e6, False)])
def test_a_break_even_above_the_capacity_is_not_reachable(capacity: float, reachable: bool):
    gpu = GpuFigures(26.16, 0.0, capacity)
    result = break_even(gpu, MINI, Shares(0.75, 0.0, 0.25))
    assert result.tokens_per_day == pytest.approx(99.66e6, rel=1e-4)
    assert result.reachable is reachable
    assert result.capacity_tokens_per_day == capacity


def test_a_gpu_that_is_paid_for_breaks_even_at_once():
    assert break_even(GpuFigures(0.0, 0.0, 1.0), MINI, Shares(1.0, 0.0, 0.0)).tokens_per_day == 0
    assert break_even(GpuFigures(0.0, 0.0, 1.0), MINI, Shares(1.0, 0.0, 0.0)).reachable


def test_the_mix_is_the_assumed_one_until_enough_was_seen():
    prior = Mix(input=0.6, cached=0.1, output=0.3)
    assert shares(Mixture(input=MIX_COUNTS_FROM - 1), prior) == Shares(0.6, 0.1, 0.3)
    assert shares(Mixture(input=5_000, cached=2_000, output=3_000), prior) == Shares(0.5, 0.2, 0.3)


def eligible(tokens: int, value: int) -> Row:
    return Row(Cell("gpu", "local", "chat", "search", "app"), eligible_tokens=tokens, cloud_value=value)


def test_the_price_of_traffic_is_what_its_requests_would_have_cost_in_the_cloud():
    assert price_of_traffic([eligible(900_000, 900_000_000), eligible(100_000, 9_000_000_000)]) == pytest.approx(9.9)


@pytest.mark.parametrize("rows", [[], [eligible(9_999, 10**9)], [eligible(10**6, 0)]])
def test_too_little_traffic_or_none_with_a_price_tells_nothing(rows):
    assert price_of_traffic(rows) is None


def test_at_a_price_it_is_the_same_formula(make):
    assert break_even_at(make.l40s, 1.0).tokens_per_day == pytest.approx(24 * 1.09 * 1e6)
