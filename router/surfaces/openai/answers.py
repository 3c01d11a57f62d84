"""Whether a body is an answer: what has status 200 may be an error object, a page, half of something, or nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from router.core.policy import Endpoint
from router.core.values import Usage
from router.surfaces.openai.usage import Report, usage_of

_NOTHING = msgspec.Raw(b"null")


class _Result(Struct, gc=False):
    """One choice of a chat or a completion, or one vector; what is looked at of it is how its member begins."""

    message: msgspec.Raw = _NOTHING
    text: msgspec.Raw = _NOTHING
    embedding: msgspec.Raw = _NOTHING


class _Bare(Struct, gc=False):
    """What an answer of any endpoint has: `choices`, or the `data` of embeddings; and what it has not."""

    error: msgspec.Raw = _NOTHING
    choices: tuple[_Result, ...] = ()
    data: tuple[_Result, ...] = ()


class _Answer(_Bare, gc=False):
    """The same with what it used, so that it is decoded once."""

    usage: Report | None = None
    service_tier: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_bare = msgspec.json.Decoder(_Bare).decode


def read_answer(endpoint: Endpoint, body: bytes) -> tuple[bool, Usage | None]:
    """Whether it is one whole JSON object with a result of this endpoint's kind and no error; and its `usage_of`."""
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        return _read_unusual(endpoint, body)
    except (ValueError, RecursionError):
        return False, None
    report = answer.usage
    return _has_result(endpoint, answer), None if report is None else report.usage(answer.service_tier)


def _read_unusual(endpoint: Endpoint, body: bytes) -> tuple[bool, Usage | None]:
    """Of one whose usage has another shape, which makes it no less of an answer."""
    try:
        bare = _decode_bare(body)
    except (ValueError, RecursionError):
        return False, None
    return _has_result(endpoint, bare), usage_of(body)


def _has_result(endpoint: Endpoint, answer: _Bare) -> bool:
    if answer.error is not _NOTHING and bytes(answer.error) != b"null":
        return False
    if endpoint == "chat":
        return any(_begins(each.message, b"{") for each in answer.choices)
    if endpoint == "completions":
        return any(_begins(each.text, b'"') for each in answer.choices)
    return any(_begins(each.embedding, b'["') for each in answer.data)


def _begins(value: msgspec.Raw, signs: bytes) -> bool:
    return memoryview(value)[0] in signs


@lru_cache(maxsize=64)
def is_event_stream(content_type: bytes) -> bool:
    """Whether a Content-Type names server-sent events: without regard to case and parameters (RFC 9110, 8.3.1)."""
    return content_type.partition(b";")[0].strip().lower() == b"text/event-stream"
