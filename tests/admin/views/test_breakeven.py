"""The break-even page."""

from __future__ import annotations

import pytest
from support.control import API, GPU, NOON

from router.core.values import Usage


async def economy(plane) -> dict:
    answer = await plane.get("/api/breakeven")
    assert answer.status == 200, answer.body
    return answer.json


async def test_terms_and_sentence(plane, settle):
    await settle(GPU, usage=Usage(input=7_500_000, cached=500_000, output=1_000_000))
    await settle(API, NOON - 20 * 3600, usage=Usage(input=1_000_000, cached=0, output=500_000))
    answer = await economy(plane)
    total = 10_000_000
    shares = (8_000_000 / total, 500_000 / total, 1_500_000 / total)
    cloud = shares[0] * 1 + shares[1] * 1 + shares[2] * 2
    assert answer["today_tokens"] == 8_500_000 and answer["trailing_tokens"] == answer["window_tokens"] == total
    assert tuple(answer["mix"].values()) == pytest.approx(shares) and not answer["mix_is_assumed"]
    assert answer["cloud_usd_per_million"] == pytest.approx(cloud)
    assert answer["break_even_tokens_per_day"] == pytest.approx(24 / cloud * 1e6)
    assert answer["gpu_usd_per_day"] == 24.0 and answer["cloud_usd_per_day"] == pytest.approx(11.5)
    assert answer["load"] == pytest.approx(total / 86_400_000)
    assert answer["sentence"] == (
        "At a volume of 10 M tokens a day the GPU costs $12 a day more than the cloud would; "
        "it breaks even at 20.9 M tokens a day."
    )
    assert {term["symbol"]: term["value"] for term in answer["terms"]}["F"] == 24.0
    assert (answer["strategy"], answer["band"], answer["threshold_tokens_per_day"]) == ("threshold", "above", 500_000)


async def test_before_there_is_traffic_the_policys_mix_is_assumed(plane):
    answer = await economy(plane)
    assert answer["mix_is_assumed"] and answer["mix"] == {"input": 0.75, "cached": 0.0, "output": 0.25}
    assert answer["trailing_tokens"] == 0 and answer["load"] == 0.0


async def test_a_policy_with_one_side_has_no_break_even(start, settings, policy):
    policy.write_text(policy.read_text().replace("[gpu, api]", "[gpu]").replace("1000}}", "1000}}\n"))
    answer = await economy(await start())
    assert answer["sentence"].startswith("No model is served by both")
    assert answer["break_even_tokens_per_day"] is None and not answer["reachable"]
    assert answer["cloud_usd_per_day"] is None and answer["gpu_usd_per_day"] == 24.0


async def test_the_price_is_that_of_the_traffic_once_there_is_enough_of_it(plane, settle):
    """Of two models of different price, and of what may leave."""
    await settle(GPU, usage=Usage(input=8_000_000, output=0), counterfactual=8_000_000, local=True)
    await settle(API, usage=Usage(input=2_000_000, output=0), cost=18_000_000)
    await settle(GPU, usage=Usage(input=90_000_000, output=0), eligible=False, captive=True, local=True)
    answer = await economy(plane)
    assert (answer["cloud_usd_per_million"], answer["price_is_assumed"]) == (2.6, False)
    assert answer["trailing_tokens"] == 10_000_000
    assert answer["break_even_tokens_per_day"] == pytest.approx(24 / 2.6 * 1e6)
    assert {term["symbol"] for term in answer["terms"]} & {"p_input", "c"} == {"c"}
    lines = (await plane.get("/api/spend")).json["lines"]
    assert lines["break_even_tokens_per_day"] == answer["break_even_tokens_per_day"]
