"""The shape of one event of these streams. The data in it, which may be megabytes, stays undecoded."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.openai.media.answers import Report


class _Choice(Struct, gc=False):
    finish_reason: str | None = None


class _Event(Struct, gc=False):
    type: str = ""
    error: Any = None
    usage: Report | None = None
    choices: list[_Choice] | None = None


class Event(Struct, gc=False):
    type: str
    error: Any
    usage: Report | None
    choices: list[bool] | None
    """Of vLLM's: whether each has come to its end."""


_decode = msgspec.json.Decoder(_Event).decode


def event_in(payload: bytes) -> Event | None:
    """None for what is no such event."""
    try:
        found = _decode(payload)
    except (ValueError, RecursionError):
        return None
    choices = None if found.choices is None else [each.finish_reason is not None for each in found.choices]
    return Event(found.type, found.error, found.usage, choices)
