"""POST /v1/completions."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from router.core.reading import Reading
from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.openai.read_request import read


class Completions(OpenAI):
    operation: ClassVar[str] = "text_completion"

    def __init__(self) -> None:
        super().__init__("completions", "/completions", one_prompt=False, asked_in=("prompt",))

    def read(self, body: bytes) -> Reading:
        return read(body)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "prompt": prompt})

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.text, b'"') for each in answer.choices)
