"""What providers price besides tokens of text: parts of the tokens that cost otherwise, and what is no token.

Most requests have none of it, and then their usage has `NO_UNITS`: nothing is counted or priced for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Units(Struct, frozen=True, gc=False):
    """Of one answer. Parts of its input, of its cached input and of its output are in tokens; `milliseconds` are of
    sound, either way; `characters` of text that is spoken; `images` that were made; `searches` as rerankers count
    them."""

    audio_input: int = 0
    audio_cached: int = 0
    """The part of `audio_input` that was read from a cache."""
    audio_output: int = 0
    image_input: int = 0
    image_cached: int = 0
    image_output: int = 0
    milliseconds: int = 0
    characters: int = 0
    images: int = 0
    image_kind: str = ""
    """Quality and size that were asked for, as prices name them: "hd 1024x1792"."""
    searches: int = 0


NO_UNITS: Final = Units()


class UnitRates(Struct, frozen=True):
    """USD per million tokens, None for the rate of text; and per second, per million characters, per image and per
    thousand searches."""

    audio_input: float | None = None
    audio_cached: float | None = None
    audio_output: float | None = None
    image_input: float | None = None
    image_cached: float | None = None
    image_output: float | None = None
    second: float = 0.0
    characters: float = 0.0
    image: float = 0.0
    image_kinds: Mapping[str, float] = {}
    """USD per image of a quality, of a size, or of both, which counts first; of all others it is `image`."""
    searches: float = 0.0

    @property
    def dearest_image(self) -> float:
        return max([self.image, *self.image_kinds.values()])

    def image_of(self, kind: str) -> float:
        """USD per image; `kind` as in `Units`."""
        quality, _, size = kind.partition(" ")
        found = [self.image_kinds[name] for name in (kind, size, quality) if name in self.image_kinds]
        return found[0] if found else self.image


def parts(units: Units, rates: UnitRates, read: float, cached: float, written: float) -> float:
    """Micro-USD that the parts of the tokens cost more than as text: text costs `read`, `cached` and `written`."""
    audio_read = _or(rates.audio_input, read)
    image_read = _or(rates.image_input, read)
    return (
        (units.audio_input - units.audio_cached) * (audio_read - read)
        + units.audio_cached * (_or(rates.audio_cached, cached if rates.audio_input is None else audio_read) - cached)
        + (units.image_input - units.image_cached) * (image_read - read)
        + units.image_cached * (_or(rates.image_cached, cached if rates.image_input is None else image_read) - cached)
        + units.audio_output * (_or(rates.audio_output, written) - written)
        + units.image_output * (_or(rates.image_output, written) - written)
    )


def beside_tokens(units: Units, rates: UnitRates) -> float:
    """Micro-USD of what is no token."""
    seconds, images = units.milliseconds / 1000, units.images
    per_image = rates.image_of(units.image_kind) if images else 0.0
    searches = units.searches * rates.searches * 1e3
    return seconds * rates.second * 1e6 + units.characters * rates.characters + images * per_image * 1e6 + searches


def at_most(units: Units, rates: UnitRates, read: float, written: float) -> float:
    """Micro-USD that units may cost at most beyond their tokens as text, if all of them are used."""
    audio = max(0.0, _or(rates.audio_input, read) - read, _or(rates.audio_cached, read) - read)
    image = max(0.0, _or(rates.image_input, read) - read, _or(rates.image_cached, read) - read)
    return (
        units.audio_input * audio
        + units.image_input * image
        + units.audio_output * max(0.0, _or(rates.audio_output, written) - written)
        + units.image_output * max(0.0, _or(rates.image_output, written) - written)
        + units.milliseconds / 1000 * rates.second * 1e6
        + units.characters * rates.characters
        + units.images * rates.dearest_image * 1e6
        + units.searches * rates.searches * 1e3
    )


def _or(rate: float | None, otherwise: float) -> float:
    return otherwise if rate is None else rate
