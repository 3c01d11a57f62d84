"""POST /v1/rerank, /v2/rerank and /rerank: documents in the order of how well they fit a query.

Some are paid by the search: a query with up to 100 documents, where one that is longer than 500 tokens with the query
counts as several (https://docs.cohere.com/reference/rerank, https://cohere.com/pricing). Their answers say how many
these were, in `meta.billed_units.search_units`, and nothing of tokens.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec.structs import replace

from router.core.reading import Reading
from router.core.units import Units
from router.core.values import Usage
from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.reads_only import ReadsOnly
from router.surfaces.openai.shape import Shape
from router.surfaces.openai.stream import object_of
from router.surfaces.vllm.billed_searches import billed_searches

_SHAPE = Shape(prompts=("instruction",), queries=("query",), documents=("documents",))
_DOCUMENTS, _TOKENS = 100, 500
"""Of one search, and of one document."""
_LEAST_BYTES = 250
"""Of a document's part: no token is less than a byte, and the query does not take more than the half."""


class Rerank(ReadsOnly):
    paid_by: ClassVar[tuple[str, ...]] = ("searches", "request", "input")

    def __init__(self) -> None:
        paths = ("/v1/rerank", "/v2/rerank", "/rerank")
        super().__init__("rerank", "/rerank", shape=_SHAPE, paths=paths, asked_in=("query",))

    def read(self, body: bytes) -> Reading:
        reading = super().read(body)
        documents = (object_of(body) or {}).get("documents")
        count = len(documents) if isinstance(documents, list) else 1
        most = _searches(count + reading.input_bound // _LEAST_BYTES)
        likely = _searches(max(count, -(-reading.input_tokens // _TOKENS)))
        return replace(reading, units=Units(searches=most), likely=Units(searches=likely))

    def usage_of(self, body: bytes) -> Usage | None:
        usage, searches = super().usage_of(body), billed_searches(body)
        if not searches:
            return usage
        return replace(usage or Usage(), units=Units(searches=searches))

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return super().read_answer(body)[0], self.usage_of(body)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "query": prompt, "documents": [prompt]})

    def has_result(self, answer: Results) -> bool:
        return begins(answer.results, b"[")


def _searches(documents: int) -> int:
    return max(1, -(-documents // _DOCUMENTS))
