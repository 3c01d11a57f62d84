"""What is an answer of these endpoints, and what it used.

tokens     {"input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10}, "output_tokens": 45}
           of models that hear; of pictures the same, with "input_tokens_details" and "image_tokens"
seconds    {"type": "duration", "seconds": 27}, or the `duration` of a verbose answer
pictures   as many as there are
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.units import NO_UNITS, Units
from router.core.values import Usage
from router.surfaces.openai.media.seconds import tokens_of
from router.surfaces.openai.usage import ABSURD, Count

_NOTHING = msgspec.Raw(b"null")
_LONGEST = 1_000_000
"""Seconds of a recording that nobody sends."""


class _Details(Struct, gc=False):
    audio_tokens: Count = None
    image_tokens: Count = None
    cached_tokens: Count = None


_NO_DETAILS = _Details()


class Report(Struct, gc=False):
    seconds: Count = None
    input_tokens: Count = None
    output_tokens: Count = None
    input_token_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    prompt_tokens: Count = None
    """vLLM's name for it, in streams."""
    completion_tokens: Count = None

    def usage(self, *, pictures: int = 0, draws: bool = False) -> Usage | None:
        """None for nothing that can be true. `pictures` came with it; `draws` says that output is pictures, unless it
        says more."""
        read, written = self.input_tokens or self.prompt_tokens or 0, self.output_tokens or self.completion_tokens or 0
        seconds = self.seconds or 0
        if not (0 <= read <= ABSURD and 0 <= written <= ABSURD and 0 <= seconds <= _LONGEST):
            return None
        if not (read or written or seconds):
            return None
        details = self.input_token_details or self.input_tokens_details or _NO_DETAILS
        made = self.output_tokens_details
        input, output = int(read), int(written)
        drawn = output if draws and made is None else _part((made or _NO_DETAILS).image_tokens, output)
        heard = _part(details.audio_tokens, input)
        return Usage(
            input=input,
            cached=_part(details.cached_tokens, input),
            output=output,
            units=_units(
                Units(
                    audio_input=heard,
                    audio_output=_part((made or _NO_DETAILS).audio_tokens, output - drawn),
                    image_input=_part(details.image_tokens, input - heard),
                    image_output=drawn,
                    milliseconds=round(seconds * 1000),
                    images=pictures,
                )
            ),
        )


class _Answer(Struct, gc=False):
    error: msgspec.Raw = _NOTHING
    text: msgspec.Raw = _NOTHING
    data: list[msgspec.Raw] | None = None
    duration: Any = None
    usage: Report | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def transcript_in(body: bytes) -> tuple[bool, Usage | None]:
    """Whether a body is an answer with a text, and what it used."""
    answer = _answer_in(body)
    if answer is None or not bytes(answer.text).startswith(b'"'):
        return False, None
    if answer.usage is not None:
        return True, answer.usage.usage()
    told = Report(seconds=_seconds(answer.duration)).usage()
    return True, None if told is None else _guessed(told.units)


def _guessed(units: Units) -> Usage:
    """Of a recording whose length alone is told: some charge for that, others for its tokens."""
    heard = tokens_of(units.milliseconds)
    return Usage(input=heard, estimated=True, units=replace(units, audio_input=heard))


def pictures_in(body: bytes) -> tuple[bool, Usage | None]:
    """Whether a body is an answer with pictures, and what it used."""
    answer = _answer_in(body)
    if answer is None or not answer.data:
        return False, None
    made = len(answer.data)
    usage = None if answer.usage is None else answer.usage.usage(pictures=made, draws=True)
    return True, usage or Usage(units=Units(images=made))


def _answer_in(body: bytes) -> _Answer | None:
    try:
        answer = _decode(body)
    except (ValueError, RecursionError):
        return None
    return answer if bytes(answer.error) == b"null" else None


def _seconds(duration: Any) -> float | None:
    """A number, or one in a string, as OpenAI once wrote it."""
    try:
        return float(duration) if isinstance(duration, int | float | str) else None
    except ValueError:
        return None


def _part(tokens: Count, whole: int) -> int:
    return int(min(max(tokens or 0, 0), whole))


def _units(units: Units) -> Units:
    return NO_UNITS if units == NO_UNITS else units
