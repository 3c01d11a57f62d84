"""POST /v1/embeddings."""

from __future__ import annotations

import msgspec

from router.core.reading import Reading
from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.openai.read_request import read


class Embeddings(OpenAI):
    def __init__(self) -> None:
        super().__init__("embeddings", "/embeddings", one_prompt=False, asked_in="input")

    def read(self, body: bytes) -> Reading:
        return read(body, writes=False)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.embedding, b'["') for each in answer.data)
