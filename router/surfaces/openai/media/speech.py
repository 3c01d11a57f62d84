"""POST /v1/audio/speech: a text that is spoken, in bytes as they are made, or in events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from router.core.reading import Reading
from router.core.units import Units
from router.core.values import Route, Usage
from router.surfaces.byte_stream import ByteScanner
from router.surfaces.edited import Edited
from router.surfaces.openai.dialect import OpenAIDialect
from router.surfaces.openai.editing import edit
from router.surfaces.openai.media.stream import MediaScanner
from router.surfaces.openai.read_request import read
from router.surfaces.openai.shape import Shape
from router.surfaces.openai.stream import object_of
from router.surfaces.sse import EventScanner

_SHAPE = Shape(prompts=("instructions", "stream_format"))
TOKENS_PER_SECOND: Final = 21
"""Of sound that a model speaks: what a minute costs, by what a token does."""
TOKENS_PER_CHARACTER: Final = 8
"""At most: a character takes a tenth of a second, four times as long where it is read slowly."""
FRAME_TOKENS: Final = 64
BYTES_PER_SECOND: Mapping[bytes, int] = {
    b"audio/mpeg": 20_000,
    b"audio/opus": 6_000,
    b"audio/ogg": 6_000,
    b"audio/aac": 16_000,
    b"audio/flac": 30_000,
}
"""About; of all else as of samples that are not compressed."""
_SAMPLES = 48_000


class Speech(OpenAIDialect):
    paid_by: ClassVar[tuple[str, ...]] = ("characters", "audio_output")

    def __init__(self) -> None:
        super().__init__("speech", "/audio/speech")

    def read(self, body: bytes) -> Reading:
        reading = read(body, shape=_SHAPE)
        asked = object_of(body) or {}
        text = asked.get("input")
        streams = asked.get("stream_format") == "sse"
        spoken = Units(characters=len(text) if isinstance(text, str) else 0)
        return replace(
            reading,
            stream=streams,
            max_output_tokens=FRAME_TOKENS + TOKENS_PER_CHARACTER * spoken.characters,
            answers=1,
            content_type="" if streams else "application/json",
            binary=not streams,
            units=spoken,
            likely=spoken,
        )

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        return edit(body, reading, model=route.upstream_model, include_usage=False)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt, "voice": "alloy"})

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        return MediaScanner(strip_usage=False)

    def byte_scanner(self, reading: Reading, media_type: bytes) -> EventScanner:
        known = Usage(input=reading.input_tokens, estimated=True, units=reading.likely)
        return ByteScanner(known, BYTES_PER_SECOND.get(media_type, _SAMPLES) / TOKENS_PER_SECOND)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        """None is JSON."""
        return False, None

    def usage_of(self, body: bytes) -> Usage | None:
        return None

    def text_bytes_of(self, body: bytes) -> int:
        return 0
