from __future__ import annotations

import pytest

from router.core.cost.passed_by import PassedBy, past_gpu_sentence, sent_past
from router.core.values import Cell, GpuFigures, Rates, Row

BIG = PassedBy(12_300_000, 4.12)
POWER = {"driver": "command", "start": {"run": ["a"]}, "stop": {"run": ["b"]}, "look": {"run": ["c"]}}


def row(zone: str = "cloud", tokens: int = 100, value: int = 5, other: int = 1) -> Row:
    usd = 1_000_000_000
    cell = Cell("api", zone, "chat", "search", "app")
    return Row(
        cell,
        input=170,
        output=30,
        cost=9 * usd,
        eligible_tokens=tokens,
        cloud_value=value * usd,
        counterfactual=other * usd,
    )


def test_only_what_the_cloud_served_and_own_backends_could_have_served_counts(make) -> None:
    rows = [row(), row(value=2, other=0), row("local"), row(tokens=0, value=0, other=0)]
    assert sent_past(make.plan(), rows) == PassedBy(200, 6.0)


def test_what_the_last_day_cost(make) -> None:
    assert past_gpu_sentence(make.plan(), BIG) == (
        "`strategy: threshold` sends tokens to the cloud past a GPU whose rent runs, while there are fewer than 500 K a"
        " day: in the last 24 hours 12.3 M, for $4.12; give the GPU `power`, or take `local_first`."
    )
    assert "in the last 24 hours that cost nothing." in past_gpu_sentence(make.plan(), PassedBy(0, 0.0))


def test_without_a_ledger_it_is_what_it_costs_at_most(make) -> None:
    """The cloud's blended price is $0.2625 per million tokens."""
    threshold = {"strategy": "threshold", "threshold_tokens_per_day": 40_000_000}
    told = past_gpu_sentence(make.plan(cost=threshold))
    assert "fewer than 40 M a day: that costs up to $10 a day; " in told
    small = GpuFigures(24.0, 0.0, 20_000_000.0)
    assert "up to $5.25 a day" in past_gpu_sentence(make.plan(gpu=small, cost=threshold))


def test_a_break_even_that_is_never_reached_has_no_line(make) -> None:
    plan = make.plan(gpu=GpuFigures(24.0, 0.0, 1_000_000.0), cost={"strategy": "breakeven"})
    told = past_gpu_sentence(plan)
    assert "whose rent runs: that costs $0.26 for each million of them" in told


@pytest.mark.parametrize("strategy", ["cheapest", "local_first", "cloud_first"])
def test_other_strategies_do_not_go_by_volume(make, strategy: str) -> None:
    assert past_gpu_sentence(make.plan(cost={"strategy": strategy}), BIG) == ""


def test_there_is_nothing_to_say_without_a_rent_a_twin_or_a_difference(make) -> None:
    assert past_gpu_sentence(make.plan(gpu=GpuFigures(0.0, 0.0, None)), BIG) == ""
    assert past_gpu_sentence(make.plan([make.route("gpu")]), BIG) == ""
    assert past_gpu_sentence(make.plan([make.route("openai")]), BIG) == ""
    assert past_gpu_sentence(make.plan(gpu=GpuFigures(24.0, 1.0, None)), BIG) == ""


def test_where_units_are_switched_nothing_is_sent_past_one_that_is_on(make) -> None:
    served = {"kind": "openai", "url": "http://127.0.0.1:1/v1", "serves": {"chat": "m"}}
    backends = {"gpu": {"zone": "local", "power": POWER, **served}, "openai": {"zone": "cloud", **served}}
    assert past_gpu_sentence(make.plan(), BIG) and not past_gpu_sentence(make.plan(backends=backends), BIG)


def test_rates_are_those_of_the_cloud(make) -> None:
    dear = make.route("openai", rates=Rates(input=2.0, output=2.0, cached_input=2.0, cache_write=2.0))
    assert "up to $1.00 a day" in past_gpu_sentence(make.plan([make.route("gpu"), dear]))
