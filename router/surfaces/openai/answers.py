"""Whether a body is an answer: what has status 200 may be an error object, a page, half of something, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.core.values import Usage
from router.surfaces.openai.usage import Report, usage_of

_NOTHING = msgspec.Raw(b"null")


class Result(Struct, gc=False):
    """One choice of a chat or a completion, one vector, one score: what is looked at of it is how its member begins."""

    message: msgspec.Raw = _NOTHING
    text: msgspec.Raw = _NOTHING
    embedding: msgspec.Raw = _NOTHING
    data: msgspec.Raw = _NOTHING
    probs: msgspec.Raw = _NOTHING
    score: msgspec.Raw = _NOTHING


class Results(Struct, gc=False):
    """What an answer of any endpoint has, one of `choices`, `data` and the rest; and what it has not."""

    error: msgspec.Raw = _NOTHING
    choices: tuple[Result, ...] = ()
    data: tuple[Result, ...] = ()
    prompt: msgspec.Raw = _NOTHING
    results: msgspec.Raw = _NOTHING
    tokens: msgspec.Raw = _NOTHING


class _Answer(Results, gc=False):
    """The same with what it used, so that it is decoded once."""

    usage: Report | None = None
    service_tier: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_bare = msgspec.json.Decoder(Results).decode


def results_in(body: bytes) -> tuple[Results | None, Usage | None]:
    """What a body that is one whole JSON object without an error has, or else None; and its `usage_of`."""
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        return _results_in_unusual(body)
    except (ValueError, RecursionError):
        return None, None
    report = answer.usage
    return _unless_error(answer), None if report is None else report.usage(answer.service_tier)


def _results_in_unusual(body: bytes) -> tuple[Results | None, Usage | None]:
    """Of one whose usage has another shape, which makes it no less of an answer."""
    try:
        bare = _decode_bare(body)
    except (ValueError, RecursionError):
        return None, None
    return _unless_error(bare), usage_of(body)


def _unless_error(answer: Results) -> Results | None:
    return answer if answer.error is _NOTHING or bytes(answer.error) == b"null" else None


def begins(value: msgspec.Raw, signs: bytes) -> bool:
    """Whether an undecoded value begins with one of these bytes."""
    return memoryview(value)[0] in signs
