"""The shape of one event of a streamed answer."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from router.core.usage import Report


class Choice(Struct, gc=False):
    finish_reason: str | None = None


class Chunk(Struct, gc=False):
    """What is read of one event; everything else in it is skipped."""

    choices: tuple[Choice, ...] | None = None
    usage: Report | None = None
    error: Any = None
