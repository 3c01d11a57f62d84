"""POST /v1/messages."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from router.core.reading import Reading
from router.core.values import Usage
from router.surfaces.anthropic.answers import read_message, text_bytes_of
from router.surfaces.anthropic.dialect import Anthropic
from router.surfaces.anthropic.read_request import read
from router.surfaces.anthropic.usage import usage_of

EXAMPLE_TOKENS = 1024


class Messages(Anthropic):
    operation: ClassVar[str] = "chat"

    def __init__(self) -> None:
        super().__init__("messages", "/messages")

    def read(self, body: bytes) -> Reading:
        return read(body)

    def example(self, model: str, prompt: str) -> bytes:
        messages = [{"role": "user", "content": prompt}]
        return msgspec.json.encode({"model": model, "max_tokens": EXAMPLE_TOKENS, "messages": messages})

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return read_message(body)

    def usage_of(self, body: bytes) -> Usage | None:
        return usage_of(body)

    def text_bytes_of(self, body: bytes) -> int:
        return text_bytes_of(body)
