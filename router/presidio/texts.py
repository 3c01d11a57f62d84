"""The strings of a request, and the pieces that long ones are looked at in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

PIECE = 2_000
"""Characters: what is looked at at once, which takes a fraction of a second at worst."""
OVERLAP = 200
"""Characters that two pieces have in common, so that a name which is cut stands whole in one of them."""
MOST_LEVELS = 5
"""Of JSON in strings."""


class NoText(Exception):
    """It is no JSON."""


def strings_of(document: bytes) -> Iterator[str]:
    """Every string in it that has a letter, once, the last one first: what is new stands at the end. JSON in strings
    is gone into, and of the names of fields those with a space are taken. Raises NoText."""
    try:
        data = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoText from None
    found: dict[str, None] = {}
    _collect(data, found, MOST_LEVELS)
    return reversed(found)


def _collect(data: Any, found: dict[str, None], levels: int) -> None:
    waiting = [data]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            inner = _within(each) if levels else None
            if inner is not None:
                _collect(inner, found, levels - 1)
            elif any(char.isalpha() for char in each):
                found.setdefault(each)
        elif isinstance(each, list):
            waiting += reversed(each)
        elif isinstance(each, dict):
            waiting += reversed(list(each.values()))
            waiting += [name for name in each if " " in name]


def _within(text: str) -> Any:
    """What an object or a list of JSON in a string says; None for anything else."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        inner = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return inner if isinstance(inner, dict | list) else None


def pieces_of(text: str) -> Iterator[str]:
    """Of at most `PIECE` characters; they end where a word does, if one does."""
    start = 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start + PIECE // 2, start + PIECE)
        end = start + PIECE if end < 0 else end
        yield text[start:end]
        start = max(start + 1, end - OVERLAP)
    yield text[start:]
