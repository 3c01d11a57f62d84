"""What the process that looks for entities is told, on its standard input."""

from __future__ import annotations

from msgspec import Struct


class PresidioSettings(Struct, frozen=True):
    socket: str
    """The path to listen on."""
    model: str
    language: str
    entities: tuple[str, ...]
    """All that it may be asked for."""
