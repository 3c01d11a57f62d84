"""POST /v1/embeddings."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.reads_only import ReadsOnly


class Embeddings(ReadsOnly):
    def __init__(self) -> None:
        super().__init__("embeddings", "/embeddings", asked_in=("input",), makes_vectors=True)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.embedding, b'["') for each in answer.data)
