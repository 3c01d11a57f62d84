"""POST /pooling: what a model has in its last layer, or what a plugin makes of that."""

from __future__ import annotations

import msgspec

from router.core.values import Usage
from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.complaint import complaint_in
from router.surfaces.openai.reads_only import ReadsOnly
from router.surfaces.openai.shape import Shape
from router.surfaces.openai.stream import object_of

_SHAPE = Shape(opaque=("data",))


class Pooling(ReadsOnly):
    def __init__(self) -> None:
        super().__init__("pooling", "/pooling", shape=_SHAPE, paths=("/pooling",), at_root=True, makes_vectors=True)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        """What a plugin answers has a `data` of any kind."""
        fit, usage = super().read_answer(body)
        return fit or _is_of_a_plugin(body), usage

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.data, b'["') for each in answer.data)


def _is_of_a_plugin(body: bytes) -> bool:
    answer = object_of(body) or {}
    return "request_id" in answer and answer.get("data") is not None and complaint_in(body) is None
