"""A streamed response, read while it passes. Nothing is ever removed: usage comes with the last event, unasked.

    response.created, .queued, .in_progress             word of the request; no sign of an answer
    response.output_item.added, response.*.delta, ...    parts of an answer
    response.completed, .incomplete, .failed             the end, with all of the response

Names of events repeat the type in their data, which is what counts.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec.structs import replace

from router.core.estimated_usage import weight_of
from router.surfaces.lone_surrogates import without_surrogates
from router.surfaces.long_event import LongEvent
from router.surfaces.long_json import outline
from router.surfaces.openai.responses import answers
from router.surfaces.openai.responses.events import Begun, Event, Whole
from router.surfaces.openai.responses.failures import failed_event, is_clients, is_failure
from router.surfaces.openai.stored_objects import id_of_response_in
from router.surfaces.openai.stream import object_of
from router.surfaces.openai.usage import larger
from router.surfaces.sse import MAX_EVENT, EventScanner, data_of
from router.surfaces.told_error import tells_error

_FIRST = frozenset({"response.created", "response.queued", "response.in_progress"})
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
UNENDED = ("queued", "in_progress")
_SHORT = 16
"""Bytes of a text that is a token or two, whatever it says."""
_MOST_KEPT = 64 * 1024
"""Bytes of a stream's first event that are kept for its last one."""
_NAMED = re.compile(rb'(?:event: ?(?=response)|data: ?\{"type": ?")(response\.[a-z]+)["\r\n]')
"""How an event begins that says what it is."""
_decode = msgspec.json.Decoder(Event).decode
_decode_whole = msgspec.json.Decoder(Whole).decode
_decode_begun = msgspec.json.Decoder(Begun).decode


class ResponseScanner(EventScanner):
    """`background` says that it goes on without the client: then its first event is the answer."""

    __slots__ = ("_background", "_first", "_over", "_sequence")

    def __init__(self, *, background: bool = False, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event=max_event)
        self._background = background
        self._first = b""
        """The data of the first event that tells of the response, if it is no large one."""
        self._sequence = -1
        """Number of the last event; -1 before any had one."""
        self._over = False
        """Nothing that comes now is for the client."""

    @property
    def ends_by_error(self) -> bool:
        """An `error` may be followed by `response.failed`, and by nothing else; one of another dialect is the end."""
        return self._over

    @property
    def end(self) -> str:
        return "response.completed"

    @property
    def depth(self) -> int:
        return 2

    def feed(self, data: bytes) -> bytes:
        if not (self._held or self.error or self.malformed) and len(data) <= self._max_event:
            start = _start_of_data(data)
            if start:
                removed = self._judge(data[start:-2])
                if self.error:
                    self.failure = data
                return b"" if removed else data
        return self._feed_any(data)

    def broken(self, code: str, message: str) -> bytes:
        """The event that ends it when it broke off."""
        self._over = True
        return failed_event(self._response(), self._sequence + 1, code, message)

    def _response(self) -> dict[str, Any]:
        try:
            known = _decode_begun(self._first).response if self._first else None
        except (ValueError, RecursionError):
            known = None
        return known or {"id": "", "object": "response", "output": []}

    def _passed(self, event: bytes) -> bytes:
        if self.error and not self._over:
            payload = data_of(event)
            self._over = payload is not None and _type_of(outline(payload)) != "response.failed"
        return super()._passed(event)

    def _note_unread(self, long: LongEvent) -> None:
        """The last one is the longest, and says first what it is."""
        super()._note_unread(long)
        named = _NAMED.match(long.begin)
        self.done = self.done or (named is not None and named[1].decode() in _LAST)

    def _note_report(self, report: bytes) -> None:
        response = answers.response_in(b'{"usage":%b}' % report)
        found = None if response is None else answers.usage_of(response)
        self._usage = larger(found and replace(found, estimated=True), self._usage)
        self._unread = self._unread and found is None

    def _read(self, payload: bytes) -> bool:
        try:
            event = _decode(payload)
        except (ValueError, RecursionError):
            self._read_irregular(payload)
            return False
        kind = event.type
        if isinstance(event.sequence_number, int):
            self._sequence = event.sequence_number
        if kind in _FIRST:
            self._first = self._first or (payload if len(payload) <= _MOST_KEPT else b"")
            if self._background and not self.events:
                self.events = 1
                self.first_complete = True
            self.stored_id = self.stored_id or id_of_response_in(payload)
        elif kind in _LAST:
            self._read_last(kind, payload)
        elif event.error is not None or (not _is_own(kind) and tells_error(payload)):
            self.error = self.first_complete = True
            self._over = self._over or not is_failure(payload)
        elif isinstance(kind, str):
            self._read_part(kind, event.delta)
        else:
            self.malformed = self.malformed or not self.first_complete
            self.first_complete = True
        return False

    def _read_part(self, kind: str, delta: msgspec.Raw) -> None:
        """What is said to be done was counted as it came."""
        self.first_complete = True
        if not kind.endswith((".done", ".completed")):
            self.events += 1
            size = len(delta) - 2
            if size > len(b"null"):
                self.text_bytes += size if size <= _SHORT else weight_of(bytes(delta)) - 2

    def _read_last(self, kind: str, payload: bytes) -> None:
        """What is called the end is one if it has a response that says so, too."""
        response = whole_in(payload)
        self.first_complete = True
        self.events += 1
        self.remarks = self.remarks or response is None or response.status != "completed"
        if response is None:
            self.malformed = True
            return
        self.done = kind != "response.completed" or response.status not in UNENDED
        self._usage = answers.usage_of(response)
        self._unread = self._unread and self._usage is None
        self.stored_parts = answers.items_in(response)
        if response.status == "failed" or response.error is not None:
            code = None if response.error is None else response.error.code
            self.error = self._over = self.error or not is_clients(code)

    def _read_irregular(self, payload: bytes) -> None:
        """`[DONE]`, which some send behind the end, and garbage. It is no end by itself."""
        if (plain := without_surrogates(payload)) is not payload:
            self._read(plain)
            return
        if payload.strip() != b"[DONE]" and object_of(payload) is None:
            self.malformed = True
            if tells_error(payload):
                self.error = self._over = True
        self.first_complete = self.first_complete or payload.strip() != b"[DONE]"


def whole_in(payload: bytes) -> answers.Response | None:
    """The response in an event that has all of it."""
    try:
        return _decode_whole(payload).response
    except (ValueError, RecursionError):
        value = (object_of(payload) or {}).get("response")
        return answers.response_in(msgspec.json.encode(value)) if isinstance(value, dict) else None


def _type_of(payload: bytes) -> Any:
    try:
        return _decode(payload).type
    except (ValueError, RecursionError):
        return None


def _is_own(kind: Any) -> bool:
    return isinstance(kind, str) and kind.startswith("response.")


def _start_of_data(event: bytes) -> int:
    """Where the data begins of what is exactly one event of a line with its name and a line of data; 0 for others."""
    if not event.startswith(b"event: response."):
        return 0
    start = event.find(b"\n") + 1
    plain = event.startswith(b"data:", start) and event.find(b"\n", start) == len(event) - 2
    return start + 5 if plain and event.endswith(b"\n\n") and b"\r" not in event else 0
