"""What endpoints have in common whose answers are no text: all that they use is input."""

from __future__ import annotations

from msgspec.structs import replace

from router.core.reading import Reading
from router.core.values import Usage
from router.surfaces.byte_stream import ByteScanner
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.openai.read_request import read
from router.surfaces.openai.shape import COMMON, Shape
from router.surfaces.openai.stream import object_of
from router.surfaces.openai.usage import input_of
from router.surfaces.sse import EventScanner

_IN_BYTES = frozenset({"bytes", "bytes_only"})
"""What vLLM calls vectors in bytes, with and without a word on them in a header."""


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
        makes_vectors: bool = False,
    ) -> None:
        super().__init__(name, path, one_prompt=False, paths=paths, at_root=at_root, asked_in=asked_in)
        self._shape = shape
        self._default_model = default_model
        self._makes_vectors = makes_vectors
        """Which may be asked for in bytes."""

    def read(self, body: bytes) -> Reading:
        reading = read(body, writes=False, default_model=self._default_model, shape=self._shape)
        if self._makes_vectors and b"encoding_format" in body and _in_bytes(body):
            return replace(reading, binary=True, content_type="application/json")
        return reading

    def byte_scanner(self, reading: Reading, media_type: bytes) -> EventScanner:
        return ByteScanner(Usage(input=reading.input_tokens, estimated=True))

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        fit, usage = super().read_answer(body)
        return fit, usage or self.usage_of(body)

    def usage_of(self, body: bytes) -> Usage | None:
        return input_of(body)


def _in_bytes(body: bytes) -> bool:
    asked = (object_of(body) or {}).get("encoding_format")
    return isinstance(asked, str) and asked in _IN_BYTES
