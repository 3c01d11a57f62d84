from __future__ import annotations

import pytest

from router.core.units import NO_UNITS, UnitRates, Units, at_most, beside_tokens, parts

GPT_AUDIO = UnitRates(audio_input=32, audio_output=64)
GPT_IMAGE = UnitRates(image_input=8, image_cached=2, image_output=32)


def test_parts_cost_what_they_cost_more_than_text() -> None:
    assert parts(Units(audio_input=10, audio_output=5), GPT_AUDIO, 2.5, 2.5, 10) == 10 * 29.5 + 5 * 54
    units = Units(image_input=10, image_cached=4, image_output=100)
    assert parts(units, GPT_IMAGE, 5, 1.25, 10) == 6 * 3 + 4 * 0.75 + 100 * 22


def test_without_a_rate_they_cost_as_text() -> None:
    units = Units(audio_input=10, audio_cached=5, audio_output=5, image_input=3, image_cached=3, image_output=1)
    assert parts(units, UnitRates(), 2.5, 1, 10) == 0


def test_what_was_cached_without_a_rate_of_its_own_costs_as_what_was_not() -> None:
    assert parts(Units(audio_input=10, audio_cached=10), UnitRates(audio_input=32), 4, 0.4, 16) == 10 * 31.6


@pytest.mark.parametrize(
    ("units", "rates", "micro_usd"),
    [
        (Units(milliseconds=90_000), UnitRates(second=0.0001), 9000),
        (Units(characters=2000), UnitRates(characters=15), 30_000),
        (Units(images=2), UnitRates(image=0.04), 80_000),
        (Units(searches=3), UnitRates(searches=2), 6000),
        (NO_UNITS, UnitRates(second=1, characters=1, image=1), 0),
    ],
)
def test_what_is_no_token(units: Units, rates: UnitRates, micro_usd: float) -> None:
    assert beside_tokens(units, rates) == pytest.approx(micro_usd)


def test_a_picture_costs_by_quality_and_size() -> None:
    rates = UnitRates(image=0.04, image_kinds={"1024x1792": 0.08, "hd": 0.09, "hd 1024x1792": 0.12})
    kinds = ("", "standard 1024x1024", "standard 1024x1792", "hd 512x512", "hd 1024x1792", " 1024x1792")
    assert [rates.image_of(kind) for kind in kinds] == [0.04, 0.04, 0.08, 0.09, 0.12, 0.08]
    assert (rates.dearest_image, UnitRates().dearest_image) == (0.12, 0)


def test_nothing_costs_more_than_at_most() -> None:
    rates = UnitRates(
        audio_input=32,
        audio_cached=3,
        audio_output=64,
        image_input=8,
        image_output=2,
        second=0.1,
        characters=5,
        image=0.1,
        image_kinds={"hd": 0.2},
        searches=2,
    )
    units = Units(10, 5, 10, 10, 5, 10, 1000, 10, 2, "hd", 3)
    assert at_most(units, rates, 4, 16) >= parts(units, rates, 4, 0.4, 16) + beside_tokens(units, rates)
    assert at_most(units, UnitRates(audio_input=1), 4, 16) == 0
