from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.config.sizing.article import corrected
from router.config.sizing.catalogue import load_catalogue
from router.config.sizing.sizing import Wanted

CATALOGUE = load_catalogue()
ROWS = corrected(CATALOGUE, Wanted())


def test_its_cards_are_too_small() -> None:
    """Weights alone fill them; the room for a KV cache and for vLLM itself is what is missing."""
    assert [round(each.weights_gib) for each in ROWS] == [5, 37, 60, 39]
    assert all(each.card_gib > 1.08 * each.weights_gib for each in ROWS)
    small = {each.row.says: each.card_gib * 1.0737 > each.row.memory_gb for each in ROWS}
    assert set(small.values()) == {True}


def test_quality_is_measured_on_one_benchmark() -> None:
    assert [each.quality for each in ROWS] == [48.3, 68.9, 69.4, 71.1]
    assert ROWS[0].quality_of_reference == pytest.approx(67.6, abs=0.1)


def test_a_million_tokens_on_the_cheapest_single_card() -> None:
    found = [each.cheapest for each in ROWS]
    assert all(each is not None and each.fit.cards == 1 and each.prices is not None for each in found)
    costs = [each.prices.low.full_load for each in found if each is not None and each.prices is not None]
    assert all(cost > row.row.usd_self_hosted for cost, row in zip(costs, ROWS, strict=True))


def test_a_model_without_a_measurement() -> None:
    models = {name: replace(each, quality=None) for name, each in CATALOGUE.models.items()}
    row = corrected(replace(CATALOGUE, models=models), Wanted())[0]
    assert (row.quality, row.quality_of_reference, row.quality_source) == (None, None, "")
