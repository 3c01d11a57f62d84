"""What endpoints have in common whose answers are no text: all that they use is input."""

from __future__ import annotations

from router.core.reading import Reading
from router.core.values import Usage
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.openai.read_request import read
from router.surfaces.openai.shape import COMMON, Shape
from router.surfaces.openai.usage import input_of


class ReadsOnly(OpenAI):
    """`default_model` is asked for by those that name none; without it that is an error."""

    writes = False

    def __init__(
        self,
        name: str,
        path: str,
        *,
        shape: Shape = COMMON,
        default_model: str = "",
        paths: tuple[str, ...] = (),
        at_root: bool = False,
        asked_in: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name, path, one_prompt=False, paths=paths, at_root=at_root, asked_in=asked_in)
        self._shape = shape
        self._default_model = default_model

    def read(self, body: bytes) -> Reading:
        return read(body, writes=False, default_model=self._default_model, shape=self._shape)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        fit, usage = super().read_answer(body)
        return fit, usage or self.usage_of(body)

    def usage_of(self, body: bytes) -> Usage | None:
        return input_of(body)
