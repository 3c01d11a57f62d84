"""litellm's streams -> server-sent events in the dialect of each surface.

`events` yields what goes to the client together; what comes before the first part of an answer waits for that, so that
a failure in its place keeps its status. `complete` is whether the answer had come to its end by then: what cannot be
read after that, such as the usage, is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Protocol

from router.litellm_adapter.failures import CUT_SHORT, Failure, ProviderError
from router.litellm_adapter.screening import Json
from router.litellm_adapter.shapes import chunk_body, finishing, message_body, response_body

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BEFORE_A_MESSAGE = frozenset({"message_start", "ping", "content_block_start"})
_BEFORE_A_RESPONSE = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS_OF_RESPONSES = frozenset({"response.completed", "response.incomplete", "response.failed"})
_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnswerStream(Protocol):
    @property
    def complete(self) -> bool: ...

    def events(self) -> AsyncGenerator[bytes, None]: ...


class ChatStream:
    """litellm's CustomStreamWrapper, of `answers` choices."""

    def __init__(self, source: AsyncIterator[Any], answers: int, *, with_usage: bool) -> None:
        self._source = source
        self._answers = answers
        self._with_usage = with_usage
        self._finished: set[int] = set()

    @property
    def complete(self) -> bool:
        return len(self._finished) >= self._answers

    async def events(self) -> AsyncGenerator[bytes, None]:
        async for raw in self._source:
            chunk = chunk_body(raw.model_dump(), with_usage=self._with_usage)
            if chunk is not None:
                self._finished |= finishing(chunk)
                yield event(chunk)
        yield b"data: [DONE]\n\n"


class MessageStream:
    """Events of Anthropic's dialect, as bytes that end anywhere."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self.complete = False

    async def events(self) -> AsyncGenerator[bytes, None]:
        waiting = b""
        async for each in self._whole():
            kind, payload = _told(each)
            if kind == "error":
                raise ProviderError(_failure(payload))
            self.complete = self.complete or kind == "message_stop"
            waiting += _with_true_usage(each, kind, payload)
            if kind not in _BEFORE_A_MESSAGE:
                yield waiting
                waiting = b""
        if not self.complete:
            raise ProviderError(CUT_SHORT)

    async def _whole(self) -> AsyncIterator[bytes]:
        held = b""
        async for part in self._source:
            *whole, held = _BLANK_LINE.split(held + part)
            for each in whole:
                if each:
                    yield each + b"\n\n"


class ResponseStream:
    """Events of the Responses API, as litellm's objects."""

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = source
        self.complete = False

    async def events(self) -> AsyncGenerator[bytes, None]:
        waiting, number = b"", 0
        async for raw in self._source:
            told = raw.model_dump(mode="json", exclude_unset=True, warnings=False)
            kind = str(told.get("type"))
            if isinstance(told.get("response"), dict):
                told["response"] = response_body(told["response"])
            told["sequence_number"] = number  # litellm numbers only what a provider has numbered
            number += 1
            self.complete = self.complete or kind in _ENDS_OF_RESPONSES
            waiting += named_event(kind, told)
            if kind not in _BEFORE_A_RESPONSE:
                yield waiting
                waiting = b""
        if not self.complete:
            raise ProviderError(CUT_SHORT)


def event(value: Json) -> bytes:
    """One that has no name."""
    return b"data: " + compact(value) + b"\n\n"


def named_event(kind: str, value: Json) -> bytes:
    return b"event: " + kind.encode() + b"\n" + event(value)


def compact(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _told(each: bytes) -> tuple[str, bytes]:
    """Name and payload of an event."""
    kind, payload = b"", []
    for line in each.splitlines():
        if line.startswith(b"event:"):
            kind = line[6:].strip()
        elif line.startswith(b"data:"):
            payload.append(line[5:].strip())
    return kind.decode("utf-8", "replace"), b"\n".join(payload)


def _with_true_usage(each: bytes, kind: str, payload: bytes) -> bytes:
    """The event, without a count of nothing that litellm makes where the provider did not report any."""
    if kind != "message_delta" or b'"usage"' not in payload:
        return each
    told = json.loads(payload)
    shown = message_body(told)
    return each if shown == told else named_event(kind, shown)


def _failure(payload: bytes) -> Failure:
    try:
        error = json.loads(payload)["error"]
        kind, message = str(error["type"]), str(error["message"])
    except (ValueError, RecursionError, LookupError, TypeError):
        return CUT_SHORT
    return Failure(_STATUSES.get(kind, 500), message, kind)
