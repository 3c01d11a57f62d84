from __future__ import annotations

from typing import Any

import pytest

from router.core.cost.order import Comparison, comparison_of, in_order, prefer, remembered, side_of, volume_bands
from router.core.cost.preference import Preference, Side
from router.core.policy import CostOverride
from router.core.values import Mixture, Rates


def comparison(make: Any, tokens: int = 0, override: CostOverride | None = None, **options: Any) -> Comparison:
    """`options` are `strategy`, `facts` and `seen` (instead of `tokens`), and those of make.plan."""
    cost = {name: options.pop(name) for name in ("strategy",) if name in options}
    facts = options.pop("facts", make.facts())
    snapshot = make.snapshot(seen=options.pop("seen", Mixture(input=tokens)))
    plan = make.plan(cost=cost, **options)
    return comparison_of(facts, plan, snapshot, plan.models["chat"].routes, override)


def preferred(make: Any, tokens: int, override: CostOverride) -> tuple[Side, str]:
    preference = prefer(comparison(make, tokens, override))
    return preference.side, preference.reason


def test_a_rule_replaces_strategy_or_threshold_for_its_requests(make):
    by_strategy = CostOverride(strategy="local_first")
    by_threshold = CostOverride(threshold_tokens_per_day=100)
    assert preferred(make, 100, override=by_strategy) == (Side.LOCAL, "local-first")
    assert preferred(make, 100, override=by_threshold) == (Side.LOCAL, "threshold-above")
    assert preferred(make, 100, override=CostOverride()) == (Side.CLOUD, "threshold-below")


def test_a_rule_does_not_move_the_hysteresis_of_other_requests(make):
    override = CostOverride(strategy="local_first")
    one = comparison(make, 100, override=override)
    assert remembered(one, prefer(one), override) is Side.CLOUD
    assert remembered(one, Preference(Side.LOCAL, "", ""), None) is Side.LOCAL


PRICEY = Rates(10.0, 10.0, 10.0, 10.0)
READER, WRITER = Rates(1.0, 2.0, 1.0, 1.0), Rates(0.1, 9.0, 0.1, 0.1)
"""Cheap output and dear input, and the other way round."""


def order(make, preferred_side: Side, backends: dict[str, Rates], **options: Any) -> list[str]:
    routes = [make.route(name, rates=rates) for name, rates in backends.items()]
    one = comparison(make, routes=routes, **options)
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
    one = comparison(make)
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


def test_the_band_of_the_policys_own_strategy(make):
    far, near = make.snapshot(tokens=1), make.snapshot(tokens=500_000)
    assert [volume_bands(make.plan())(each) for each in (far, near)] == ["below", "above"]
    assert volume_bands(make.plan(cost={"strategy": "cloud_first"}))(near) is None
