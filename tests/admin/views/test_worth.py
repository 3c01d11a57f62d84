"""Whether own GPUs are worth their rent, and what would be."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta

import pytest
from support.control import API, GPU, NOON, POLICY
from support.rented import rent_book

from router.cli import main
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.values import Usage
from router.ledger.power import PowerEvent, open_power

DAY = 86_400.0
HOUR = 3600.0


async def worth(plane) -> dict:
    answer = await plane.get("/api/worth")
    assert answer.status == 200, answer.body
    return answer.json


async def suppose(plane, query: str = "") -> dict:
    answer = await plane.get(f"/api/worth/suppose{query}")
    assert answer.status == 200, answer.body
    return answer.json


@pytest.fixture
async def rented(valkey, session_valkey):
    """`await rented(back, busy, idle)`: micro-USD of rent of so many days ago."""
    at = 0

    async def one(back: int, busy: int, idle: int) -> None:
        nonlocal at
        day = (date(2026, 11, 25) - timedelta(days=back)).isoformat()
        entries = [RentEntry(day, RentState.BUSY, 1000, busy * 1000), RentEntry(day, RentState.IDLE, 1000, idle * 1000)]
        before, at = Meter(at, at), at + 1
        async with rent_book(session_valkey) as book:
            assert await book.accrue({("gpu", 0): Accrual(before, Meter(at, at), tuple(entries))}, 86_400)

    return one


@pytest.fixture
async def traffic(settle, rented):
    """Three days of this month and one of the last: each day the GPU served what would have cost $5, for $1 of rent."""
    for back in (0, 1, 2, 26):
        usage = Usage(input=4_000_000, cached=0, output=500_000)
        await settle(GPU, NOON - back * DAY, usage=usage, counterfactual=5_000_000, local=True)
        await settle(API, NOON - back * DAY, usage=Usage(input=2_000_000, output=0), cost=2_000_000, counterfactual=0)
        await rented(back, 600_000, 400_000)


async def test_net_is_cloud_alone_less_bought_less_rent(plane, traffic):
    answer = await worth(plane)
    month = answer["this_month"]
    assert (month["first"], month["last"], month["requests"]) == ("2026-11-01", "2026-11-25", 6)
    assert month["cloud_alone_micro_usd"] == 21_000_000
    assert month["bought_micro_usd"] == 6_000_000
    assert month["not_bought_micro_usd"] == 15_000_000
    assert (month["rent_busy_micro_usd"], month["rent_idle_micro_usd"]) == (1_800_000, 1_200_000)
    assert month["rent_micro_usd"] == 3_000_000
    assert month["net_micro_usd"] == 12_000_000
    assert answer["sentence"] == (
        "This month so far the own GPUs saved $12: the cloud alone would have cost $21,"
        " against $6.00 for what was bought and $3.00 of rent."
    )
    last = answer["last_month"]
    assert (last["first"], last["last"], last["net_micro_usd"]) == ("2026-10-01", "2026-10-31", 4_000_000)


async def test_it_is_what_usage_says(plane, traffic, session_valkey, capsys):
    span = ["--from", "2026-11-01", "--to", "2026-11-25"]
    assert await asyncio.to_thread(main, ["usage", "--redis", session_valkey, *span, "--json"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    month = (await worth(plane))["this_month"]
    for name in ("cloud_alone", "bought", "rent", "net"):
        assert month[f"{name}_micro_usd"] == round(total[f"{name}_usd"] * 1e6)


async def test_the_forecast_has_a_range_and_begins_with_the_first_traffic(plane, traffic):
    """Of the 27 days before today from the first traffic on three were used; the rest were quiet."""
    answer = await worth(plane)
    month, found = answer["this_month"], answer["forecast"]
    assert found["day"] == "2026-11-30"
    assert found["low_micro_usd"] < found["likely_micro_usd"] < found["high_micro_usd"]
    assert found["likely_micro_usd"] == pytest.approx(month["net_micro_usd"] + 5.5 * 12_000_000 / 26, rel=1e-6)


async def test_before_a_day_is_over_nothing_is_foretold(plane, settle):
    await settle(GPU, counterfactual=5_000_000, local=True)
    answer = await worth(plane)
    assert answer["forecast"] is None and answer["last_month"] is None


async def test_without_traffic_or_a_cloud_price_there_is_nothing_to_compare(start, policy):
    answer = await worth(await start())
    assert answer["sentence"] == "No traffic yet, so there is nothing to compare."
    assert answer["now"]["net_usd"] == -720.0


async def test_without_a_twin_there_is_no_cloud_price(plane, settle, rented):
    await settle(GPU, local=True, eligible=False)
    await rented(0, 10, 0)
    answer = await worth(plane)
    assert answer["sentence"].startswith("There is no cloud price to compare with")
    assert answer["this_month"]["net_micro_usd"] is answer["this_month"]["cloud_alone_micro_usd"] is None
    assert answer["this_month"]["rent_micro_usd"] == 10 and answer["forecast"] is None


async def test_the_demand_of_seven_days_by_hour(plane, traffic, settle):
    await settle(GPU, eligible=False)
    hours = (await worth(plane))["hours"]
    assert len(hours) == 168 and hours[-1]["at"] == NOON
    assert (hours[-1]["tokens"], hours[-1]["local_tokens"]) == (6_500_000, 4_500_000)
    assert hours[-1]["cloud_usd"] == 7.0
    assert sum(hour["tokens"] > 0 for hour in hours) == 3


async def test_a_unit_that_nobody_switches_was_on_while_a_gateway_ran(plane, session_valkey):
    """Of the last three hours of yesterday one is a gap, and nobody has looked today."""
    yesterday = "2026-11-24"
    entries = [
        RentEntry(yesterday, RentState.IDLE, 7_200_000, 2_000_000_000),
        RentEntry(yesterday, RentState.GAP, 3_600_000, 0),
    ]
    async with rent_book(session_valkey) as book:
        await book.accrue({("gpu", 0): Accrual(Meter(), Meter(1, 1), tuple(entries))}, 86_400)
    hours = (await worth(plane))["hours"]
    assert sum(hour["units_on"] for hour in hours) == pytest.approx(2)
    assert {round(hour["units_on"], 6) for hour in hours} == {0, 0.666667}


async def test_before_the_first_look_nothing_was_on(plane):
    assert {hour["units_on"] for hour in (await worth(plane))["hours"]} == {0}


async def test_a_unit_that_costs_nothing_by_time_was_on_since_the_first_traffic(start, policy, settle):
    policy.write_text(POLICY.replace(", cost: {usd_per_hour: 1.0}", ""))
    plane = await start()
    await settle(GPU, NOON - 5 * HOUR, local=True)
    assert [hour["units_on"] for hour in (await worth(plane))["hours"][-7:]] == [0, 1, 1, 1, 1, 1, 0]


async def test_what_could_not_leave_stands_by_itself_with_its_share_of_the_rent(plane, settle, rented):
    await rented(0, 4_000_000, 2_000_000)
    await settle(GPU, usage=Usage(input=300, output=0), counterfactual=3_000_000, local=True)
    await settle(GPU, usage=Usage(input=90, output=10), captive=True, eligible=False, local=True)
    answer = await worth(plane)
    assert answer["could_not_leave"] == {
        "requests": 1,
        "tokens": 100,
        "cost_micro_usd": 0,
        "rent_micro_usd": 1_000_000,
    }


async def test_switches_are_told_with_their_reasons_and_make_the_hours_on(start, policy, session_valkey, settle):
    power = "power: {driver: command, start: {run: [a]}, stop: {run: [b]}, look: {run: [c]}},"
    policy.write_text(POLICY.replace("gpu: {zone: local,", f"gpu: {{zone: local, {power}"))
    plane = await start()
    changes = [(8, "starting", "on", 1), (3, "on", "stopping", 0), (30 * 24, "off", "starting", 1)]
    async with open_power(session_valkey) as book:
        assert await book.hold("token")
        for hours, before, after, units in changes:
            event = PowerEvent(NOON - hours * HOUR, "gpu", before, after, units, "saves", "It saves.", "host")
            assert await book.write("token", {}, {}, [event])
    answer = await worth(plane)
    assert [(each["before"], each["after"], each["explanation"]) for each in answer["switches"]] == [
        ("on", "stopping", "It saves."),
        ("starting", "on", "It saves."),
    ]
    assert [hour["units_on"] for hour in answer["hours"][-10:]] == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0]


async def test_other_terms_are_computed_from_the_same_hours(plane, traffic):
    """49 hours since the first traffic of the week, scaled to 720; a unit serves 3.6 M tokens an hour."""
    now = await suppose(plane)
    assert now == (await worth(plane))["now"]
    scale = 720 / 49
    assert now["cloud_alone_usd"] == pytest.approx(21 * scale)
    assert now["rent_usd"] == 720.0 and now["unit_hours"] == 720
    assert (now["from_hours"], now["extrapolated_day"]) == (49, False)
    assert now["bought_usd"] == pytest.approx(21 * (1 - 3.6 / 6.5) * scale)
    assert now["net_usd"] == pytest.approx(now["cloud_alone_usd"] - now["bought_usd"] - 720)
    two = await suppose(plane, "?usd_per_hour=0.01&units=2&volume=0.5")
    assert two["bought_usd"] == pytest.approx(0) and two["rent_usd"] == pytest.approx(14.4)
    assert two["sentence"].startswith("With 2 GPUs at $0.01 an hour and 0.5 times this volume a month would save $")
    assert (await suppose(plane, "?units=0"))["net_usd"] == 0


async def test_a_day_that_nobody_has_seen_whole_is_said_to_be_extrapolated(plane, settle):
    await settle(GPU, NOON - HOUR, local=True)
    now = await suppose(plane)
    assert (now["from_hours"], now["extrapolated_day"]) == (2, True)
    assert now["sentence"].endswith("That is extrapolated from 2 hours of traffic.")


@pytest.mark.parametrize("query", ["?units=-1", "?volume=1001", "?usd_per_hour=many", "?more=1"])
async def test_what_cannot_be_supposed(plane, query):
    assert (await plane.get(f"/api/worth/suppose{query}")).status == 400


async def test_units_that_are_switched_follow_the_rule(start, policy, traffic):
    power = "power: {driver: command, start: {run: [a]}, stop: {run: [b]}, look: {run: [c]}},"
    policy.write_text(POLICY.replace("gpu: {zone: local,", f"gpu: {{zone: local, {power}"))
    plane = await start()
    answer = await worth(plane)
    assert answer["past_gpu"] == "" and answer["now"]["rent_usd"] < 720
