"""Pictures, documents and archives that stand in a text as base64, which no detector can read.

They are told by how they begin, wherever that is: in a part's text, the arguments of a tool call, its result.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from typing import NamedTuple

import hyperscan

from router.core.sensitivity.beginnings import ALONE, AT_A_BEGINNING, signs_of
from router.core.sensitivity.encodings import characters, said
from router.core.sensitivity.unescape import deeper, fold

# JSON may escape a slash and ends of lines, and addresses all that is neither letter nor digit.
_SLASH = rb"(?:\\*/|_|%2[Ff])"
_PLUS = rb"(?:\+|-|%2[Bb])"
_BREAK = rb"(?:\\*[\n\r\t\x08\x0c]|\\+[nrtbf]|%0[AaDd])"
_CODED = rb"%(?:[0189A-Fa-f][0-9A-Fa-f]|2[0-9ACEace]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Fb-f])"
"""What is no letter or digit, in addresses."""
_BEFORE = rb"(?:[^A-Za-z0-9+/_-]|\\[nrtbf]|%b)" % _CODED
_BEFORE_SLASH = _BEFORE.replace(b"_-]", b"_\\\\-]")
"""What a name of few letters must stand behind: others have them somewhere inside."""
_GAP = rb"(?:[ >]|%b){0,8}" % _BREAK
_SIGN = rb"(?:[A-Za-z0-9_-]|%b|%b)" % (_PLUS, _SLASH)
_DATA_URL = rb"(?:;|%%3[Bb])%b[bB][aA][sS][eE]64%b(?:,|%%2[Cc])" % (_GAP, _GAP)
_UNBROKEN = 4
"""Signs with nothing between them: no line is shorter."""
_LONG_ENOUGH = 32
"""Signs behind a beginning: what is shorter, or goes on as text, only speaks of it."""


def _written(signs: tuple[str, ...]) -> list[bytes]:
    """A pattern for each."""
    return [_one_of(each) for each in signs]


def _one_of(signs: str) -> bytes:
    kinds = [re.escape(signs.translate({43: None, 47: None}).encode())]
    kinds = [b"[%b]" % kinds[0]] if kinds[0] else []
    return b"(?:%b)" % b"|".join([*kinds, *[_PLUS] * ("+" in signs), *[_SLASH] * ("/" in signs)])


class _Kind(NamedTuple):
    before: bytes
    """What must stand before it."""
    written: bytes
    first: bytes
    """The part of that which the engine seeks: whole ones with gaps in them would take it half a minute to learn."""
    may_be_text: bool


def _kind_of(octets: tuple[bytes | int, ...], before: bytes = b"") -> _Kind:
    """With lines that may end after the first signs."""
    signs = _written(signs_of(octets))
    first = b"".join(signs[:_UNBROKEN])
    return _Kind(before, first + b"".join([_GAP + sign for sign in signs[_UNBROKEN:]]), first, octets[0] != b"%PDF-")


def _inside_of_others(octets: tuple[bytes | int, ...]) -> list[_Kind]:
    written = [b"".join(_written(signs)) for before in (1, 2) if (signs := signs_of(octets, before))]
    return [_Kind(b"", each, each, False) for each in written]


_KINDS = (
    _Kind(b"", _DATA_URL, _DATA_URL, False),
    *map(_kind_of, ALONE),
    *[_kind_of(octets, _BEFORE_SLASH if signs_of(octets)[0] == "/" else _BEFORE) for octets in AT_A_BEGINNING],
    *chain.from_iterable(map(_inside_of_others, ALONE)),
)
_REST = re.compile(rb"(?:%b%b){%d}" % (_GAP, _SIGN, _LONG_ENOUGH))
_GAPS = re.compile(rb"(?:[ >]|%b)+" % _BREAK)
_CODED_SIGNS = re.compile(rb"\\+/|%2[BbFf]")
_ESCAPED = rb"\\u[0-9A-Fa-f]{4}"
_PERCENT = rb"%(?:25|2[Dd]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaCcFf]|6[1-9A-Fa-f]|7[0-9Aa])"
_ENTITY = rb"&(?:amp;)?(?:#|sol|plus|comma|lowbar)"
"""Letters and digits that nobody has to encode, and all that hides one of the signs between them."""
_escape_in = re.compile(_ESCAPED).search
_percent_in = re.compile(_PERCENT).search
_entity_in = re.compile(_ENTITY).search
_PATTERNS = (*[kind.before + kind.first for kind in _KINDS], rb"\\u")
_ESCAPES = len(_KINDS)
_MOST_ROUNDS = 10
"""Of JSON in strings, percent signs and entities, inside each other."""


def has_embedded_file(body: bytes) -> bool:
    """Whether a data URL, or base64 that begins as a file of one of those kinds, stands somewhere in a body.

    It may be in lines, or in characters that detectors take for others or for none. What only begins like one and goes
    on as text is text, which detectors read. However characters are escaped, the
    answer is the same; what is hidden too deep counts as a file.
    """
    met = _met(body)
    # Found quickly one by one; sought by the engine, they would take it several times as long.
    if not met and body.find(b"%") < 0 and body.find(b"&") < 0 and body.isascii():
        return False
    if _is_file(body, met) and (_ESCAPES not in met or _escape_in(body) is None):
        return True
    return _has_hidden_file(body)


def _has_hidden_file(data: bytes) -> bool:
    for _ in range(_MOST_ROUNDS):
        shown = _shown(data)
        if shown == data:
            return False
        data = shown
        if _is_file(data, _met(data)):
            return True
    return True


def _shown(data: bytes) -> bytes:
    """With one level of what hides something taken away; the same where nothing does."""
    if data.find(b"\\u") >= 0 and _escape_in(data) is not None:
        return deeper(data.decode(errors="replace")).encode(errors="replace")
    if _is_coded(data):
        return characters(data)
    return data if data.isascii() else fold(data.decode(errors="replace")).encode(errors="replace")


def _is_coded(data: bytes) -> bool:
    return (data.find(b"%") >= 0 and _percent_in(data) is not None) or (
        data.find(b"&") >= 0 and _entity_in(data) is not None
    )


def _met(data: bytes) -> set[int]:
    met: set[int] = set()
    _engine().scan(data, match_event_handler=lambda kind, start, end, flags, context: met.add(kind))
    return met


def _is_file(data: bytes, met: set[int]) -> bool:
    return any(_has_file_of(kind, data) for kind in met if kind != _ESCAPES)


def _has_file_of(kind: int, data: bytes) -> bool:
    may_be_text = _KINDS[kind].may_be_text
    for begun in _pattern(kind).finditer(data):
        rest = _REST.match(data, begun.end())
        if rest is None:
            continue
        written = _CODED_SIGNS.sub(b"/", begun[1] + rest[0])
        is_one = _is_one(written, broken=_GAPS.search(begun[1]) is not None)
        if is_one and not (may_be_text and said(_GAPS.sub(b"", written))):
            return True
    return False


def _is_one(written: bytes, *, broken: bool) -> bool:
    """Whether what stands between gaps is one run in lines, and no words."""
    if not broken and b" " not in written and b">" not in written:
        return True
    first, *others = map(len, _GAPS.split(written))
    widths = set(others[:-1])
    return len(widths) < 2 and max(first, *others, _UNBROKEN) <= max(widths, default=max(first, *others))


@cache
def _pattern(kind: int) -> re.Pattern[bytes]:
    """Its group is what a run of base64 begins with."""
    before, written, _, _ = _KINDS[kind]
    return re.compile(written + b"()" if written == _DATA_URL else b"%b(%b)" % (before, written))


@cache
def _engine() -> hyperscan.Database:
    database = hyperscan.Database()
    once = [hyperscan.HS_FLAG_SINGLEMATCH] * len(_PATTERNS)
    database.compile(expressions=_PATTERNS, ids=range(len(_PATTERNS)), elements=len(_PATTERNS), flags=once)
    return database
