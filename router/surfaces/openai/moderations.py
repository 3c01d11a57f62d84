"""POST /v1/moderations."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.reads_only import ReadsOnly

MODEL = "omni-moderation-latest"
"""Asked for by those that name no model, as most do."""


class Moderations(ReadsOnly):
    def __init__(self) -> None:
        super().__init__("moderations", "/moderations", default_model=MODEL)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def has_result(self, answer: Results) -> bool:
        return begins(answer.results, b"[")
