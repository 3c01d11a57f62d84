from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.cost.strategy import STRATEGIES, case_of, in_order, prefer, remembered, side_of
from router.core.policy import CostOverride, Strategy
from router.core.values import GpuFigures, Mixture, Preference, Rates, Side

COST = ("strategy", "threshold_tokens_per_day", "window", "hysteresis")


def case(make, tokens: int = 0, previous: Side = Side.CLOUD, override: CostOverride | None = None, **options: Any):
    """`options` are those of the policy's cost section, `facts` and `seen` (instead of `tokens`), and of make.plan."""
    cost = {name: options.pop(name) for name in COST if name in options}
    facts = options.pop("facts", make.facts())
    snapshot = make.snapshot(previous=previous, seen=options.pop("seen", Mixture(input=tokens)))
    plan = make.plan(cost=cost, **options)
    return case_of(facts, plan, snapshot, plan.models["chat"].routes, override)


def preferred(make, *args: Any, **options: Any) -> tuple[Side, str]:
    preference = prefer(case(make, *args, **options))
    return preference.side, preference.reason


def test_every_strategy_of_the_policy_is_in_the_table():
    assert set(STRATEGIES) == set(get_args(Strategy))


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
    preference = prefer(case(make, 1_234, threshold_tokens_per_day=500_000, window=window))
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


@pytest.mark.parametrize(
    ("variable", "capacity", "words"),
    [(1.0, None, "they never break even"), (0.0, 999_999.0, "more than the 999,999 that the own GPUs can serve")],
)
def test_a_break_even_out_of_reach_prefers_the_cloud_and_says_so(
    make, variable: float, capacity: float | None, words: str
):
    gpu = GpuFigures(0.2625, variable, capacity)
    preference = prefer(case(make, 10_000_000, Side.LOCAL, strategy="breakeven", gpu=gpu))
    assert (preference.side, preference.reason) == (Side.CLOUD, "breakeven-unreachable")
    assert words in preference.explanation


def test_without_a_model_on_both_sides_there_is_no_break_even(make):
    preference = prefer(case(make, strategy="breakeven", routes=[make.route("gpu")]))
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


def test_a_rule_replaces_strategy_or_threshold_for_its_requests(make):
    by_strategy = CostOverride(strategy="local_first")
    by_threshold = CostOverride(threshold_tokens_per_day=100)
    assert preferred(make, 100, override=by_strategy) == (Side.LOCAL, "local-first")
    assert preferred(make, 100, override=by_threshold) == (Side.LOCAL, "threshold-above")
    assert preferred(make, 100, override=CostOverride()) == (Side.CLOUD, "threshold-below")


def test_a_rule_does_not_move_the_hysteresis_of_other_requests(make):
    override = CostOverride(strategy="local_first")
    one = case(make, 100, override=override)
    assert remembered(one, prefer(one), override) is Side.CLOUD
    assert remembered(one, Preference(Side.LOCAL, "", ""), None) is Side.LOCAL


PRICEY = Rates(10.0, 10.0, 10.0, 10.0)
READER, WRITER = Rates(1.0, 2.0, 1.0, 1.0), Rates(0.1, 9.0, 0.1, 0.1)
"""Cheap output and dear input, and the other way round."""


def order(make, preferred_side: Side, backends: dict[str, Rates], **options: Any) -> list[str]:
    routes = [make.route(name, rates=rates) for name, rates in backends.items()]
    one = case(make, routes=routes, **options)
    return [route.backend for route in in_order(one, preferred_side, routes)]


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (Side.LOCAL, ["gpu-b", "gpu-a", "cheap", "same", "dear"]),
        (Side.CLOUD, ["cheap", "same", "dear", "gpu-b", "gpu-a"]),
    ],
)
def test_inside_a_side_the_cheaper_goes_first_then_the_declared_order(make, side: Side, expected: list[str]):
    backends = {"dear": PRICEY, "gpu-a": READER, "cheap": READER, "same": READER, "gpu-b": make.free}
    assert order(make, side, backends) == expected


def test_cheapest_orders_over_both_sides(make):
    backends = {"dear": PRICEY, "gpu-a": READER, "cheap": WRITER, "gpu-b": make.free}
    facts = make.facts(input_tokens=100, max_output_tokens=1)
    assert order(make, Side.LOCAL, backends, strategy="cheapest", facts=facts) == ["gpu-b", "cheap", "gpu-a", "dear"]


@pytest.mark.parametrize(("side", "expected"), [(Side.LOCAL, ["gpu", "a"]), (Side.CLOUD, ["a", "gpu"])])
def test_one_backend_on_each_side_needs_no_price(make, side: Side, expected: list[str]):
    assert order(make, side, {"a": PRICEY, "gpu": make.free}) == expected
    assert order(make, side, {"gpu": make.free, "a": PRICEY}) == expected


def test_one_or_no_backend_is_in_order(make):
    assert order(make, Side.LOCAL, {"a": PRICEY}) == ["a"]
    one = case(make)
    assert in_order(one, Side.LOCAL, []) == []


@pytest.mark.parametrize(
    ("limit", "expected"), [(10, ["writer", "reader"]), (1000, ["reader", "writer"]), (None, ["reader", "writer"])]
)
def test_the_price_depends_on_the_expected_output(make, limit: int | None, expected: list[str]):
    """Without a limit the output is a third of the input, by the policy's mix of 3 to 1."""
    facts = make.facts(input_tokens=100, max_output_tokens=limit)
    assert order(make, Side.CLOUD, {"writer": WRITER, "reader": READER}, facts=facts) == expected


def test_a_mix_of_outputs_only_has_an_expected_output(make):
    backends = {"writer": WRITER, "reader": READER}
    assert order(make, Side.CLOUD, backends, seen=Mixture(output=20_000)) == ["reader", "writer"]


def test_sides(make):
    assert side_of(make.route("gpu")) is Side.LOCAL
    assert side_of(make.route("openai")) is Side.CLOUD
