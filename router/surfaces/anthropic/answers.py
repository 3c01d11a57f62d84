"""Whether a body is an answer: what has status 200 may be an error object, a page, half of something, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.core.estimated_usage import weight_of
from router.core.values import Usage
from router.surfaces.anthropic.usage import Report, usage_of
from router.surfaces.long_json import LONG
from router.surfaces.openai.answers import begins
from router.surfaces.openai.usage import text_in

_NOTHING = msgspec.Raw(b"null")


class Message(Struct, gc=False):
    content: msgspec.Raw = _NOTHING
    """Undecoded: what is looked at is how it begins."""
    error: msgspec.Raw = _NOTHING


class _Answer(Message, gc=False):
    """The same with what it used, so that it is decoded once."""

    usage: Report | None = None


class _Count(Struct, gc=False):
    input_tokens: int


class _Content(Struct, gc=False):
    content: list[dict[str, Any]]


_decode = msgspec.json.Decoder(_Answer).decode
_decode_bare = msgspec.json.Decoder(Message).decode
_decode_count = msgspec.json.Decoder(_Count).decode
_decode_content = msgspec.json.Decoder(_Content).decode


def read_message(body: bytes) -> tuple[bool, Usage | None]:
    """Whether a body is one whole message without an error, however it ended; and what it used."""
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        return _read_unusual(body)
    except (ValueError, RecursionError):
        return False, None
    return _is_message(answer), None if answer.usage is None else answer.usage.usage()


def _read_unusual(body: bytes) -> tuple[bool, Usage | None]:
    """Of one whose usage has another shape, which makes it no less of an answer."""
    try:
        return _is_message(_decode_bare(body)), usage_of(body)
    except (ValueError, RecursionError):
        return False, None


def _is_message(answer: Message) -> bool:
    return bytes(answer.error) == b"null" and begins(answer.content, b"[")


def is_count(body: bytes) -> bool:
    """Whether a body is an answer that counts."""
    try:
        return _decode_count(body).input_tokens >= 0
    except (ValueError, RecursionError):
        return False


def text_bytes_of(body: bytes) -> int:
    """The weight of the text that a message's blocks have, without the JSON around them. A body that is no message
    may be anything: all of it counts. A long one counts with the JSON within its blocks."""
    try:
        if len(body) > LONG:
            return weight_of(bytes(_decode_bare(body).content))
        return text_in(_decode_content(body).content)
    except (ValueError, RecursionError):
        return len(body)
