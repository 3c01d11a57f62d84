from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.cost import pricing
from router.core.cost.pricing import (
    Remainders,
    compared,
    cost_of,
    counterfactual,
    exact_micro_usd,
    is_priced,
    marginal,
    rates_for,
    steps_of,
    worst_case,
    worst_units,
)
from router.core.cost.timeline import DAY, always, built
from router.core.money import NANO_PER_MICRO
from router.core.units import UnitRates, Units
from router.core.values import Alternatives, PriceTier, Rates, Tariff, Usage

SMALL = Rates(input=1.0, output=4.0, cached_input=0.1, cache_write=1.25)
LARGE = Rates(input=2.0, output=6.0, cached_input=0.2, cache_write=2.5)
DUST = 1e-3
"""Nano-USD that sums of decimal prices in binary may be off by."""
DEAREST = Rates(input=3.0, output=9.0, cached_input=0.3, cache_write=3.0)
TIERS = (PriceTier(0, SMALL), PriceTier(200_000, LARGE), PriceTier(400_000, SMALL))


@pytest.mark.parametrize(
    ("tokens", "rates"), [(0, SMALL), (199_999, SMALL), (200_000, LARGE), (399_999, LARGE), (400_000, SMALL)]
)
def test_the_tier_is_chosen_by_the_whole_input(tokens: int, rates: Rates):
    assert rates_for(TIERS, tokens) is rates


def test_a_price_needs_at_least_one_tier():
    with pytest.raises(IndexError):
        rates_for((), 1)


def test_each_kind_of_token_has_its_own_price():
    usage = Usage(input=1000, cached=300, cache_write=200, output=50)
    assert exact_micro_usd(TIERS, usage) == 500 * 1.0 + 300 * 0.1 + 200 * 1.25 + 50 * 4.0


def test_cached_input_counts_when_the_tier_is_chosen():
    usage = Usage(input=200_000, cached=199_000, output=0)
    assert exact_micro_usd(TIERS, usage) == 1000 * 2.0 + 199_000 * 0.2


def test_a_price_per_request_is_in_usd():
    tiers = (PriceTier(0, Rates(0.0, 0.0, 0.0, 0.0, request=0.005)),)
    assert exact_micro_usd(tiers, Usage()) == 5000


rates_given = st.one_of(st.sampled_from([0.02, 0.0375, 0.1, 0.13, 2.5, 15.0, 150.0]), st.floats(0.001, 200))
sizes = st.one_of(st.sampled_from([1, 3, 8, 100]), st.integers(1, 1_000_000))


@given(rates_given, rates_given, sizes, st.integers(0, 4_000), st.integers(1, 500))
def test_what_is_booked_is_what_it_cost_at_any_size(input: float, output: float, tokens: int, made: int, requests: int):
    """Of one token of a small embedding up to a million tokens: each record, and the sum of all in one cell."""
    tiers = (PriceTier(0, Rates(input, input, output, input)),)
    remainders, exact = Remainders(), NANO_PER_MICRO * exact_micro_usd(tiers, Usage(tokens, output=made))
    booked = [remainders.whole("cell", exact / NANO_PER_MICRO) for _ in range(requests)]
    assert abs(sum(booked) - exact * requests) <= 1e-4 * exact * requests + 1
    assert abs(sum(booked) - exact * requests) <= 1 + 1e-12 * exact * requests
    assert all(abs(each - exact) <= 1 + 1e-12 * exact for each in booked)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_different_requests_of_a_cell_are_booked_at_what_they_cost_together(amounts: list[float]):
    remainders = Remainders()
    booked = [remainders.whole("cell", amount) for amount in amounts]
    assert sum(booked) == pytest.approx(NANO_PER_MICRO * math.fsum(amounts), abs=1.01)


def test_a_single_token_of_an_embedding_has_its_own_price():
    assert Remainders().whole("cell", 0.02) == 20


def test_accounts_have_remainders_of_their_own():
    remainders = Remainders()
    assert [remainders.whole("a", 0.00025) for _ in range(6)] == [0, 1, 0, 0, 0, 1]
    assert remainders.whole("b", 0.00025) == 0


def test_many_accounts_are_forgotten_rather_than_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pricing, "_ACCOUNTS", 2)
    remainders = Remainders()
    for account in "abc":
        remainders.whole(account, 0.0004)
    assert remainders.whole("a", 0.0004) == 0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_no_amount_becomes_more_than_what_was_held_for_it(amounts: list[float]):
    remainders = Remainders()
    for amount in amounts:
        assert 0 <= remainders.whole("cell", amount) <= worst_case(((0, amount, 0.0, 0.0),), 1, 0)


