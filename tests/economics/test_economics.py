"""docs/economics.md and what makes it: on cases small enough to be worked out otherwise."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.economics.choices import STRATEGIES, all_cloud, all_hours, by_strategy, hindsight
from tests.economics.page import Beside, bounds, document, line
from tests.economics.pairs import PAIRS, Pair, Slots, at_load, rent_of_slot
from tests.economics.replay import RENTALS, Rental, in_pieces, play
from tests.economics.run import LOADS, Burst, OtherStrategies, burst, case, cases, example
from tests.economics.traffic import SLOTS_PER_DAY, WEEK_SLOTS, Demand, bursts, generated, recorded

PAGE = Path(__file__).parents[2] / "docs" / "economics.md"
DOLLAR = Pair("one", usd_per_hour=12.0, usd_per_million_at_full_load=0.2, input=1.0, output=1.0)
"""Rent of a dollar a slot, five million tokens a slot, a dollar per million in the cloud."""
SHORT, LONG = Rental(300.0, 60.0), Rental(900.0, 1800.0)


def slots_of(*cloud: float) -> Slots:
    """Dollars of each slot in the cloud, all of which one unit can serve."""
    return Slots([round(usd * 1e6) for usd in cloud], [0] * len(cloud), list(cloud), [0.0] * len(cloud))


def by_trying_all(slots: Slots, rental: Rental) -> float:
    """The least cost of all ways to have a unit ordered or not, slot by slot."""
    start, step = round(rental.start_seconds / 300), max(1, round(rental.billing / 300))
    costs = []
    for ordered in product((False, True), repeat=len(slots.cloud)):
        usd, since = 0.0, 0
        for slot, rented in enumerate(ordered):
            since = since + 1 if rented else 0
            usd += 0.0 if since > start else slots.cloud[slot]
            usd += step if rented and (since - 1) % step == 0 else 0
        costs.append(usd)
    return min(costs)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4).map(float), min_size=1, max_size=10), st.sampled_from([SHORT, LONG]))
def test_hindsight_is_the_least_of_all_that_could_have_been_done(cloud: list[float], rental: Rental) -> None:
    slots = slots_of(*cloud)

    assert hindsight(slots, DOLLAR, rental) == pytest.approx(by_trying_all(slots, rental))


def test_quiet_and_steady_weeks_cost_what_they_must() -> None:
    quiet, busy = slots_of(*[0.2] * 288), slots_of(*[3.0] * 288)

    assert play(quiet, DOLLAR, SHORT).usd == pytest.approx(all_cloud(quiet, DOLLAR))
    played = play(busy, DOLLAR, SHORT)
    # From nothing the mean reaches a third of 3 after 5 slots, and the unit answers after one more.
    assert (played.starts, played.hours) == (1, pytest.approx((288 - 5) / 12))
    assert played.usd == pytest.approx(3 * 6 + 288 - 5)


def test_a_rental_bills_whole_steps_from_the_order_on() -> None:
    """Busy for an hour and a half, and quiet from then on: by the minute it is stopped half an hour after that."""
    slots = slots_of(*[3.0] * 18, *[0.0] * 60)
    by_minute, by_hour = play(slots, DOLLAR, Rental(300.0, 60.0)), play(slots, DOLLAR, Rental(300.0, 3600.0))

    assert by_minute.hours == pytest.approx(round(60 * by_minute.hours) / 60) and 1.5 < by_minute.hours < 4
    assert by_hour.hours == pytest.approx(math.ceil(by_minute.hours))


def test_a_request_a_slot_costs_what_many_cost() -> None:
    of = at_load(generated(1), PAIRS[0], 1.0)
    day = Slots(*(part[:SLOTS_PER_DAY] for part in (of.input, of.output, of.cloud, of.spilled)))

    assert play(day, PAIRS[0], RENTALS[0]).usd == pytest.approx(in_pieces(day, PAIRS[0], RENTALS[0]).usd, rel=0.02)


def test_what_a_unit_cannot_serve_is_bought() -> None:
    slots = at_load(Demand("steady", (3.0,) * 288, (1.0,) * 288), DOLLAR, load=8.0)

    assert sum(slots.cloud) == pytest.approx(8 * 288)
    assert sum(slots.spilled) == pytest.approx(3 * 288)
    assert all_hours(slots, DOLLAR) == pytest.approx(4 * 288)
    assert by_strategy(slots, DOLLAR, "local_first") == pytest.approx(4 * 288), "as it is played"


def test_strategies_pay_the_rent_and_send_tokens_past_the_gpu_until_the_volume_is_there() -> None:
    slots = slots_of(*[0.05] * 864)
    usd = {name: by_strategy(slots, DOLLAR, name) for name in STRATEGIES}

    assert usd["threshold"] == pytest.approx(864 + 10 * 0.05), "10 slots make 500,000 tokens"
    assert usd["breakeven"] == pytest.approx(864 + 864 * 0.05)
    assert usd["local_first"] == all_hours(slots, DOLLAR) == pytest.approx(864)


def test_traffic_comes_from_its_seed_alone() -> None:
    assert generated(1) == generated(1) != generated(2)
    assert bursts(1) == bursts(1) != bursts(2)
    assert {len(each.input) for each in (generated(3), *recorded())} == {WEEK_SLOTS}
    assert len(bursts(1).output) == SLOTS_PER_DAY


def test_prices_of_the_cloud_are_those_that_the_gateway_comes_with() -> None:
    for name in ("gpt-4o-mini", "gpt-4o"):
        (pair,) = [pair for pair in PAIRS if pair.name.endswith(name)]
        usages = Usage(input_tokens=10**6, output_tokens=0), Usage(input_tokens=0, output_tokens=10**6)
        prices = [float(calc_price(usage, name, provider_id="openai").total_price) for usage in usages]
        assert [pair.input, pair.output] == prices


def test_a_broken_bound_is_told() -> None:
    cases = list(case(Demand("week 0", (1.0,) * 288, (1.0,) * 288), DOLLAR, 1.0, [SHORT]))
    fine, dear = Burst(SHORT, 1.0, 1.0), Burst(SHORT, 2.6, 1.0)

    assert [bound.holds for bound in bounds([*cases, cases[0]], [fine])][-1]
    assert [bound.holds for bound in bounds(cases, [fine, dear])][-1] is False


def test_the_page_is_what_the_command_writes_and_every_bound_on_it_holds() -> None:
    text, found = PAGE.read_text(), example()
    demands, every = ("week 1", "azure-hour", "servegen-day"), product(PAIRS, LOADS, RENTALS)
    weeks = [replace(found, pair=pair, load=load, rental=rental) for pair, load, rental in every]
    weeks += [replace(found, demand=demand) for demand in demands]
    others = [OtherStrategies(load, dict.fromkeys(STRATEGIES, 1.0)) for load in LOADS]
    made = document(weeks, Beside(weeks, others, 0.0), [Burst(rental, 1.0, 1.0) for rental in RENTALS], found)

    assert re.findall(r"^#.*$", made, re.MULTILINE) == re.findall(r"^#.*$", text, re.MULTILINE)
    assert len(made.splitlines()) == len(text.splitlines())
    assert re.findall(r"\| (holds|\*\*broken\*\*) \|$", text, re.MULTILINE) == ["holds"] * 4
    assert line(found) in text, "the rule is another one than the page says: run `make economics`"


def test_a_day_of_bursts_costs_less_than_the_bound() -> None:
    assert all(burst(seed).ratio < 2.5 for seed in range(1, 6))


def test_every_week_has_every_load_and_pairs_and_rentals_take_turns() -> None:
    short = [Demand(f"week {number}", (1.0,) * 12, (1.0,) * 12) for number in range(6)]
    played = list(cases(short))

    assert {(each.demand, each.load) for each in played} == {(each.name, load) for each in short for load in LOADS}
    assert {(each.pair, each.load) for each in played} == set(product(PAIRS, LOADS))
    assert {(each.rental, each.load) for each in played} == set(product(RENTALS, LOADS))


def test_rents_are_of_the_slot() -> None:
    assert rent_of_slot(DOLLAR) == pytest.approx(1.0)
