"""What is made of a report of tokens, and of none."""

from __future__ import annotations

from msgspec.structs import replace

from router.core.units import NO_UNITS, Units
from router.core.values import Usage

BYTES_PER_TOKEN = 4
"""Of ordinary English text, by the usual rule of thumb."""

MOST_BYTES_PER_TOKEN = 128
"""No text is made of longer tokens: the longest of the usual vocabularies are so many spaces."""

_DIGITS = b"0123456789"
_ASCII = bytes(range(128))


def weight_of(text: bytes) -> int:
    """Bytes of ordinary English text with about as many tokens: digits, and letters of other alphabets, make shorter
    ones, so that their bytes count twice."""
    weight = 2 * len(text) - len(text.translate(None, _DIGITS))
    return weight if text.isascii() else weight + len(text.translate(None, _ASCII))


def estimate(input_tokens: int, *, events: int = 0, text_bytes: int = 0, units: Units = NO_UNITS) -> Usage:
    """Usage counted here, for an upstream that reported none.

    The output is what the two signs say at most: streamed `events` hold a token or more each, and `text_bytes` of
    produced text, by their weight, hold about a quarter as many tokens.
    """
    by_text = -(-text_bytes // BYTES_PER_TOKEN)
    return Usage(input=max(0, input_tokens), output=max(0, events, by_text), estimated=True, units=units)


def as_asked(usage: Usage, asked: Units, likely: Units = NO_UNITS) -> Usage:
    """With what the request alone says of its units: the characters in it, and the kind of pictures. Searches that are
    not reported are as many as is `likely`: the other side may be paid by them."""
    units, characters = usage.units, asked.characters or usage.units.characters
    kind, searches = asked.image_kind or units.image_kind, units.searches or likely.searches
    return replace(usage, units=replace(units, characters=characters, image_kind=kind, searches=searches))


def with_input(usage: Usage, input_tokens: int) -> Usage:
    """A report of searches alone, which says nothing of tokens, with those that the request has."""
    if usage.input or not usage.units.searches:
        return usage
    return replace(usage, input=max(0, input_tokens), estimated=True)


def not_below(usage: Usage, produced: int) -> Usage:
    """The report, unless its tokens could not write what was seen of the answer, about `produced` of them. Names of
    roles, and events that say nothing, are no token."""
    if (usage.output + 1) * (MOST_BYTES_PER_TOKEN // BYTES_PER_TOKEN) >= produced:
        return usage
    return replace(usage, output=produced, estimated=True)


def bounded(usage: Usage, most_input: int, most_output: int) -> Usage:
    """The report, as far as it can be true: what lies beyond is cut off, and the rest then counts as estimated."""
    if usage.input <= most_input and usage.output <= most_output:
        return usage
    input = min(usage.input, most_input)
    cached = min(usage.cached, input)
    write = min(usage.cache_write, input - cached)
    lasting = min(usage.cache_write_1h, write)
    return Usage(
        input=input,
        cached=cached,
        cache_write=write,
        output=min(usage.output, most_output),
        estimated=True,
        cache_write_1h=lasting,
        service=usage.service,
        units=_within(usage.units, input, cached, min(usage.output, most_output)),
    )


def counted_within(usage: Usage, most: Units) -> Usage:
    """The same of sound, pictures and searches, of which no answer has more than its request says at most."""
    units = usage.units
    possible = replace(
        units,
        milliseconds=min(units.milliseconds, most.milliseconds),
        images=min(units.images, most.images),
        searches=min(units.searches, most.searches),
    )
    return usage if possible == units else replace(usage, units=possible, estimated=True)


def _within(units: Units, input: int, cached: int, output: int) -> Units:
    """Parts never exceed the whole."""
    if units is NO_UNITS:
        return units
    audio, audio_cached = min(units.audio_input, input), min(units.audio_cached, cached)
    image, image_cached = min(units.image_input, input - audio), min(units.image_cached, cached - audio_cached)
    spoken = min(units.audio_output, output)
    return replace(
        units,
        audio_input=audio,
        audio_cached=min(audio_cached, audio),
        audio_output=spoken,
        image_input=image,
        image_cached=min(image_cached, image),
        image_output=min(units.image_output, output - spoken),
    )
