"""What vLLM adds to OpenAI's dialect: on every event of a stream, the usage so far of its choice, for those who ask.

We ask for it, so that a stream that is cut is charged what was produced, and take it out of the events again where the
client did not ask. What else vLLM says in its last event goes back to where it would have stood without usage.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from router.core.reading import BadBody, Reading
from router.core.values import Route, Usage
from router.surfaces.json_object import split_object
from router.surfaces.long_json import LONG, MOST_ITEMS, outline
from router.surfaces.openai.chunks import NumberedChunk
from router.surfaces.openai.stream import ChunkScanner, object_of
from router.surfaces.openai.usage import Report, larger
from router.surfaces.sse import MAX_EVENT, is_plain, value_of
from router.surfaces.told_error import tells_error

_decode_numbered = msgspec.json.Decoder(NumberedChunk).decode
_decode_report = msgspec.json.Decoder(Report).decode
_encode = msgspec.json.Encoder().encode
_FINGERPRINT = b'"system_fingerprint"'


def asks_running_usage(reading: Reading, route: Route, *, one_prompt: bool) -> bool:
    """Whether to ask for the running usage on every event, which the client did not ask for and must not see.

    vLLM has it, so that a stream that is cut is charged what was produced. It counts by choice: answers to several
    prompts do not say which prompt is theirs, so of these only the end's total is asked for. `one_prompt` says that the
    endpoint takes no more than one.
    """
    if not (reading.stream and route.stream_usage and route.counts_while_streaming) or shows_running_usage(reading):
        return False
    return one_prompt or reading.answers == 1


def hides_running_usage(reading: Reading, route: Route) -> bool:
    """Whether more of a stream's events than the last may carry usage that the client does not want to see: what we ask
    vLLM for, and what it asked for itself and switched off, by wanting no usage at all."""
    return not shows_running_usage(reading) and (route.counts_while_streaming or reading.wants_running_usage)


def shows_running_usage(reading: Reading) -> bool:
    """Whether the client wants the running usage. vLLM gives it only to those who want usage."""
    return reading.wants_running_usage and reading.wants_usage is True


class RunningUsageScanner(ChunkScanner):
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

    def _note_report(self, report: bytes) -> None:
        super()._note_report(report)
        self._total = larger(self._usage, self._total)

    def feed(self, data: bytes) -> bytes:
        if not (self._held or self.error or self.malformed) and len(data) <= self._max_event and is_plain(data):
            removed = self._judge(data[5:-2])
            if self.error:
                self.failure = data
            return self._sent(data, removed)
        return self._feed_any(data)

    def release(self) -> bytes:
        last, self._last = self._last, b""
        return last

    def _passed(self, event: bytes) -> bytes:
        self._carried = self._finishes = False
        long = self.torn or len(event) > self._max_event
        removed = not super()._passed(event)
        if long:  # the client has what it began with
            self._carried = self._finishes = False
        return self._sent(event, removed)

    def _skip(self) -> bytes:
        return self.release() + super()._skip()

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
        if chunk.error is not None or (choices is None and tells_error(payload)):
            self.error = self.first_complete = True
        if len(usage) <= len(b"null"):
            self._weigh(payload)
            return False
        if choices:
            index = choices[0].index
            if index in self._running or len(self._running) < MOST_ITEMS:
                self._running[index] = usage
            self._carried = True
            return False
        found = _usage(usage, chunk.service_tier)
        self._total = larger(found, self._total)
        self._unread = self._unread and found is None
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
    if len(payloads) != 1 or len(event) > LONG:
        return event  # what no server is known to send: an object over several lines, or a long one with more behind
    payload = value_of(payloads[0])
    return event.replace(payload, _without_member(payload, "usage"), 1)


def with_fingerprint(event: bytes, source: bytes) -> bytes:
    """An event with the `system_fingerprint` of another one, if that has one; both are plain, or nothing happens."""
    fingerprint = (object_of(outline(source[5:])) or {}).get("system_fingerprint")
    end = event.rfind(b"}")
    if not isinstance(fingerprint, str) or not is_plain(event) or event[end + 1 :].strip():
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
