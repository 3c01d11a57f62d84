"""Server-sent events of a streamed answer, read while they pass.

An `EventScanner` stands between the upstream's bytes and the client's. It hands on the very bytes that came, event by
event, and notes what the gateway has to know of them. Only one thing is ever removed: usage that the client did not
ask for, which is the last event that carries nothing else, and, where a `ContinuousScanner` reads, a member of each.
What else vLLM says in that last event goes back to where it would have stood without it.

Framing follows the WHATWG description: an event ends at a blank line, lines end with LF, CRLF or CR, a line that
starts with a colon is a comment, several `data` lines are joined by LF. Decoding an event costs less than searching
its bytes for the few words that matter, and is exact, so every event is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec

from router.core.reading import BadBody
from router.core.values import Usage
from router.surfaces.openai.chunks import Chunk, NumberedChunk
from router.surfaces.openai.reading import split_object
from router.surfaces.openai.usage import Report, usage_of_event

MAX_EVENT = 16 * 1024 * 1024
"""Bytes of one event; a larger one is passed on unread rather than held."""

_LF = 10
_CR = 13

# A CR at the end of what has arrived may be half a CRLF, so it ends a line only once the next byte is there.
_LINE_END = rb"(?:\n|\r\n|\r(?=[^\n]))"
_BLANK_LINE = re.compile(_LINE_END + _LINE_END)
_LONGEST_PARTIAL_BLANK_LINE = len(b"\r\n\r")


_decode = msgspec.json.Decoder(Chunk).decode
_decode_numbered = msgspec.json.Decoder(NumberedChunk).decode
_decode_report = msgspec.json.Decoder(Report).decode
_decode_anything = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_FINGERPRINT = b'"system_fingerprint"'


class EventScanner:
    """Reads one stream; made for it and thrown away with it. Mutable, without I/O.

    `feed` and `finish` return bytes for the client. The attributes tell what was seen so far:

        usage           of the last event that reported any, else None
        events          data events with a choice in them; about the tokens produced
        done            `[DONE]` was seen
        finished        the choices (by index) that had a finish_reason
        error           an event had a top-level `error`, or is called one
        malformed       an event was neither a JSON object nor `[DONE]`
        first_complete  the first event that tells something is whole: one with a choice, an error, `[DONE]` or garbage.
                        What comes before it (pings, Azure's word on the prompt) is no sign of an answer
    """

    __slots__ = (
        "_held",
        "_max_event",
        "_searched",
        "_skipping",
        "_strip_usage",
        "_usage",
        "done",
        "error",
        "events",
        "finished",
        "first_complete",
        "malformed",
    )

    def __init__(self, strip_usage: bool, *, max_event: int = MAX_EVENT) -> None:
        self.events = 0
        self.done = False
        self.finished: set[int] = set()
        self.error = False
        self.malformed = False
        self.first_complete = False
        self._usage: Usage | None = None
        self._strip_usage = strip_usage
        self._max_event = max_event
        self._held = bytearray()
        self._searched = 0
        self._skipping = False

    @property
    def usage(self) -> Usage | None:
        return self._usage

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
        return self._passed(rest) if rest else b""

    def release(self) -> bytes:
        """Whole events that were kept back, for the end of a stream of whatever kind."""
        return b""

    def _feed_any(self, data: bytes) -> bytes:
        """Splits what is held and has come into events, at whatever bytes they were cut."""
        held = self._held
        held += data
        passed: list[bytes] = []
        start, end, has_cr = 0, self._searched, _CR in held
        while (end := _end_of_event(held, end, has_cr)) > 0:
            passed.append(self._passed(bytes(held[start:end])))
            start = end
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

    def _passed(self, event: bytes) -> bytes:
        """Notes one event (or the end of one that was skipped); what of it goes to the client."""
        if self._skipping:
            self._skipping = False
            return event
        if len(event) > self._max_event:
            self._count_unread()
            return event
        if _is_plain(event):
            return b"" if self._read(event[5:-2]) else event
        payload = _data(event)
        removed = payload is not None and self._read(payload)
        if _is_called_error(event):
            self.error = self.first_complete = True
        return b"" if removed else event

    def _count_unread(self) -> None:
        """One that is too large to be looked at is no beginning of an answer."""
        self.malformed = self.malformed or not self.first_complete
        self.events += 1
        self.first_complete = True

    def _read(self, payload: bytes) -> bool:
        """Notes one data event; True when it is to be removed."""
        try:
            chunk = _decode(payload)
        except (ValueError, RecursionError):
            return self._read_irregular(payload)
        if chunk.choices:
            self.events += 1
            self.first_complete = True
            for choice in chunk.choices:
                if choice.finish_reason is not None:
                    self.finished.add(choice.index)
        if chunk.error is not None:
            self.error = self.first_complete = True
        if chunk.usage is None:
            return False
        self._usage = chunk.usage.usage(chunk.service_tier) or self._usage
        return self._strip_usage and chunk.choices == () and chunk.error is None

    def _read_irregular(self, payload: bytes) -> bool:
        """As `_read`, for `[DONE]`, for garbage, and for events in which a field has an unexpected type."""
        if payload.strip() == b"[DONE]":
            self.done = self.first_complete = True
            return False
        chunk = _object(payload)
        if chunk is None:
            self.malformed = self.first_complete = True
            return False
        self._usage = usage_of_event(payload) or self._usage
        error = chunk.get("error") is not None
        self.error = self.error or error
        if _has_choice(chunk.get("choices")):
            self.events += 1
            self.first_complete = True
        self.first_complete = self.first_complete or error
        self.finished |= _finished(chunk.get("choices"))
        return self._strip_usage and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict) and not error


class ContinuousScanner(EventScanner):
    """Reads a stream whose events may carry the usage so far, each of its own choice, which the client did not ask for.

    `usage` is what the last event of every choice said, until one speaks of all. From events that pass on, exactly
    that member is removed: the rest of their bytes stays as it came.

    vLLM's very last event carries the `system_fingerprint`: that of the usage, or without one, that in which the last
    choice finishes. So an event with a finish waits for the next one, and gets the fingerprint of an event that is
    removed.
    """

    __slots__ = ("_carried", "_finishes", "_last", "_running", "_total")

    def __init__(self, strip_usage: bool, *, max_event: int = MAX_EVENT) -> None:
        super().__init__(strip_usage, max_event=max_event)
        self._carried = False
        """The event that was read last has usage besides choices."""
        self._finishes = False
        """In the event that was read last a choice finishes, and it has no fingerprint."""
        self._last = b""
        """Such an event, kept back."""
        self._running: dict[int, msgspec.Raw] = {}
        self._total: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        return self._total or _sum(self._running.values()) or self._usage

    def feed(self, data: bytes) -> bytes:
        if not self._held and len(data) <= self._max_event and _is_plain(data):
            return self._sent(data, self._read(data[5:-2]))
        return self._feed_any(data)

    def release(self) -> bytes:
        last, self._last = self._last, b""
        return last

    def _passed(self, event: bytes) -> bytes:
        self._carried = self._finishes = False
        return self._sent(event, not super()._passed(event))

    def _sent(self, event: bytes, removed: bool) -> bytes:
        """What goes to the client now that `event` was read."""
        before = self.release() if self._last else b""
        if removed:
            return with_fingerprint(before, event) if before else b""
        if self._carried:
            event = without_usage(event)
        if self._finishes:
            self._last = event
            return before
        return before + event if before else event

    def _read(self, payload: bytes) -> bool:
        self._carried = self._finishes = False
        try:
            chunk = _decode_numbered(payload)
        except (ValueError, RecursionError):
            return self._read_irregular(payload)
        usage, choices = chunk.usage, chunk.choices
        if choices:
            self.events += 1
            self.first_complete = True
        for choice in choices or ():
            if choice.finish_reason is not None:
                self.finished.add(choice.index)
                self._finishes = self._strip_usage and _FINGERPRINT not in payload
        if chunk.error is not None:
            self.error = self.first_complete = True
        if len(usage) <= len(b"null"):
            return False
        if choices:
            self._running[choices[0].index] = usage
            self._carried = True
            return False
        self._total = _usage(usage, chunk.service_tier) or self._total
        return self._strip_usage and choices == () and chunk.error is None


def without_usage(event: bytes) -> bytes:
    """An event without the member `usage` of its object, which is known to be there.

    vLLM writes it last, or nearly. In valid JSON these quotes stand outside of strings, where they would be escaped;
    and when the event ends with the next brace and one more, that member is one of the outermost object.
    """
    start = event.rfind(b'"usage":{')
    if start > 0 and event.find(b"}", start) == len(event) - 4 and event.endswith(b"}}\n\n"):
        before = event[:start].rstrip()
        if before.endswith(b","):
            return before[:-1] + b"}\n\n"
    payloads = [line for line in event.splitlines() if line.startswith(b"data:")]
    if len(payloads) != 1:
        return event  # an object over several lines, which no server is known to send
    payload = _value(payloads[0])
    return event.replace(payload, _without_member(payload, "usage"), 1)


def with_fingerprint(event: bytes, source: bytes) -> bytes:
    """An event with the `system_fingerprint` of another one, if that has one; both are plain, or nothing happens."""
    fingerprint = (_object(source[5:]) or {}).get("system_fingerprint")
    end = event.rfind(b"}")
    if not isinstance(fingerprint, str) or not _is_plain(event) or event[end + 1 :].strip():
        return event
    return b'%b,"system_fingerprint":%b%b' % (event[:end], _encode(fingerprint), event[end:])


def _without_member(payload: bytes, name: str) -> bytes:
    try:
        _, spans = split_object(payload)
    except BadBody:
        return payload
    if name not in spans:
        return payload
    names = list(spans)
    place, end = names.index(name), spans[name][1]
    if place:
        return payload[: spans[names[place - 1]][1]] + payload[end:]
    rest = payload[end:].lstrip()
    return payload[: payload.index(b"{") + 1] + rest.removeprefix(b",")


def _usage(report: msgspec.Raw, service: object = None) -> Usage | None:
    try:
        return _decode_report(report).usage(service)
    except (ValueError, RecursionError):
        return None


def _sum(reports: Collection[msgspec.Raw]) -> Usage | None:
    """Of choices that share their input."""
    usages = [usage for report in reports if (usage := _usage(report)) is not None]
    if not usages:
        return None
    return Usage(
        max(usage.input for usage in usages),
        max(usage.cached for usage in usages),
        max(usage.cache_write for usage in usages),
        sum(usage.output for usage in usages),
    )


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


def _finished(choices: Any) -> set[int]:
    if not isinstance(choices, list):
        return set()
    ended = [each for each in choices if isinstance(each, dict) and each.get("finish_reason") is not None]
    return {index for each in ended if isinstance(index := each.get("index", 0), int)}


def _has_choice(choices: Any) -> bool:
    return isinstance(choices, list) and any(isinstance(each, dict) for each in choices)


def _is_called_error(event: bytes) -> bool:
    return any(line.startswith(b"event:") and _value(line).strip() == b"error" for line in event.splitlines())


def payloads(events: bytes) -> list[bytes]:
    """The data of each whole event, `[DONE]` among them."""
    blocks = _BLANK_LINE.split(events)
    return [payload for block in blocks if (payload := _data(block)) is not None]


def _data(event: bytes) -> bytes | None:
    lines = [_value(line) for line in event.splitlines() if line.startswith(b"data:") or line == b"data"]
    return b"\n".join(lines) if lines else None
