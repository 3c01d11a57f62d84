"""Events of a streamed answer: each says what it is in `type`, and the last one what was used.

    transcript.text.delta, .segment, then .done          speech.audio.delta, then .done
    image_generation.partial_image, then .completed      image_edit.partial_image, then .completed

vLLM streams a transcript in the events of a chat, with `[DONE]` at the end, and its usage where that is asked for.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.core.values import Usage
from router.surfaces.openai.media.answers import Report
from router.surfaces.openai.media.events import Event, event_in
from router.surfaces.openai.stream import object_of
from router.surfaces.openai.usage import larger
from router.surfaces.sse import MAX_EVENT, EventScanner
from router.surfaces.told_error import tells_error

_ENDS = frozenset({"transcript.text.done", "speech.audio.done"})
_PICTURES = frozenset({"image_generation.completed", "image_edit.completed"})


class MediaScanner(EventScanner):
    """`strip_usage` takes out vLLM's last event, with the usage that the client did not ask for. A `[DONE]` is no end
    behind parts of a chat of which none has finished, see `ChunkScanner`."""

    __slots__ = ("_pictures", "_spoken", "_strip_usage")

    def __init__(self, strip_usage: bool, *, pictures: int = 1, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event=max_event)
        self._strip_usage = strip_usage
        self._spoken = False
        """There were parts of a chat."""
        self._pictures = pictures
        """That were asked for: the last of them is the end."""

    def _read(self, payload: bytes) -> bool:
        event = event_in(payload)
        if event is None:
            return self._read_other(payload)
        if event.error is not None or _is_foreign(event, payload):
            self.error = self.first_complete = True
            return False
        if event.choices is not None:
            return self._read_chunk(payload, event.choices, event.usage)
        self.events += 1
        self.first_complete = True
        if event.type in _ENDS:
            self.done = True
            self._usage = None if event.usage is None else event.usage.usage()
            self._unread = self._unread and self._usage is None
        elif event.type in _PICTURES:
            self.finished.add(len(self.finished))
            self.done = len(self.finished) >= self._pictures
            self._usage = _sum(self._usage, (event.usage or Report()).usage(pictures=1, draws=True))
        elif event.type.endswith(".delta"):
            self.text_bytes += max(0, len(payload) - _FRAME)
        return False

    def _note_report(self, report: bytes) -> None:
        event = event_in(b'{"type":"","usage":%b}' % report)
        found = None if event is None or event.usage is None else event.usage.usage()
        self._usage = larger(found and replace(found, estimated=True), self._usage)
        self._unread = self._unread and found is None

    def _read_chunk(self, payload: bytes, choices: list[bool], usage: Report | None) -> bool:
        self._usage = self._usage if usage is None else usage.usage()
        if not choices:
            return self._strip_usage and usage is not None
        self.events += 1
        self.first_complete = self._spoken = True
        if any(choices):
            self.finished.add(0)
        return False

    def _read_other(self, payload: bytes) -> bool:
        if payload.strip() == b"[DONE]":
            self.first_complete = True
            stopped = self._spoken and not self.finished
            self.done = self.done or not stopped
            return stopped
        if object_of(payload) is None:
            self.malformed = self.first_complete = True
            self.error = self.error or tells_error(payload)
        return False


_FRAME = 120
"""Bytes around what a short event says."""


def _is_foreign(event: Event, payload: bytes) -> bool:
    """Their types have names in several parts."""
    return "." not in event.type and event.choices is None and tells_error(payload)


def _sum(before: Usage | None, found: Usage | None) -> Usage | None:
    if before is None or found is None:
        return before or found
    units, more = before.units, found.units
    return Usage(
        input=before.input + found.input,
        cached=before.cached + found.cached,
        output=before.output + found.output,
        units=type(units)(
            image_input=units.image_input + more.image_input,
            image_output=units.image_output + more.image_output,
            images=units.images + more.images,
        ),
    )
