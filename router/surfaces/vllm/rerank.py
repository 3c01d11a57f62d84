"""POST /v1/rerank, /v2/rerank and /rerank: documents in the order of how well they fit a query."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.reads_only import ReadsOnly
from router.surfaces.openai.shape import Shape

_SHAPE = Shape(prompts=("instruction",), queries=("query",), documents=("documents",))


class Rerank(ReadsOnly):
    def __init__(self) -> None:
        paths = ("/v1/rerank", "/v2/rerank", "/rerank")
        super().__init__("rerank", "/rerank", shape=_SHAPE, paths=paths, asked_in=("query",))

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "query": prompt, "documents": [prompt]})

    def has_result(self, answer: Results) -> bool:
        return begins(answer.results, b"[")
