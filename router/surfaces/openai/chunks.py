"""The shape of one event of a streamed answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.openai.usage import Report


class Choice(Struct, gc=False):
    finish_reason: str | None = None
    index: int = 0


class Chunk(Struct, gc=False):
    """What is read of one event; everything else in it is skipped."""

    choices: tuple[Choice, ...] | None = None
    usage: Report | None = None
    service_tier: Any = None
    error: Any = None


NOTHING = msgspec.Raw(b"null")


class NumberedChunk(Struct, gc=False):
    """The same of an event that carries the running usage of its choice."""

    choices: tuple[Choice, ...] | None = None
    usage: msgspec.Raw = NOTHING
    """Undecoded: of all events, only the last one's matters."""
    service_tier: Any = None
    error: Any = None
