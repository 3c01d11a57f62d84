"""What asks a tokenizer has in common: no model runs for it, so it uses no tokens, and costs nothing."""

from __future__ import annotations

from router.core.values import Usage
from router.surfaces.openai.reads_only import ReadsOnly
from router.surfaces.openai.shape import COMMON, Shape

_NOTHING = Usage()


class Tokenizer(ReadsOnly):
    def __init__(self, name: str, path: str, shape: Shape = COMMON) -> None:
        super().__init__(name, path, shape=shape, paths=(path,), at_root=True)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        fit = super().read_answer(body)[0]
        return fit, _NOTHING if fit else None
