"""POST /v1/score and /score: how well texts fit each other."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.reads_only import ReadsOnly
from router.surfaces.openai.shape import Shape

_QUERIES = ("queries", "text_1", "data_1")
_SHAPE = Shape(
    prompts=("instruction",),
    queries=_QUERIES,
    documents=("documents", "items", "text_2", "data_2"),
)


class Score(ReadsOnly):
    def __init__(self) -> None:
        super().__init__("score", "/score", shape=_SHAPE, paths=("/v1/score", "/score"), asked_in=_QUERIES)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "queries": prompt, "documents": prompt})

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.score, b"-0123456789") for each in answer.data)