@pytest.mark.parametrize(("tokens", "output"), [(2, 14), (28, 1)])
def test_a_sum_with_dust_is_not_held_as_one_more(tokens: int, output: int):
    assert tokens * 0.1 + output * 0.2 > 3  # 3.0000000000000004
    assert worst_case(((0, 0.1, 0.2, 0.0),), tokens, output) == 3_000


def test_more_cached_tokens_than_input_earn_nothing():
    assert exact_micro_usd(TIERS, Usage(input=10, cached=100)) == 10


rates = st.builds(Rates, *[st.floats(0, 100)] * 4, request=st.floats(0, 1))
counts = st.integers(0, 2_000_000)


@given(rates, counts, counts)
def test_the_worst_case_covers_whatever_is_reported_within_it(make, rates: Rates, tokens: int, output: int):
    route = make.route("openai", rates=rates)
    worst = worst_case(steps_of([route], 0, 0), tokens, output)
    for usage in (
        Usage(tokens, 0, 0, output),
        Usage(tokens, tokens, 0, output),
        Usage(tokens, 0, tokens, output),
        Usage(tokens // 2, 0, 0, output // 2),
    ):
        assert 0 <= NANO_PER_MICRO * cost_of(route, usage, 0) <= worst + DUST


def test_the_worst_case_is_the_dearest_candidate(make):
    cheap, dear = make.route("openai"), make.route("other", rates=LARGE)
    assert worst_case(steps_of([cheap, dear], 0, 0), 100, 10) == NANO_PER_MICRO * (100 * 2.5 + 10 * 6.0)
    assert worst_case(steps_of([make.route("gpu")], 0, 0), 100, 10) == 0
    assert worst_case(steps_of([], 0, 0), 100, 10) == 0


def test_the_worst_case_covers_a_dearer_tier_below_the_estimate(make):
    route = make.route("openai", tiers=TIERS)
    assert worst_case(steps_of([route], 0, 0), 400_000, 0) == NANO_PER_MICRO * 400_000 * 2.5
    assert worst_case(steps_of([route], 0, 0), 199_999, 0) == 249_998_750


def test_the_other_side_would_have_charged_its_own_price(make):
    assert counterfactual((make.route("openai"),), Usage(input=1000, output=100), 0) == 210


def test_the_other_side_is_its_cheapest_route_for_this_very_request(make):
    """One is cheaper for long answers, one for short ones."""
    long, short = make.route("a", rates=Rates(1, 1, 1, 1)), make.route("b", rates=Rates(0.1, 5, 0.1, 0.1))
    assert counterfactual((long, short), Usage(input=1000, output=10), 0) == 150
    assert counterfactual((long, short), Usage(input=1000, output=1000), 0) == 2000


def test_where_there_is_no_other_side_nothing_compares():
    assert counterfactual((), Usage(input=1000), 0) is None


def test_the_marginal_price_is_not_rounded(make):
    openai = make.route("openai", rates=Rates(0.15, 0.6, 0.0, 0.0, request=0.001))
    assert marginal(openai, 1, 0.5, 0) == pytest.approx(0.15 + 0.3 + 1000)


def test_a_price_that_another_one_outdoes_everywhere_is_left_out(make):
    cheap = make.route("a", rates=Rates(1.0, 2.0, 0.5, 1.0))
    dear = make.route("b", rates=Rates(1.5, 2.0, 0.5, 1.0))
    other = make.route("c", rates=Rates(0.1, 9.0, 0.1, 0.1))
    assert steps_of([cheap, dear, other, make.route("gpu")], 0, 0) == ((0, 0.1, 9.0, 0.0), (0, 1.5, 2.0, 0.0))


def test_all_that_is_compared_has_the_prices_of_one_time(make):
    """A request before midnight costs what it cost then, however late its books are made."""
    morning = built(0, [], [6 * 3600], lambda now: Tariff((PriceTier(0, LARGE if now else SMALL),)))
    gpu, openai = make.route("gpu", prices=morning), make.route("openai", prices=morning)
    for now, rates in ((DAY - 1, LARGE), (DAY, SMALL), (DAY + 6 * 3600, LARGE)):
        usage = Usage(input=1000)
        assert cost_of(openai, usage, now) == marginal(openai, 1000, 0, now) == 1000 * rates.input
        assert counterfactual((gpu,), usage, now) == counterfactual((openai,), usage, now) == 1000 * rates.input
        assert steps_of([openai], now, now) == steps_of([make.route("openai", rates=rates)], 0, 0)


FLEX_AND_PRIORITY = Tariff(TIERS, {"flex": (PriceTier(0, LARGE),), "priority": (PriceTier(0, DEAREST),)})


@pytest.mark.parametrize(
    ("service", "rates"),
    [("", SMALL), ("default", SMALL), ("flex", LARGE), ("priority", DEAREST), ("scale", SMALL)],
)
def test_a_service_tier_has_its_own_price_where_that_is_known(make, service: str, rates: Rates):
    route = make.route("openai", prices=always(FLEX_AND_PRIORITY))
    assert cost_of(route, Usage(input=1000, service=service), 0) == 1000 * rates.input
    assert is_priced(route, service, 0) is (service != "scale")


@pytest.mark.parametrize(
    ("asked", "dearest"),
    [("", SMALL), ("default", SMALL), ("flex", LARGE), ("priority", DEAREST), ("auto", DEAREST), ("scale", DEAREST)],
)
def test_the_dearest_service_that_a_request_may_get_is_held(make, asked: str, dearest: Rates):
    """Who asks for one may get the standard; where the provider chooses, or nobody knows the tier, it may be any."""
    route = make.route("openai", prices=always(FLEX_AND_PRIORITY))
    assert worst_case(steps_of([route], 0, 0, asked), 1000, 0) == 1_000_000 * dearest.cache_write


def test_what_a_cache_keeps_for_an_hour_has_a_price_of_its_own():
    rates = Rates(input=3.0, output=15.0, cached_input=0.3, cache_write=3.75, cache_write_1h=6.0)
    usage = Usage(input=1000, cached=100, cache_write=500, output=10, cache_write_1h=200)
    assert exact_micro_usd((PriceTier(0, rates),), usage) == 400 * 3.0 + 100 * 0.3 + 300 * 3.75 + 200 * 6.0 + 10 * 15.0
    plain = Rates(input=3.0, output=15.0, cached_input=0.3, cache_write=3.75)
    assert exact_micro_usd((PriceTier(0, plain),), usage) == 400 * 3.0 + 100 * 0.3 + 500 * 3.75 + 10 * 15.0


def test_what_a_cache_may_keep_for_an_hour_is_held(make):
    rates = Rates(input=3.0, output=15.0, cached_input=0.3, cache_write=3.75, cache_write_1h=6.0)
    assert worst_case(steps_of([make.route("gpu", tiers=(PriceTier(0, rates),))], 0, 0), 1000, 0) == 6_000_000


def test_units_cost_beside_what_is_text():
    usage = Usage(input=100, output=10, units=Units(audio_input=80))
    tiers = (PriceTier(0, Rates(2, 10, 2, 2, units=UnitRates(audio_input=30))),)
    assert exact_micro_usd(tiers, usage) == 20 * 2 + 80 * 30 + 10 * 10
    assert exact_micro_usd((PriceTier(0, Rates(2, 10, 2, 2)),), usage) == 100 * 2 + 10 * 10


def test_units_are_held_on_the_dearest_route_that_prices_them(make):
    rates = [replace(make.gpt_4o_mini, units=UnitRates(second=price)) for price in (0.001, 0.002)]
    routes = [make.route("openai", rates=each) for each in (*rates, make.gpt_4o_mini)]
    assert worst_units(routes, Units(milliseconds=1000), 0, 1) == 2_000_000
    assert worst_units(routes[2:], Units(milliseconds=1000), 0, 1) == 0


def test_an_answer_is_compared_with_the_other_side_if_there_is_one(make):
    gpu, api, usage = make.route(), make.route("openai"), Usage(input=1000, output=100)
    price = cost_of(api, usage, 0.0)

    assert compared(Alternatives((gpu,), (api,)), gpu, usage, 0.0) == (0.0, price)
    assert compared(Alternatives((gpu,), (api,)), api, usage, 0.0) == (price, 0.0)
    assert compared(Alternatives((gpu,)), gpu, usage, 0.0) == (0.0, 0.0)
    assert compared(Alternatives((), (api,)), api, usage, 0.0) == (price, price), "nothing was saved or lost"
