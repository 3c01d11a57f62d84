"""Anthropic's events of a streamed answer, read while they pass. Only an end that is none is removed."""

from __future__ import annotations

import msgspec

from router.core.values import Usage
from router.surfaces.anthropic.events import BareEvent, Event, said_in, tells_reason
from router.surfaces.anthropic.usage import Report, later
from router.surfaces.lone_surrogates import without_surrogates
from router.surfaces.openai.usage import ABSURD
from router.surfaces.sse import MAX_EVENT, EventScanner
from router.surfaces.told_error import tells_error

_PARTS = frozenset({"content_block_delta", "message_delta"})
_SILENT = frozenset({"content_block_start", "content_block_stop", "message_stop", "ping"})
"""Events that are no error and tell no more than their name."""
_decode = msgspec.json.Decoder(Event).decode
_decode_bare = msgspec.json.Decoder(BareEvent).decode


class MessageScanner(EventScanner):
    """Reads the events of one message: `content_block_delta` is a part of the answer, `message_delta` says how it ended
    and what it used, `message_stop` ends the stream, `error` is one. A block that begins is a sign of an answer, while
    `message_start` and `ping` are none.

    A `message_stop` before any reason why the message ended is no end: a vLLM writes it where it gave up. No client
    sees it, as it would take half an answer for a whole one.
    """

    __slots__ = ("_reason", "_report", "_said_all", "_stopped")

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event=max_event)
        self._report: Report | None = None
        self._said_all = False
        """What was reported is of the whole answer."""
        self._reason = False
        """It was said why the message ended."""
        self._stopped = False
        """An end came that is none."""

    @property
    def end(self) -> str:
        return "a stop_reason" if self._stopped else "message_stop"

    @property
    def usage(self) -> Usage | None:
        """Until the end is reported, the output is what was seen of it."""
        found = None if self._report is None else self._report.usage()
        if found is None or self._said_all:
            return found
        return msgspec.structs.replace(found, output=max(found.output, self.produced), estimated=True)

    @property
    def produced(self) -> int:
        """A report that leaves out the input is none, but what it says of the output is."""
        told = 0 if self._report is None else self._report.output_tokens or 0
        return max(super().produced, int(min(max(told, 0), ABSURD)))

    def _read(self, payload: bytes) -> bool:
        try:
            event = _decode(payload)
        except (ValueError, RecursionError):
            return self._read_irregular(payload)
        kind = event.type
        if kind == "content_block_delta":
            self.events += 1
            self.first_complete = True
            self.text_bytes += said_in(event.delta)
        elif kind == "message_start":
            if event.message is not None and event.message.usage is not None:
                self._report = later(event.message.usage, self._report)
        elif kind == "message_delta":
            self.events += 1
            self.first_complete = True
            self._reason = self._reason or tells_reason(event.delta)
            if event.usage is not None:
                self._report = later(event.usage, self._report)
                self._said_all = event.usage.output_tokens is not None
                self._unread = self._unread and not self._said_all
        elif event.error is None and (kind in _SILENT or not tells_error(payload)):
            return self._note(kind)
        else:
            self.error = self.first_complete = True
        if event.error is not None:
            self.error = self.first_complete = True
        return False

    def _note_report(self, report: bytes) -> None:
        """As at the end, which alone may be that long."""
        self._read(b'{"type":"message_delta","usage":%b}' % report)

    def _note(self, kind: str) -> bool:
        """What matters by its name alone; True when it is to be removed."""
        if kind == "content_block_start":
            self.first_complete = True
        elif kind == "message_stop":
            if not self._reason:
                self._stopped = True
                return True
            self.done = self.first_complete = True
        return False

    def _read_irregular(self, payload: bytes) -> bool:
        """Garbage, or an event in which a field has an unexpected type: it has no usage."""
        if (plain := without_surrogates(payload)) is not payload:
            return self._read(plain)
        try:
            event = _decode_bare(payload)
        except (ValueError, RecursionError):
            self.malformed = self.first_complete = True
            self.error = self.error or tells_error(payload)
            return False
        kind = event.type
        if kind not in _SILENT and kind not in _PARTS and tells_error(payload):
            self.error = self.first_complete = True
            return False
        if kind in _PARTS:
            self.events += 1
            self.first_complete = True
            self._reason = self._reason or (kind == "message_delta" and tells_reason(event.delta))
        return self._note(kind)
