"""The shape of one event of a streamed answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.anthropic.usage import Report

NOTHING = msgspec.Raw(b"null")
SHORT = 60
"""Bytes of a part that is one token, or not many more, in its frame."""


class _Message(Struct, gc=False):
    usage: Report | None = None


class _Delta(Struct, gc=False):
    stop_reason: Any = None


class Event(Struct, gc=False):
    """What is read of one event; everything else in it is skipped."""

    type: str = ""
    delta: msgspec.Raw = NOTHING
    """Undecoded: only its length matters."""
    message: _Message | None = None
    usage: Report | None = None
    error: Any = None


class BareEvent(Struct, gc=False):
    """The same of an event in which something has an unexpected type."""

    type: str = ""
    delta: msgspec.Raw = NOTHING


_decode_delta = msgspec.json.Decoder(_Delta).decode


def tells_reason(delta: msgspec.Raw) -> bool:
    """Whether a `message_delta` says why the message ended. Only while one goes on the reason is null."""
    try:
        return _decode_delta(delta).stop_reason is not None
    except (ValueError, RecursionError):
        return False
