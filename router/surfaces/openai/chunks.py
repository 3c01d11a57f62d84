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
_NAMES = 60
"""Bytes of names and brackets around what other parts say, such as the arguments of a tool."""


class Choice(Struct, gc=False):
    finish_reason: str | None = None
    index: int = 0


class _Part(Struct, gc=False):
    delta: msgspec.Raw = NOTHING
    """Undecoded, as `text` is: only their length matters."""
    text: msgspec.Raw = NOTHING


class _Parts(Struct, gc=False):
    choices: tuple[_Part, ...]


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


_decode_parts = msgspec.json.Decoder(_Parts).decode


def measured(payload: bytes) -> tuple[int, int]:
    """Of an event that was read as a `Chunk` with choices: about how many bytes of text it has, as far as its parts are
    not short, and how many bytes stand around the parts."""
    parts = _decode_parts(payload).choices
    text = sum(_text_bytes_in(part) for part in parts if len(part.delta) > SHORT or len(part.text) > SHORT)
    return text, len(payload) - sum(len(part.delta) + len(part.text) for part in parts)


def _text_bytes_in(part: _Part) -> int:
    """Without its frame."""
    if len(part.text) > len(part.delta):
        return len(part.text)
    delta = bytes(part.delta)
    return len(delta) - len(_CONTENT) if delta.startswith(_CONTENT) else max(0, len(delta) - _NAMES)
