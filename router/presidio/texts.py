"""The strings of a request, and the pieces that long ones are looked at in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecoder
from typing import Any, Final

PIECE = 2_000
"""Characters: what is looked at at once, which takes a fraction of a second at worst."""
OVERLAP = 200
"""Characters that two pieces have in common, so that a name which is cut stands whole in one of them."""
MOST_LEVELS = 5
"""Of JSON in strings."""
FEWEST_DIGITS = 5
"""Of numbers: settings such as the length of an answer have fewer, and would be taken for years."""
MOST_PARTS = 200_000
"""Commas, colons, lists and escapes of a document: to take it apart holds all others up, and what has more of them
would not be looked at in time. A million bytes of source code have about half as many."""
_LONG = 1_000
"""Characters from which a string or a number is not looked at for whether it says anything: it does."""
_SEPARATORS = (b",", b":", b"[", b"\\")
_PLAIN_NAME = re.compile(r"[A-Za-z_$-]{1,64}[0-9]{0,2}")


class NoText(Exception):
    """It is no JSON."""


class TooManyParts(Exception):
    """It is not taken apart."""


def strings_of(document: bytes) -> Iterator[str]:
    """Every string in it that has a letter or a digit, once, the last one first: what is new stands at the end. Of
    members with the same name all are taken, and JSON in strings is gone into. Numbers of `FEWEST_DIGITS` are one
    string together. Of the names of members those that are no plain word are taken. Raises NoText and TooManyParts."""
    if sum(map(document.count, _SEPARATORS)) > MOST_PARTS:
        raise TooManyParts
    try:
        data = _decode(document.decode())
    except (ValueError, RecursionError):
        raise NoText from None
    found: dict[str, None] = {}
    numbers: dict[str, None] = {}
    _collect(data, found, numbers, MOST_LEVELS)
    if numbers:
        found.setdefault(", ".join(numbers))
    return reversed(found)


class _Number(str):
    """As it is written."""

    __slots__ = ()


_decode: Final = JSONDecoder(
    object_pairs_hook=tuple, parse_int=_Number, parse_float=_Number, parse_constant=lambda _: None
).decode
"""Objects are tuples of names and values: a decoder into dicts keeps the last of two equal names alone."""


def _collect(data: Any, found: dict[str, None], numbers: dict[str, None], levels: int) -> None:
    waiting = [data]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _Number):
            if len(each) > _LONG or sum(map(str.isdigit, each)) >= FEWEST_DIGITS:
                numbers.setdefault(str(each))
        elif isinstance(each, str):
            inner = _within(each) if levels else None
            if inner is not None:
                _collect(inner, found, numbers, levels - 1)
            elif len(each) > _LONG or any(map(str.isalnum, each)):
                found.setdefault(each if each.isascii() else each.encode(errors="replace").decode())
        elif isinstance(each, list):
            waiting += reversed(each)
        elif isinstance(each, tuple):
            waiting += [value for _, value in reversed(each)]
            waiting += [name for name, _ in each if not _PLAIN_NAME.fullmatch(name)]


def _within(text: str) -> Any:
    """What an object or a list of JSON in a string says; None for anything else."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return None


def pieces_of(text: str) -> Iterator[str]:
    """Of at most `PIECE` characters; they end where a word does, if one does."""
    start = 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start + PIECE // 2, start + PIECE)
        end = start + PIECE if end < 0 else end
        yield text[start:end]
        start = max(start + 1, end - OVERLAP)
    yield text[start:]
