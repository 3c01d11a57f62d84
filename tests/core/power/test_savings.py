from __future__ import annotations

import math
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.power.savings import MEMORY, NOTHING_SEEN, Savings, Slot, observe
from router.core.power.terms import PowerTerms

ONE = PowerTerms(usd_per_hour=1.0)
THREE = PowerTerms(usd_per_hour=1.0, units=3, tokens_per_second=1000.0)
HOUR = 3600.0


def after(*slots: Slot, terms: PowerTerms = ONE) -> Savings:
    return reduce(lambda savings, slot: observe(savings, slot, terms), slots, NOTHING_SEEN)


def test_a_unit_beyond_what_was_seen_saves_nothing() -> None:
    assert Savings((1.5, 0.5)).of(2) == 0.5
    assert Savings((1.5, 0.5)).of(3) == 0.0


def test_an_hour_of_traffic_counts_by_its_weight_and_is_forgotten() -> None:
    busy = after(Slot(tokens=1000, cloud_usd=2.0, seconds=HOUR))
    quiet = observe(busy, Slot(tokens=0, cloud_usd=0.0, seconds=MEMORY), ONE)

    assert busy.of(1) == pytest.approx(2.0 * (1 - 1 / math.e))
    assert quiet.of(1) == pytest.approx(busy.of(1) / math.e)


def test_steady_traffic_is_worth_what_it_costs_in_the_cloud_less_what_it_costs_here() -> None:
    terms = PowerTerms(usd_per_hour=1.0, usd_per_million_tokens=0.10)
    savings = after(*[Slot(tokens=1_000_000, cloud_usd=0.50)] * 500, terms=terms)

    assert savings.of(1) == pytest.approx(12 * 0.40)


def test_what_is_dearer_here_than_in_the_cloud_saves_nothing() -> None:
    terms = PowerTerms(usd_per_hour=1.0, usd_per_million_tokens=1.0)

    assert after(Slot(tokens=1_000_000, cloud_usd=0.50), terms=terms).of(1) == 0.0


def test_each_unit_gets_what_the_ones_before_it_cannot_serve() -> None:
    savings = after(Slot(tokens=750_000, cloud_usd=7.5), terms=THREE)

    assert savings.of(2) == pytest.approx(savings.of(1))
    assert savings.of(3) == pytest.approx(savings.of(1) / 2)


def test_demand_beyond_all_units_is_left_to_the_cloud() -> None:
    full, over = (after(Slot(tokens=n, cloud_usd=n / 1e5), terms=THREE) for n in (900_000, 9_000_000))

    assert full.usd_per_hour == pytest.approx(over.usd_per_hour)


@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=30))
def test_no_unit_saves_more_than_the_one_before_it(tokens: list[int]) -> None:
    saved = after(*[Slot(each, each / 1e6) for each in tokens], terms=THREE).usd_per_hour

    assert all(before >= after - 1e-9 for before, after in pairwise(saved))
