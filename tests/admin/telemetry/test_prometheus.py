"""What Prometheus reads."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from support.control import API, GPU, NOON, VIEWER

from router.admin.sources.interface import NoMeters, Sources
from router.core.values import Cell

DAY = 86_400
NAMES = ("requests", "errors", "input", "cached", "output", "cost", "counterfactual", "estimated", "unsettled")


async def scrape(plane) -> dict[tuple, float]:
    """Values by name and labels."""
    answer = await plane.get("/metrics", VIEWER)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.body.decode())
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def labelled(name: str, backend: str, zone: str, model: str = "chat") -> tuple:
    return (name, ("backend", backend), ("model", model), ("team", "search"), ("zone", zone))


async def test_counters_equal_the_ledgers_totals(plane, settle):
    await settle(GPU, counterfactual=250)
    await settle(API, cost=400, error=True)
    found = await scrape(plane)
    assert found[labelled("breakeven_requests_total", "gpu", "local")] == 1
    assert found[labelled("breakeven_counterfactual_micro_usd_total", "gpu", "local")] == 250
    assert found[labelled("breakeven_cost_micro_usd_total", "api", "cloud")] == 400
    assert found[labelled("breakeven_errors_total", "api", "cloud")] == 1
    assert found[labelled("breakeven_input_tokens_total", "api", "cloud")] == 100
    assert not any("key" in str(name) for name in found)


async def test_gauges_of_the_break_even(plane, settle):
    await settle(GPU)
    found = await scrape(plane)
    assert found["breakeven_volume_tokens",] == found["breakeven_today_tokens",] == 107
    assert found["breakeven_gpu_fixed_usd_per_day",] == 24
    assert found["breakeven_threshold_tokens_per_day",] == 500_000
    assert found["breakeven_ledger_up",] == found["breakeven_policy_adopted",] == 1
    version = plane.control.desk.plan.version
    assert found["breakeven_policy_info", ("version", version)] == 1


async def test_counters_go_on_over_midnight_and_count_late_settlements(plane, settle, clock):
    await settle(API, cost=1)
    await scrape(plane)
    clock.now += DAY
    await settle(API, NOON, cost=10)
    await settle(API, cost=100)
    assert (await scrape(plane))[labelled("breakeven_cost_micro_usd_total", "api", "cloud")] == 111
    for _ in range(6):
        clock.now += DAY
        await settle(API, cost=1000)
        found = await scrape(plane)
    assert found[labelled("breakeven_cost_micro_usd_total", "api", "cloud")] == 6111
    assert plane.control.totals._open_from == "2026-11-29"


async def test_histograms_are_added_where_they_are_measured(start):
    class Measured(NoMeters):
        async def metrics(self):
            family = HistogramMetricFamily("breakeven_duration_seconds", "x")
            family.add_metric([], [("1.0", 2), ("+Inf", 3)], 4.0)
            return [family]

    found = await scrape(await start(Sources(meters=Measured())))
    assert found["breakeven_duration_seconds_bucket", ("le", "1.0")] == 2


async def test_a_lost_ledger_is_a_figure_too(start, settings):
    plane = await start(given=msgspec.structs.replace(settings, redis="unix:///nowhere/valkey.sock"))
    found = await scrape(plane)
    assert found["breakeven_ledger_up",] == 0 and not any("_total" in name[0] for name in found)


@pytest.mark.parametrize("name", ['<img src=x onerror=alert(1)>"\\', "a\nb"])
async def test_names_cannot_break_the_format(name, plane, settle):
    await settle(Cell("api", "cloud", name, "search", "app"), cost=7)
    found = await scrape(plane)
    assert found[labelled("breakeven_cost_micro_usd_total", "api", "cloud", name)] == 7
