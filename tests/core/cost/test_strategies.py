from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.cost.order import Comparison, comparison_of, prefer
from router.core.cost.preference import Side
from router.core.cost.strategies import STRATEGIES, LooksAt
from router.core.policy import StrategyName
from router.core.values import GpuFigures, Mixture, Rates

COST = ("strategy", "threshold_tokens_per_day", "window", "hysteresis")


def comparison(make, tokens: int = 0, previous: Side = Side.CLOUD, **options: Any) -> Comparison:
    """`options` are those of the policy's cost section, `facts`, `cloud_price` and `seen` (instead of `tokens`), and of
    make.plan."""
    cost = {name: options.pop(name) for name in COST if name in options}
    facts = options.pop("facts", make.facts())
    now = {"seen": options.pop("seen", Mixture(input=tokens)), "cloud_price": options.pop("cloud_price", None)}
    snapshot = make.snapshot(previous=previous, **now)
    plan = make.plan(cost=cost, **options)
    return comparison_of(facts, plan, snapshot, plan.models["chat"].routes, None)


def preferred(make, *args: Any, **options: Any) -> tuple[Side, str]:
    preference = prefer(comparison(make, *args, **options))
    return preference.side, preference.reason


def test_what_is_registered_is_what_a_policy_may_name():
    assert tuple(STRATEGIES) == get_args(StrategyName)
    assert all(name == strategy.name for name, strategy in STRATEGIES.items())


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_that_looks_at_the_volume_says_where_it_switches(name: str):
    strategy = STRATEGIES[name]
    assert (strategy.looks_at is LooksAt.VOLUME) == (strategy.switches_at is not None)
    assert strategy.looks_at is LooksAt.REQUEST or not strategy.by_price


@pytest.mark.parametrize(
    ("tokens", "previous", "side", "reason"),
    [
        (0, Side.CLOUD, Side.CLOUD, "threshold-below"),
        (499_999, Side.CLOUD, Side.CLOUD, "threshold-below"),
        (500_000, Side.CLOUD, Side.LOCAL, "threshold-above"),
        (500_001, Side.LOCAL, Side.LOCAL, "threshold-above"),
        (499_999, Side.LOCAL, Side.LOCAL, "threshold-hysteresis"),
        (400_000, Side.LOCAL, Side.LOCAL, "threshold-hysteresis"),
        (399_999, Side.LOCAL, Side.CLOUD, "threshold-below"),
        (400_000, Side.CLOUD, Side.CLOUD, "threshold-below"),
    ],
)
def test_the_threshold_switches_at_n_and_back_below_the_band(
    make, tokens: int, previous: Side, side: Side, reason: str
):
    assert preferred(make, tokens, previous, strategy="threshold", threshold_tokens_per_day=500_000) == (side, reason)


def test_the_volume_is_all_eligible_tokens(make):
    seen = Mixture(input=200, cached=200, output=100)
    assert preferred(make, seen=seen, threshold_tokens_per_day=500) == (Side.LOCAL, "threshold-above")


@pytest.mark.parametrize(("hysteresis", "back_below"), [(0.7, 3), (0.9, 1), (0.3, 7), (0.0, 10)])
def test_the_band_is_exact_to_the_token(make, hysteresis: float, back_below: int):
    options = {"hysteresis": hysteresis, "threshold_tokens_per_day": 10}
    assert preferred(make, back_below, Side.LOCAL, **options)[0] is Side.LOCAL
    assert preferred(make, back_below - 1, Side.LOCAL, **options)[0] is Side.CLOUD


@given(
    volumes=st.lists(st.integers(0, 1000), max_size=30),
    threshold=st.integers(1, 1000),
    hysteresis=st.sampled_from([0.0, 0.1, 0.2, 0.5]),
)
def test_the_side_changes_only_at_the_two_edges_of_the_band(
    make, volumes: list[int], threshold: int, hysteresis: float
):
    side = Side.CLOUD
    for volume in volumes:
        before, side = side, preferred(make, volume, side, threshold_tokens_per_day=threshold, hysteresis=hysteresis)[0]
        if before is not side:
            assert volume >= threshold if side is Side.LOCAL else volume < threshold * (1 - hysteresis) + 1e-6


@pytest.mark.parametrize(
    ("window", "words"), [("today", "today"), ("trailing_24h", "in the last 24 hours"), ("yesterday", "yesterday")]
)
def test_the_sentence_says_volume_window_and_threshold(make, window: str, words: str):
    preference = prefer(comparison(make, 1_234, threshold_tokens_per_day=500_000, window=window))
    assert preference.explanation == (
        f"1,234 eligible tokens {words}, below the threshold of 500,000: the cloud is preferred."
    )


