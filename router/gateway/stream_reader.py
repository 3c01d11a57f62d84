"""What is no answer in a stream of events: an error in it, as its client may see it; and a stream about what a backend
keeps, or its content, read while it passes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from router.core.redaction import NOT_SHOWN, Secrets
from router.core.resilience.retry import Fault
from router.surfaces.base import Surface
from router.surfaces.resources import MadeScanner
from router.surfaces.sse import FIELDS, EventScanner, is_whole
from router.upstream.errors import UpstreamError

BROKEN: Final = "upstream_stream_broken"
"""Code of an error of ours that ends a stream."""
_LONGEST_REMARK = 16 * 1024
"""Bytes of a line; a longer one is a piece of an event that is too large to be read."""

_BLANK_LINE: Final = b"\n\n"


def broken_off(surface: Surface, scanner: EventScanner, request_id: str) -> bytes:
    """What tells a client that a stream ends early, as an event of its own whatever came before it."""
    told = surface.broken_stream(scanner, 502, BROKEN, "The backend's stream broke off.", request_id)
    return _BLANK_LINE + told if scanner.torn else told


def shown_error(surface: Surface, scanner: EventScanner, events: bytes, secrets: Secrets, request_id: str) -> bytes:
    """Whole events that `scanner` has read, once one is an error: without our credentials, and that one in the dialect
    of `surface`."""
    before, failure, after = events.partition(scanner.failure) if scanner.failure else (events, b"", b"")
    shown = secrets.without(failure)
    if shown == NOT_SHOWN:
        told = surface.broken_stream(scanner, 502, BROKEN, NOT_SHOWN.decode(), request_id)
    else:
        told = surface.relayed_event(scanner, shown, request_id) if failure else b""
        if told and not is_whole(told):
            told += _BLANK_LINE
    rest = b"" if scanner.ends_by_error else secrets.without(after)
    return without_remarks(before, secrets) + told + (b"" if rest == NOT_SHOWN else rest)


def without_remarks(events: bytes, secrets: Secrets) -> bytes:
    """Whole events of a stream that says more than an answer: without our credentials, wherever that is said."""
    lines = secrets.out_of_answer(events).splitlines(keepends=True)
    return b"".join(line if line.startswith(FIELDS) else _shown_remark(line, secrets) for line in lines)


def _shown_remark(line: bytes, secrets: Secrets) -> bytes:
    """A comment stays one, and anything else one line."""
    said = line.rstrip(b"\r\n")
    if not said or len(said) > _LONGEST_REMARK:
        return line
    colon = b":" if said.startswith(b":") else b""
    return colon + secrets.without(said[len(colon) :]) + line[len(said) :]


class PassageReader(Protocol):
    """What stands between a backend and a client. What passes is what it makes of what came."""

    def feed(self, data: bytes) -> bytes: ...

    def rest(self) -> bytes:
        """What it still holds at the end."""


class ContentReader:
    """Hands on bytes of any kind without our credentials, but for as many as may begin one."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets: Final = secrets
        self._most_held: Final = max(0, secrets.longest - 1)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        shown = self._secrets.out_of_answer(self._held + data)
        end = max(0, len(shown) - self._most_held)
        self._held = shown[end:]
        return shown[:end]

    def rest(self) -> bytes:
        held, self._held = self._held, b""
        return held


class StreamReader:
    """Hands on whole events. `surface` words what went wrong."""

    def __init__(self, surface: Surface, scanner: EventScanner, secrets: Secrets, request_id: str) -> None:
        self._surface: Final = surface
        self._scanner: Final = scanner
        self._secrets: Final = secrets
        self._request_id: Final = request_id

    @property
    def made(self) -> Iterable[str]:
        """Ids of objects that were made in it."""
        return self._scanner.made if isinstance(self._scanner, MadeScanner) else ()

    @property
    def broken(self) -> UpstreamError | None:
        """Why it is none that came to its end, whatever its connection says."""
        if self._scanner.error:
            return UpstreamError(Fault.MID_STREAM, "the backend reported an error")
        return None if self._scanner.done else UpstreamError(Fault.MID_STREAM, f"it ended without {self._scanner.end}")

    def feed(self, data: bytes) -> bytes:
        return self._shown(self._scanner.feed(data))

    def rest(self) -> bytes:
        """Half an event is nobody's."""
        return b""

    def last_words(self) -> bytes:
        """What ends it for its client, where it broke off before anything said so."""
        scanner = self._scanner
        if scanner.error or scanner.done:
            return b""
        return broken_off(self._surface, scanner, self._request_id)

    def _shown(self, events: bytes) -> bytes:
        if not self._scanner.error or not events:
            return without_remarks(events, self._secrets)
        return shown_error(self._surface, self._scanner, events, self._secrets, self._request_id)
