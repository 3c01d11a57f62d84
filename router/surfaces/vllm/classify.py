"""POST /classify: how likely each class is."""

from __future__ import annotations

import msgspec

from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.reads_only import ReadsOnly


class Classify(ReadsOnly):
    def __init__(self) -> None:
        super().__init__("classify", "/classify", paths=("/classify",), at_root=True)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.probs, b"[") for each in answer.data)
