"""POST /v1/moderations."""

from __future__ import annotations

import msgspec

from router.core.reading import Reading
from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.openai.read_request import read

MODEL = "omni-moderation-latest"
"""Asked for by those that name no model, as most do."""


class Moderations(OpenAI):
    def __init__(self) -> None:
        super().__init__("moderations", "/moderations", one_prompt=False)

    def read(self, body: bytes) -> Reading:
        return read(body, writes=False, default_model=MODEL)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def has_result(self, answer: Results) -> bool:
        return begins(answer.results, b"[")
