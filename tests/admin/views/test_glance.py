"""Spend at a glance: the same figures as the days and the month have by themselves."""

from __future__ import annotations

import pytest
from support.control import API, GPU, NOON

from router.core.values import Cell, Usage

DAY = 86_400
LEGAL = Cell("gpu", "local", "chat", "legal", "bot")


@pytest.fixture
async def traffic(settle, rent):
    """Today, yesterday, this month, last month, and three months ago."""
    await settle(GPU, counterfactual=250)
    await settle(API, cost=400, usage=Usage(input=200, cached=0, output=10))
    for back, cost in ((1, 30), (8, 1000), (40, 7), (89, 500), (90, 9_000)):
        await settle(API, NOON - back * DAY, cost=cost)
    await settle(LEGAL, counterfactual=90)
    await rent({"busy": 40_000, "idle": 10_000})


async def answer_of(plane, path: str) -> dict:
    answer = await plane.get(f"/api/spend{path}")
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize("query", ["", "team=search", "team=search&team=legal", "backend=gpu", "key=bot", "model=none"])
async def test_it_says_what_each_day_and_the_month_say(query, plane, traffic):
    found = await answer_of(plane, f"/glance?{query}")
    days, month = [await answer_of(plane, f"?range={each}&{query}") for each in ("90d", "month")]
    assert found["days"] == [{name: point[name] for name in found["days"][0]} for point in days["series"]]
    assert len(found["days"]) == 90 and found["days"][-1]["day"] == "2026-11-25"
    total = {name: month["total"][name] for name in ("requests", "cost_micro_usd", "rent_micro_usd")}
    assert found["month"] == {**total, "forecast": month["forecast"]}


async def test_of_a_gateway_without_traffic_there_are_zeros_and_no_forecast(plane):
    found = await answer_of(plane, "/glance")
    assert [day["requests"] for day in found["days"]] == [0] * 90
    assert found["month"] == {"requests": 0, "cost_micro_usd": 0, "rent_micro_usd": 0, "forecast": None}


async def test_one_question_reads_the_day_that_is_not_over_once(plane, traffic, valkey):
    await answer_of(plane, "/glance")
    valkey.config_resetstat()
    await answer_of(plane, "/glance")
    assert valkey.info("commandstats")["cmdstat_eval"]["calls"] == 1
