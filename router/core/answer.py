"""Whether a body is an answer: what has status 200 may be an error object, a page, half of something, or nothing."""

from __future__ import annotations

import msgspec
from msgspec import Struct

_BRACKET = ord("[")
_NOTHING = msgspec.Raw(b"null")


class _Answer(Struct, gc=False):
    """What an answer of any endpoint has: `choices`, or the `data` of embeddings; and what it has not."""

    error: msgspec.Raw = _NOTHING
    choices: msgspec.Raw = _NOTHING
    data: msgspec.Raw = _NOTHING


_decode = msgspec.json.Decoder(_Answer).decode


def is_answer(body: bytes) -> bool:
    """Whether it is one whole JSON object with a list of results and no error."""
    try:
        answer = _decode(body)
    except (ValueError, RecursionError):
        return False
    listed = _begins(answer.choices) or _begins(answer.data)
    return listed and bytes(answer.error) == b"null"


def _begins(value: msgspec.Raw) -> bool:
    return memoryview(value)[0] == _BRACKET


def is_event_stream(content_type: bytes) -> bool:
    """Whether a Content-Type names server-sent events: without regard to case and parameters (RFC 9110, 8.3.1)."""
    return content_type.partition(b";")[0].strip().lower() == b"text/event-stream"
