"""Server-sent events of a streamed answer, read while they pass.

An `EventScanner` stands between the upstream's bytes and the client's. It hands on the very bytes that came, event by
event, and notes what the gateway has to know of them. Only one thing is ever removed: the last event that carries
nothing but usage, when the client did not ask for it.

Framing follows the WHATWG description: an event ends at a blank line, lines end with LF, CRLF or CR, a line that
starts with a colon is a comment, several `data` lines are joined by LF. Decoding an event costs less than searching
its bytes for the few words that matter, and is exact, so every event is decoded.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from router.core.events import Chunk
from router.core.usage import usage_of_event
from router.core.values import Usage

MAX_EVENT = 16 * 1024 * 1024
"""Bytes of one event; a larger one is passed on unread rather than held."""

_LF = 10
_CR = 13

# A CR at the end of what has arrived may be half a CRLF, so it ends a line only once the next byte is there.
_LINE_END = rb"(?:\n|\r\n|\r(?=[^\n]))"
_BLANK_LINE = re.compile(_LINE_END + _LINE_END)
_LONGEST_PARTIAL_BLANK_LINE = len(b"\r\n\r")


_decode = msgspec.json.Decoder(Chunk).decode
_decode_anything = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class EventScanner:
    """Reads one stream; made for it and thrown away with it. Mutable, without I/O.

    `feed` and `finish` return bytes for the client. The attributes tell what was seen so far:

        usage           of the last event that reported any, else None
        events          data events, `[DONE]` aside; about the tokens produced
        done            `[DONE]` was seen
        finished        a choice had a finish_reason
        error           an event had a top-level `error`
        malformed       an event was neither a JSON object nor `[DONE]`
        first_complete  the first data event is whole, so that `error` and `malformed` speak of it
    """

    __slots__ = (
        "_held",
        "_max_event",
        "_searched",
        "_skipping",
        "_strip_usage",
        "done",
        "error",
        "events",
        "finished",
        "first_complete",
        "malformed",
        "usage",
    )

    def __init__(self, strip_usage: bool, *, max_event: int = MAX_EVENT) -> None:
        self.usage: Usage | None = None
        self.events = 0
        self.done = False
        self.finished = False
        self.error = False
        self.malformed = False
        self.first_complete = False
        self._strip_usage = strip_usage
        self._max_event = max_event
        self._held = bytearray()
        self._searched = 0
        self._skipping = False

    def feed(self, data: bytes) -> bytes:
        """Bytes to send on: all that came, but for an incomplete last event and what is to be removed."""
        if not self._held and len(data) <= self._max_event and _is_plain(data):
            return b"" if self._read(data[5:-2]) else data
        return self._feed_any(data)

    def finish(self) -> bytes:
        """What is still held when the upstream ended well: an event whose blank line is missing.

        After a failure it is not to be called: half an event must not reach the client.
        """
        rest = bytes(self._held)
        self._held.clear()
        return rest if rest and self._passes(rest) else b""

    def _feed_any(self, data: bytes) -> bytes:
        """Splits what is held and has come into events, at whatever bytes they were cut."""
        held = self._held
        held += data
        passed: list[bytes] = []
        start, end, has_cr = 0, self._searched, _CR in held
        while (end := _end_of_event(held, end, has_cr)) > 0:
            event = bytes(held[start:end])
            start = end
            if self._passes(event):
                passed.append(event)
        del held[:start]
        if self._skipping or len(held) > self._max_event:
            passed.append(self._skip())
        self._searched = max(0, len(held) - _LONGEST_PARTIAL_BLANK_LINE)
        return b"".join(passed)

    def _skip(self) -> bytes:
        """Lets go of an event that is too large, but for the bytes that may begin its end."""
        if not self._skipping:
            self._skipping = True
            self._count_unread()
        head = bytes(self._held[:-_LONGEST_PARTIAL_BLANK_LINE])
        del self._held[:-_LONGEST_PARTIAL_BLANK_LINE]
        return head

    def _passes(self, event: bytes) -> bool:
        """Notes one event (or the end of one that was skipped); False when it is to be removed."""
        if self._skipping:
            self._skipping = False
            return True
        if len(event) > self._max_event:
            self._count_unread()
            return True
        if _is_plain(event):
            return not self._read(event[5:-2])
        lines = [_value(line) for line in event.splitlines() if line.startswith(b"data:") or line == b"data"]
        return not lines or not self._read(b"\n".join(lines))

    def _count_unread(self) -> None:
        self.events += 1
        self.first_complete = True

    def _read(self, payload: bytes) -> bool:
        """Notes one data event; True when it is to be removed."""
        self.first_complete = True
        try:
            chunk = _decode(payload)
        except (ValueError, RecursionError):
            return self._read_irregular(payload)
        self.events += 1
        for choice in chunk.choices or ():
            if choice.finish_reason is not None:
                self.finished = True
        if chunk.error is not None:
            self.error = True
        if chunk.usage is None:
            return False
        self.usage = chunk.usage.usage() or self.usage
        return self._strip_usage and chunk.choices == () and chunk.error is None

    def _read_irregular(self, payload: bytes) -> bool:
        """As `_read`, for `[DONE]`, for garbage, and for events in which a field has an unexpected type."""
        if payload.strip() == b"[DONE]":
            self.done = True
            return False
        self.events += 1
        chunk = _object(payload)
        if chunk is None:
            self.malformed = True
            return False
        self.usage = usage_of_event(payload) or self.usage
        error = chunk.get("error") is not None
        self.error = self.error or error
        self.finished = self.finished or _has_finish_reason(chunk.get("choices"))
        return self._strip_usage and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict) and not error


def error_event(message: str, type: str, code: str | None) -> bytes:
    """The in-band error that ends a failed stream, in OpenAI's shape. No `[DONE]` follows it."""
    body = {"error": {"message": message, "type": type, "param": None, "code": code}}
    return b"data: " + _encode(body) + b"\n\n"


def _is_plain(data: bytes) -> bool:
    """Whether it is exactly one event that is exactly one line of data ending with LF, as nearly all are."""
    return data.find(b"\n") == len(data) - 2 and data.startswith(b"data:") and data[-1] == _LF and _CR not in data


def _end_of_event(held: bytearray, position: int, has_cr: bool) -> int:
    """Where the first event ends whose blank line is at or after `position`; 0 when there is none."""
    if not has_cr:
        found = held.find(b"\n\n", position)
        return found + 2 if found >= 0 else 0
    blank = _BLANK_LINE.search(held, position)
    return blank.end() if blank is not None else 0


def _value(line: bytes) -> bytes:
    value = line.partition(b":")[2]
    return value[1:] if value.startswith(b" ") else value


def _object(payload: bytes) -> dict[str, Any] | None:
    try:
        value = _decode_anything(payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _has_finish_reason(choices: Any) -> bool:
    if not isinstance(choices, list):
        return False
    return any(isinstance(choice, dict) and choice.get("finish_reason") is not None for choice in choices)