GPU = GpuFigures(fixed_usd_per_day=0.2625, variable_usd_per_million=0.0, capacity_tokens_per_day=None)
"""Breaks even with gpt-4o-mini at 1,000,000 tokens a day, three in for one out."""
PRIOR = (0.75, 0.0, 0.25)


def seen(total: int, mix: tuple[float, float, float] = PRIOR) -> Mixture:
    uncached, cached = round(total * mix[0]), round(total * mix[1])
    return Mixture(uncached, cached, total - uncached - cached)


@pytest.mark.parametrize(
    ("tokens", "previous", "side", "reason"),
    [
        (0, Side.CLOUD, Side.CLOUD, "breakeven-below"),
        (999_996, Side.CLOUD, Side.CLOUD, "breakeven-below"),
        (1_000_000, Side.CLOUD, Side.LOCAL, "breakeven-above"),
        (999_996, Side.LOCAL, Side.LOCAL, "breakeven-hysteresis"),
        (800_000, Side.LOCAL, Side.LOCAL, "breakeven-hysteresis"),
        (799_996, Side.LOCAL, Side.CLOUD, "breakeven-below"),
    ],
)
def test_the_break_even_switches_like_a_threshold(make, tokens: int, previous: Side, side: Side, reason: str):
    assert preferred(make, previous=previous, seen=seen(tokens), strategy="breakeven", gpu=GPU) == (side, reason)


def test_the_break_even_follows_the_mix_that_was_seen(make):
    outputs = (0.0, 0.0, 1.0)  # dear tokens: breaks even at 437,500
    assert preferred(make, seen=seen(437_500, outputs), strategy="breakeven", gpu=GPU)[0] is Side.LOCAL
    assert preferred(make, seen=seen(437_500), strategy="breakeven", gpu=GPU)[0] is Side.CLOUD


def test_the_break_even_is_that_of_this_traffic_once_its_price_is_known(make):
    """Each request at its own cheapest route: the cheapest of all models may cost a fraction of it, or the other way
    round."""
    terms = {"seen": seen(500_000), "strategy": "breakeven", "gpu": GPU}
    assert preferred(make, **terms) == (Side.CLOUD, "breakeven-below")
    assert preferred(make, cloud_price=0.2625 * 16.7, **terms) == (Side.LOCAL, "breakeven-above")
    assert preferred(make, cloud_price=0.2625 / 16.7, **terms) == (Side.CLOUD, "breakeven-below")


@pytest.mark.parametrize(
    ("variable", "capacity", "words"),
    [(1.0, None, "they never break even"), (0.0, 999_999.0, "more than the 999,999 that the own GPUs can serve")],
)
def test_a_break_even_out_of_reach_prefers_the_cloud_and_says_so(
    make, variable: float, capacity: float | None, words: str
):
    gpu = GpuFigures(0.2625, variable, capacity)
    preference = prefer(comparison(make, 10_000_000, Side.LOCAL, strategy="breakeven", gpu=gpu))
    assert (preference.side, preference.reason) == (Side.CLOUD, "breakeven-unreachable")
    assert words in preference.explanation


def test_without_a_model_on_both_sides_there_is_no_break_even(make):
    preference = prefer(comparison(make, strategy="breakeven", routes=[make.route("gpu")]))
    assert (preference.side, preference.reason) == (Side.CLOUD, "breakeven-unreachable")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("local_first", (Side.LOCAL, "local-first")), ("cloud_first", (Side.CLOUD, "cloud-first"))],
)
def test_fixed_sides(make, strategy: str, expected: tuple[Side, str]):
    assert preferred(make, strategy=strategy) == expected


@pytest.mark.parametrize(("power", "side"), [(0.0, Side.LOCAL), (10.0, Side.CLOUD)])
def test_cheapest_compares_what_one_more_request_costs(make, power: float, side: Side):
    routes = [make.route("openai"), make.route("gpu", rates=Rates(power, power, power, power))]
    assert preferred(make, strategy="cheapest", routes=routes) == (side, "cheapest")


def test_cheapest_breaks_a_tie_by_the_declared_order(make):
    routes = [make.route("openai", rates=make.free), make.route("gpu")]
    assert preferred(make, strategy="cheapest", routes=routes)[0] is Side.CLOUD
