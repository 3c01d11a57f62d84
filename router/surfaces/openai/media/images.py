"""POST /v1/images/generations: pictures of what a prompt says."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec.structs import replace

from router.core.reading import Reading
from router.core.values import Route, Usage
from router.surfaces.edited import Edited
from router.surfaces.openai.dialect import OpenAIDialect
from router.surfaces.openai.editing import edit
from router.surfaces.openai.media.answers import pictures_in
from router.surfaces.openai.media.pictures import DEFAULT_MODEL, PAID_BY, pictures, tokens_of, units_of
from router.surfaces.openai.media.stream import MediaScanner
from router.surfaces.openai.read_request import read
from router.surfaces.openai.shape import COMMON, Shape
from router.surfaces.openai.stream import object_of
from router.surfaces.sse import EventScanner


class Pictures(OpenAIDialect):
    """Endpoints that make pictures of what a JSON object says."""

    paid_by: ClassVar[tuple[str, ...]] = PAID_BY

    def __init__(self, name: str, path: str, *, takes_forms: bool = False) -> None:
        super().__init__(name, path, takes_forms=takes_forms)

    def read(self, body: bytes) -> Reading:
        return read_object(body)

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        return edit(body, reading, model=route.upstream_model, include_usage=False)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "prompt": prompt})

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        return MediaScanner(strip_usage=False, pictures=reading.answers)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return pictures_in(body)

    def usage_of(self, body: bytes) -> Usage | None:
        return pictures_in(body)[1]

    def text_bytes_of(self, body: bytes) -> int:
        return 0


class Images(Pictures):
    def __init__(self) -> None:
        super().__init__("images", "/images/generations")


def read_object(body: bytes, shape: Shape = COMMON) -> Reading:
    reading = read(body, default_model=DEFAULT_MODEL, shape=shape)
    asked = object_of(body) or {}
    n = pictures(asked.get("n"))
    tokens = tokens_of(n, asked.get("quality"), asked.get("partial_images"))
    given = asked.get("images")
    units = units_of(n, tokens, len(given) if isinstance(given, list) else 0, asked.get("quality"), asked.get("size"))
    likely = replace(units, image_input=0, image_output=0)
    return replace(reading, max_output_tokens=tokens, answers=n, units=units, likely=likely, may_come_whole=True)
