"""The `usage` of what nobody reads whole, sought where it stands: near the beginning, or near the end.

Only a member of the answer itself is one: what a text says is within quotes, and what stands deeper, or in a list, may
be anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

BEGINNING: Final = 1024
END: Final = 64 * 1024
"""Bytes that are searched."""
_MOST_MEMBERS: Final = 8
"""Of that name that are looked at, of either."""
_MEMBER = re.compile(rb'(?<!\\)"usage"\s{0,64}+:\s{0,64}+(?=\{)')
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def reports_in(begin: bytes, end: bytes, *, depth: int = 1) -> list[bytes]:
    """The objects called `usage` among the first and the last bytes of one JSON object, which `begin` begins and `end`
    ends, within so many objects (1: it is a member of the outermost)."""
    begin, end = begin[:BEGINNING], end[-END:]
    found = [_after(begin, at, depth) for at in _members(begin)[:_MOST_MEMBERS]]
    found += [_before(end, at, depth) for at in _members(end)[-_MOST_MEMBERS:]]
    return [report for report in found if report]


def _members(data: bytes) -> list[int]:
    return [match.end() for match in _MEMBER.finditer(data)]


def _after(begin: bytes, at: int, depth: int) -> bytes:
    """The object at an offset; empty unless as many objects as `depth`, and nothing else, are open there."""
    open_: list[bytes] = []
    for sign in _signs(begin[:at]):
        if sign in b"{[":
            open_.append(sign)
        elif open_:
            open_.pop()
    return _object(begin, at) if open_ == [b"{"] * depth else b""


def _before(end: bytes, at: int, depth: int) -> bytes:
    """The same where the end tells how many are open."""
    report = _object(end, at)
    closed: list[bytes] = []
    inside = 0
    for sign in _signs(end[at + len(report) :]):
        if sign in b"{[":
            inside += 1
        elif inside:
            inside -= 1
        else:
            closed.append(sign)
    return report if closed == [b"}"] * depth else b""


def _object(data: bytes, at: int) -> bytes:
    """What begins at an offset, to its end; empty where that is missing."""
    inside = 0
    for token in _TOKEN.finditer(data, at):
        sign = token[0]
        inside += (sign in b"{[") - (sign in b"]}")
        if not inside:
            return data[at : token.end()]
    return b""


def _signs(data: bytes) -> Iterator[bytes]:
    """Brackets, without those in texts."""
    return (sign for sign in _TOKEN.findall(data) if not sign.startswith(b'"'))
