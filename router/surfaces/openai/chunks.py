"""The shape of one event of a streamed answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.openai.usage import Report

NOTHING = msgspec.Raw(b"null")
SHORT = 30
"""Bytes of a part that is one token, or not many more, in its frame."""
_CONTENT = b'{"content":"'
_FRAME = 60
"""Bytes of names and brackets around what other parts say, such as the arguments of a tool."""


class Choice(Struct, gc=False):
    finish_reason: str | None = None
    index: int = 0
    delta: msgspec.Raw = NOTHING
    """Undecoded, as `text` is: only their length matters."""
    text: msgspec.Raw = NOTHING


def text_bytes_in(choice: Choice) -> int:
    """About how many bytes of text a part of an answer has, without its frame."""
    if len(choice.text) > len(choice.delta):
        return len(choice.text)
    delta = bytes(choice.delta)
    return len(delta) - len(_CONTENT) if delta.startswith(_CONTENT) else max(0, len(delta) - _FRAME)


class Chunk(Struct, gc=False):
    """What is read of one event; everything else in it is skipped."""

    choices: tuple[Choice, ...] | None = None
    usage: Report | None = None
    service_tier: Any = None
    error: Any = None


class NumberedChunk(Struct, gc=False):
    """The same of an event that carries the running usage of its choice."""

    choices: tuple[Choice, ...] | None = None
    usage: msgspec.Raw = NOTHING
    """Undecoded: of all events, only the last one's matters."""
    service_tier: Any = None
    error: Any = None
