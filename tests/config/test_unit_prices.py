from __future__ import annotations

from decimal import Decimal

import pytest
from genai_prices.types import ModelPrice

from router.config.unit_prices import (
    DEAREST_IMAGE,
    DEAREST_SEARCHES,
    dearest_units,
    is_priced_beside_tokens,
    published_units,
    times,
)
from router.core.units import UnitRates


def units(**prices: str) -> UnitRates | None:
    made = ModelPrice(**{name: Decimal(price) for name, price in prices.items()})
    return published_units(made, lambda price: float(price or 0))


def test_published_prices_of_what_is_no_text() -> None:
    assert units(input_mtok="1") is None
    assert units(input_audio_mtok="32", output_audio_mtok="64") == UnitRates(audio_input=32, audio_output=64)
    image = units(input_image_mtok="8", cache_image_read_mtok="2", output_image_mtok="32")
    assert image == UnitRates(image_input=8, image_cached=2, image_output=32)
    assert units(input_audio_mtok="32", cache_audio_read_mtok="0.4") == UnitRates(audio_input=32, audio_cached=0.4)
    assert units(input_mchars="15") == UnitRates(characters=15)


@pytest.mark.parametrize("hours", [{"audio_hours": "0.36", "input_audio_hours": "0.36"}, {"audio_hours": "0.36"}])
def test_an_hours_price_is_one_of_seconds(hours: dict[str, str]) -> None:
    assert units(**hours) == UnitRates(second=0.36 / 3600)


@pytest.mark.parametrize(
    ("rates", "priced"),
    [
        (None, False),
        (UnitRates(audio_input=1), False),
        (UnitRates(second=1), True),
        (UnitRates(characters=1), True),
        (UnitRates(image=1), True),
    ],
)
def test_what_is_no_token_may_be_all_that_is_priced(rates: UnitRates | None, priced: bool) -> None:
    assert is_priced_beside_tokens(rates) is priced


def test_service_tiers_are_multiples_of_all_of_them() -> None:
    assert times(None, 0.5) is None
    rates = UnitRates(audio_input=32, second=0.1, characters=4, image=1, image_kinds={"hd": 2})
    assert times(rates, 0.5) == UnitRates(audio_input=16, second=0.05, characters=2, image=0.5, image_kinds={"hd": 1})


def test_the_dearest_of_several_is_the_most_of_each() -> None:
    every = [UnitRates(audio_input=6, second=0.1), UnitRates(audio_input=3, image_output=40, characters=15)]
    assert dearest_units(every) == UnitRates(
        audio_input=6, image_output=40, second=0.1, characters=15, image=DEAREST_IMAGE, searches=DEAREST_SEARCHES
    )
    assert dearest_units([]) == UnitRates(image=DEAREST_IMAGE, searches=DEAREST_SEARCHES)
