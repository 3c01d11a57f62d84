"""POST /v1/responses/input_tokens: how many tokens the input of a response has. Nothing is produced or billed."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from router.core.reading import Reading
from router.core.values import Usage
from router.surfaces.openai.responses.answers import is_count
from router.surfaces.openai.responses.surface import Responses

_NOTHING = Usage()


class InputTokens(Responses):
    operation: ClassVar[str] = ""
    writes = False
    free = True

    def __init__(self) -> None:
        super().__init__("responses_input_tokens", "/responses/input_tokens")

    def read(self, body: bytes) -> Reading:
        nothing = replace(super().read(body), input_tokens=0, input_bound=0, max_output_tokens=0, contexts=0)
        return replace(nothing, stores=False, background=False, stream=False)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return (True, _NOTHING) if is_count(body) else (False, None)

    def usage_of(self, body: bytes) -> Usage | None:
        return _NOTHING

    def text_bytes_of(self, body: bytes) -> int:
        return 0
