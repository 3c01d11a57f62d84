"""POST /v1/messages/count_tokens: how many tokens a message's input has. Nothing is produced, and nothing billed."""

from __future__ import annotations

import msgspec

from router.core.reading import Reading
from router.core.values import Usage
from router.surfaces.anthropic.answers import is_count
from router.surfaces.anthropic.dialect import Anthropic
from router.surfaces.anthropic.read_request import read

_NOTHING = Usage()


class CountTokens(Anthropic):
    writes = False
    free = True

    def __init__(self) -> None:
        super().__init__("count_tokens", "/messages/count_tokens")

    def read(self, body: bytes) -> Reading:
        return read(body, writes=False)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": prompt}]})

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return (True, _NOTHING) if is_count(body) else (False, None)

    def usage_of(self, body: bytes) -> Usage | None:
        return _NOTHING

    def text_bytes_of(self, body: bytes) -> int:
        return 0
