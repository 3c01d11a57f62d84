"""OpenAI's events of a streamed answer, read while they pass.

Only one thing is ever removed: usage that the client did not ask for, which is the last event that carries nothing
else. Decoding an event costs less than searching its bytes for the few words that matter, and is exact, so every event
is decoded.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from router.core.values import Usage
from router.surfaces.lone_surrogates import without_surrogates
from router.surfaces.long_event import LongEvent
from router.surfaces.long_json import MOST_ITEMS
from router.surfaces.openai.chunks import Chunk, said_in
from router.surfaces.openai.stored_objects import id_in, sounds_in
from router.surfaces.openai.usage import larger, text_in, usage_of
from router.surfaces.sse import MAX_EVENT, EventScanner
from router.surfaces.told_error import tells_error

_decode = msgspec.json.Decoder(Chunk).decode
_decode_anything = msgspec.json.Decoder().decode


class ChunkScanner(EventScanner):
    """Reads chunks of a chat or a completion: an event with `choices` is a part of an answer, `finish_reason` ends a
    choice, a top-level `error` is one, and `[DONE]` ends the stream.

    A `[DONE]` behind parts of an answer of which none has finished is no end: who gives up writes it, too. No client
    sees it, as it would take half an answer for a whole one.
    """

    __slots__ = ("_ends_unseen", "_stopped", "_strip_usage")

    def __init__(self, strip_usage: bool, *, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event=max_event)
        self._strip_usage = strip_usage
        self._ends_unseen = False
        self._stopped = False
        """An end came that is none."""

    @property
    def end(self) -> str:
        return "a finish_reason" if self._stopped else "[DONE]"

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
                self.text_bytes += said_in(choice)
        if chunk.error is not None or (chunk.choices is None and tells_error(payload)):
            self.error = self.first_complete = True
        self.remarks = self.remarks or chunk.choices is None
        if chunk.usage is None:
            return False
        self._note_usage(chunk.usage.usage(chunk.service_tier))
        return self._strip_usage and chunk.choices == () and chunk.error is None

    def _note_unread(self, long: LongEvent) -> None:
        """It may have been the one in which an answer finishes."""
        super()._note_unread(long)
        self._ends_unseen = True

    def _note_report(self, report: bytes) -> None:
        found = usage_of(b'{"usage":%b}' % report)
        self._note_usage(found and replace(found, estimated=True))

    def _note_usage(self, found: Usage | None) -> None:
        self._usage = larger(found, self._usage)
        self._unread = self._unread and found is None

    def _weigh(self, payload: bytes) -> None:
        """What it says, where that was not decoded with the rest."""
        try:
            self.text_bytes += sum(map(said_in, _decode(payload).choices or ()))
        except (ValueError, RecursionError):
            choices = (object_of(payload) or {}).get("choices")
            if isinstance(choices, list):
                self.text_bytes += text_in([each for each in choices if isinstance(each, dict)])

    def _read_irregular(self, payload: bytes) -> bool:
        """As `_read`, for `[DONE]`, for garbage, and for events in which a field has an unexpected type."""
        if (plain := without_surrogates(payload)) is not payload:
            return self._read(plain)
        if payload.strip() == b"[DONE]":
            self.first_complete = True
            self._stopped = self.events > 0 and not (self.finished or self._ends_unseen)
            self.done = self.done or not self._stopped
            return self._stopped
        chunk = object_of(payload)
        if chunk is None:
            self.malformed = self.first_complete = True
            self.error = self.error or tells_error(payload)
            return False
        self._note_usage(usage_of(payload))
        error = chunk.get("error") is not None or ("choices" not in chunk and tells_error(payload))
        self.error = self.error or error
        if _has_choice(chunk.get("choices")):
            self.events += 1
            self.first_complete = True
            self._weigh(payload)
        self.first_complete = self.first_complete or error
        self.finished |= _finished(chunk.get("choices"))
        return self._strip_usage and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict) and not error


class StoredChunkScanner(ChunkScanner):
    """Of an answer that its backend keeps, or what it says in it: every event has its id."""

    def _read(self, payload: bytes) -> bool:
        if not self.stored_id:
            self.stored_id = id_in(payload)
        for id in sounds_in(payload):
            if id not in self.stored_parts and len(self.stored_parts) < MOST_ITEMS:
                self.stored_parts = (*self.stored_parts, id)
        return super()._read(payload)


def object_of(payload: bytes) -> dict[str, Any] | None:
    """A JSON object; None for all else."""
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
