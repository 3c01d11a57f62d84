"""The shape of one event of a streamed answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.core.estimated_usage import weight_of
from router.surfaces.openai.usage import Report

NOTHING = msgspec.Raw(b"null")
_SHORT = 16
"""Bytes of a text that is a token or two, whatever it says."""
_CALL = 48
"""Bytes of names and brackets around what is said to one tool."""


class Delta(Struct, gc=False):
    """Undecoded: only their length matters, mostly."""

    content: msgspec.Raw = NOTHING
    reasoning_content: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    tool_calls: msgspec.Raw = NOTHING


class BareChoice(Struct, gc=False):
    finish_reason: str | None = None
    index: int = 0


class Choice(BareChoice, gc=False):
    delta: Delta | None = None
    text: msgspec.Raw = NOTHING


class Chunk(Struct, gc=False):
    """What is read of one event; everything else in it is skipped."""

    choices: tuple[Choice, ...] | None = None
    usage: Report | None = None
    service_tier: Any = None
    error: Any = None


class NumberedChunk(Struct, gc=False):
    """The same of an event that carries the running usage of its choice, so that what it says is not looked at."""

    choices: tuple[BareChoice, ...] | None = None
    usage: msgspec.Raw = NOTHING
    """Undecoded: of all events, only the last one's matters."""
    service_tier: Any = None
    error: Any = None


def said_in(choice: Choice) -> int:
    """The weight of what one says, see `weight_of`."""
    delta = choice.delta
    if delta is None:
        return 0 if choice.text is NOTHING else _weight_of(choice.text)
    if delta.content is not NOTHING and len(delta.content) > 4:
        return _weight_of(delta.content)
    thought = delta.reasoning if delta.reasoning_content is NOTHING else delta.reasoning_content
    said = 0 if thought is NOTHING else _weight_of(thought)
    return said if delta.tool_calls is NOTHING else said + max(0, len(delta.tool_calls) - _CALL)


def _weight_of(text: msgspec.Raw) -> int:
    """Of a string with its quotes. Nearly all are so short that it is not worth a look."""
    size = len(text) - 2
    return size if size <= _SHORT else weight_of(bytes(text)) - 2
