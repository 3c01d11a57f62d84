"""Published prices of what is no text, as the package genai-prices has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from router.core.units import UnitRates

_SECONDS_PER_HOUR = 3600
_NOTHING = UnitRates()
DEAREST_IMAGE = 0.25
"""USD. No picture that is sold by the piece costs more: https://platform.openai.com/docs/pricing#image-generation."""
DEAREST_SEARCHES = 5.0
"""USD per thousand: more than twice what rerankers are sold at, such as https://aws.amazon.com/bedrock/pricing/."""


def published_units(prices: Any, rate: Callable[[Any], float]) -> UnitRates | None:
    """None where all costs as text does. `rate` makes a number of one of its prices, 0 of one that is not there."""
    found = UnitRates(
        audio_input=_known(rate(prices.input_audio_mtok)),
        audio_cached=_known(rate(prices.cache_audio_read_mtok)),
        audio_output=_known(rate(prices.output_audio_mtok)),
        image_input=_known(rate(prices.input_image_mtok)),
        image_cached=_known(rate(prices.cache_image_read_mtok)),
        image_output=_known(rate(prices.output_image_mtok)),
        second=(rate(prices.input_audio_hours) or rate(prices.audio_hours)) / _SECONDS_PER_HOUR,
        characters=rate(prices.input_mchars),
    )
    return None if found == _NOTHING else found


def is_priced_beside_tokens(units: UnitRates | None) -> bool:
    """Whether there is a price of something that is no token: then tokens need none."""
    return units is not None and bool(units.second or units.characters or units.image or units.searches)


def dearest_units(every: Sequence[UnitRates]) -> UnitRates:
    """The most of each. Price lists know none per picture or search: it is the dearest that there is."""
    return UnitRates(
        audio_input=_most(each.audio_input for each in every),
        audio_cached=_most(each.audio_cached for each in every),
        audio_output=_most(each.audio_output for each in every),
        image_input=_most(each.image_input for each in every),
        image_cached=_most(each.image_cached for each in every),
        image_output=_most(each.image_output for each in every),
        second=max([0.0, *(each.second for each in every)]),
        characters=max([0.0, *(each.characters for each in every)]),
        image=DEAREST_IMAGE,
        searches=DEAREST_SEARCHES,
    )


def times(units: UnitRates | None, factor: float) -> UnitRates | None:
    """In another service tier."""
    if units is None:
        return None
    return replace(
        units,
        audio_input=_times(units.audio_input, factor),
        audio_cached=_times(units.audio_cached, factor),
        audio_output=_times(units.audio_output, factor),
        image_input=_times(units.image_input, factor),
        image_cached=_times(units.image_cached, factor),
        image_output=_times(units.image_output, factor),
        second=factor * units.second,
        characters=factor * units.characters,
        image=factor * units.image,
        image_kinds={kind: factor * price for kind, price in units.image_kinds.items()},
        searches=factor * units.searches,
    )


def _known(rate: float) -> float | None:
    return rate or None


def _most(rates: Iterable[float | None]) -> float | None:
    return max((rate for rate in rates if rate is not None), default=None)


def _times(rate: float | None, factor: float) -> float | None:
    return None if rate is None else factor * rate
