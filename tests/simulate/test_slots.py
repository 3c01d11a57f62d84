from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.power.terms import PowerTerms
from router.simulate.slots import Slots, least, least_of_units

USD = 1_000_000_000


def by_trying_all(cloud: list[float], start: int, step: int) -> float:
    """Every way to be rented or not, slot by slot, with whole billing steps of one dollar a slot."""
    costs = []
    for choice in product((0, 1), repeat=len(cloud)):
        usd, since = 0.0, 0
        for slot, rented in enumerate(choice):
            since = since + 1 if rented else 0
            usd += 0.0 if since > start else cloud[slot]
            usd += step if rented and (since - 1) % step == 0 else 0
        costs.append(usd)
    return min(costs)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4).map(float), min_size=1, max_size=10), st.integers(1, 3), st.sampled_from([1, 12]))
def test_hindsight_is_the_least_of_all_that_could_have_been_done(cloud: list[float], start: int, step: int) -> None:
    found = least(cloud, [0.0] * len(cloud), 1.0, 300.0 * start, 300.0 * step)

    assert found == pytest.approx(by_trying_all(cloud, start, step))


def test_slots_are_of_five_minutes_from_the_first_on():
    slots = Slots()
    slots.add(900.0, 10, 1)
    slots.add(1600.0, 20, 2)
    slots.add(950.0, 5, 1)
    slots.add(0.0, 1, 1)

    assert (slots.first, slots.tokens, slots.cloud) == (3, [16, 0, 20], [3, 0, 2])


def test_each_further_unit_serves_what_those_before_it_cannot():
    slots = Slots()
    for slot in range(100):
        slots.add(300.0 * slot, 600_000, 2 * USD)
    terms = PowerTerms(usd_per_hour=1.0, tokens_per_second=1000.0, usd_per_million_tokens=0.1)
    one = least_of_units(slots, terms, 300.0)
    two = least_of_units(slots, PowerTerms(**{**_fields(terms), "units": 2}), 300.0)

    assert one == pytest.approx(2 + 99 * (1 + 0.03) + 100 / 12)
    assert two == pytest.approx(2 + 99 * 0.06 + 2 * 100 / 12)
    unlimited = PowerTerms(usd_per_hour=1.0)
    assert least_of_units(slots, unlimited, 300.0) == pytest.approx(2 + 100 / 12)


def _fields(terms: PowerTerms) -> dict[str, object]:
    return {name: getattr(terms, name) for name in terms.__struct_fields__}
