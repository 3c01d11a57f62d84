"""The shape of one event of a streamed answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.core.estimated_usage import weight_of
from router.surfaces.anthropic.usage import Report

NOTHING = msgspec.Raw(b"null")
_SHORT = 16
"""Bytes of a text that is a token or two, whatever it says."""


class _Message(Struct, gc=False):
    usage: Report | None = None


class _Delta(Struct, gc=False):
    stop_reason: Any = None


class Event(Struct, gc=False):
    """What is read of one event; everything else in it is skipped."""

    type: str = ""
    delta: msgspec.Raw = NOTHING
    """Undecoded: only one kind of event is asked what it says."""
    message: _Message | None = None
    usage: Report | None = None
    error: Any = None


class BareEvent(Struct, gc=False):
    """The same of an event in which something has an unexpected type."""

    type: str = ""
    delta: msgspec.Raw = NOTHING


class _Said(Struct, gc=False):
    text: msgspec.Raw = NOTHING
    thinking: msgspec.Raw = NOTHING
    partial_json: msgspec.Raw = NOTHING


_decode_delta = msgspec.json.Decoder(_Delta).decode
_decode_said = msgspec.json.Decoder(_Said).decode


def said_in(delta: msgspec.Raw) -> int:
    """The weight of what a `content_block_delta` says, see `weight_of`."""
    try:
        said = _decode_said(delta)
    except (ValueError, RecursionError):
        return len(delta)
    size = len(said.text) + len(said.thinking) + len(said.partial_json) - 2 * len(NOTHING) - 2
    if size <= _SHORT:
        return max(0, size)
    return (
        sum(weight_of(bytes(each)) for each in (said.text, said.thinking, said.partial_json) if each is not NOTHING) - 2
    )


def tells_reason(delta: msgspec.Raw) -> bool:
    """Whether a `message_delta` says why the message ended. Only while one goes on the reason is null."""
    try:
        return _decode_delta(delta).stop_reason is not None
    except (ValueError, RecursionError):
        return False
