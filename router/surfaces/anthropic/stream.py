"""Anthropic's events of a streamed answer, read while they pass. Nothing is ever removed."""

from __future__ import annotations

import msgspec

from router.core.values import Usage
from router.surfaces.anthropic.events import SHORT, BareEvent, Event
from router.surfaces.anthropic.usage import Report, later
from router.surfaces.lone_surrogates import without_surrogates
from router.surfaces.openai.usage import ABSURD
from router.surfaces.sse import MAX_EVENT, EventScanner

_decode = msgspec.json.Decoder(Event).decode
_decode_bare = msgspec.json.Decoder(BareEvent).decode


class MessageScanner(EventScanner):
    """Reads the events of one message: `content_block_delta` is a part of the answer, `message_delta` says how it ended
    and what it used, `message_stop` ends the stream, `error` is one. A block that begins is a sign of an answer, while
    `message_start` and `ping` are none."""

    __slots__ = ("_report", "_said_all")

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event=max_event)
        self._report: Report | None = None
        self._said_all = False
        """What was reported is of the whole answer."""

    @property
    def end(self) -> str:
        return "message_stop"

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
            self._read_irregular(payload)
            return False
        kind = event.type
        if kind == "content_block_delta":
            self.events += 1
            self.first_complete = True
            if len(event.delta) > SHORT:
                self.text_bytes += len(event.delta) - SHORT
        elif kind == "message_start":
            if event.message is not None and event.message.usage is not None:
                self._report = later(event.message.usage, self._report)
        elif kind == "message_delta":
            self.events += 1
            self.first_complete = True
            if event.usage is not None:
                self._report = later(event.usage, self._report)
                self._said_all = event.usage.output_tokens is not None
        else:
            self._note(kind)
        if event.error is not None:
            self.error = self.first_complete = True
        return False

    def _note(self, kind: str) -> None:
        """What matters by its name alone."""
        if kind == "content_block_start":
            self.first_complete = True
        elif kind == "message_stop":
            self.done = self.first_complete = True
        elif kind == "error":
            self.error = self.first_complete = True

    def _read_irregular(self, payload: bytes) -> None:
        """Garbage, or an event in which a field has an unexpected type: it has no usage."""
        if (plain := without_surrogates(payload)) is not payload:
            self._read(plain)
            return
        try:
            kind = _decode_bare(payload).type
        except (ValueError, RecursionError):
            self.malformed = self.first_complete = True
            return
        if kind in ("content_block_delta", "message_delta"):
            self.events += 1
            self.first_complete = True
        self._note(kind)
