"""Pictures, documents and archives that stand in a text as base64, which no detector can read.

They are told by how they begin, wherever that is: in a part's text, the arguments of a tool call, its result.
"""

from __future__ import annotations

import re
from functools import cache

import hyperscan

from router.core.sensitivity.encodings import characters, said
from router.core.sensitivity.unescape import deeper

# JSON may escape a slash and ends of lines, and addresses all that is neither letter nor digit.
_SLASH = rb"(?:\\*/|_|%2[Ff])"
_BREAK = rb"(?:\\*[\n\r\t\x08\x0c]|\\+[nrtbf])"
_IN_BASE64 = rb"(?:[A-Za-z0-9+_-]|\\*/|%b|%%2[BbFf]|%%0[AaDd])" % _BREAK
_CODED = rb"%(?:[0189A-Fa-f][0-9A-Fa-f]|2[0-9ACEace]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Fb-f])"
"""What is no letter or digit, in addresses."""
_BEFORE_SLASH = rb"(?:[^A-Za-z0-9+/_\\-]|\\[nrtbf]|%b)" % _CODED
_BEFORE_SHORT = rb"(?:[^A-Za-z0-9+/_-]|\\[nrtbf]|%b)" % _CODED
"""What a name of few letters must stand behind: others have them somewhere inside."""
_GAP = rb"(?: |%b){0,8}" % _BREAK
_DATA_URL = rb"(?:;|%%3[Bb])%b[bB][aA][sS][eE]64%b(?:,|%%2[Cc])%b{32}" % (_GAP, _GAP, _IN_BASE64)
# PNG, JPEG, GIF; WebP, waves and films in RIFF; PDF; ZIP, with what offices write; gzip.
_BEGINNINGS = (
    rb"iVBORw0KGgo",
    rb"%b%b9j%b" % (_BEFORE_SLASH, _SLASH, _SLASH),
    rb"R0lGOD[dl]h",
    rb"UklGR[A-Za-z0-9+/_-]{6}(?:XRUJQ|XQVZF|BVkkg)",
    rb"JVBERi0",
    rb"UEsDB[A-P]",
    rb"%bH4sI" % _BEFORE_SHORT,
)
_FILE = rb"(?:%b)%b{32}" % (b"|".join(_BEGINNINGS), _IN_BASE64)
_DATA = re.compile(rb"%b|%b" % (_DATA_URL, _FILE))
_IN_LETTERS = re.compile(rb"(?:R0lGOD|UklGR)[A-Za-z0-9+/_-]+")
"""Kinds whose first octets are all letters."""
_ESCAPED = rb"\\u[0-9A-Fa-f]{4}"
_PERCENT = rb"%(?:25|2[Dd]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaCcFf]|6[1-9A-Fa-f]|7[0-9Aa])"
_ENTITY = rb"&(?:amp;)?(?:#|sol|plus|comma|lowbar)"
"""Letters and digits that nobody has to encode, and all that hides one of the signs between them."""
_escape_in = re.compile(_ESCAPED).search
_percent_in = re.compile(_PERCENT).search
_entity_in = re.compile(_ENTITY).search
_PATTERNS = (_DATA_URL, _FILE, rb"\\u")
_OF_FILE = {0, 1}
_MOST_ROUNDS = 10
"""Of JSON in strings, percent signs and entities, inside each other."""


def has_embedded_file(body: bytes) -> bool:
    """Whether a data URL, or base64 that begins as a file of one of those kinds, stands somewhere in a body.

    What only begins like one and goes on as text is text, which detectors read. However characters are escaped, the
    answer is the same; what is hidden too deep counts as a file.
    """
    met = _met(body)
    # Found quickly one by one; sought by the engine, they would take it several times as long.
    if not met and body.find(b"%") < 0 and body.find(b"&") < 0:
        return False
    if _is_file(body, met) and (met <= _OF_FILE or _escape_in(body) is None):
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
    return characters(data) if _is_coded(data) else data


def _is_coded(data: bytes) -> bool:
    return (data.find(b"%") >= 0 and _percent_in(data) is not None) or (
        data.find(b"&") >= 0 and _entity_in(data) is not None
    )


def _met(data: bytes) -> set[int]:
    met: set[int] = set()
    _engine().scan(data, match_event_handler=lambda kind, start, end, flags, context: met.add(kind))
    return met


def _is_file(data: bytes, met: set[int]) -> bool:
    return not met.isdisjoint(_OF_FILE) and any(not _is_text(match[0]) for match in _DATA.finditer(data))


def _is_text(data: bytes) -> bool:
    run = _IN_LETTERS.match(data.replace(b"\\", b"") if b"\\/" in data else data)
    return run is not None and said(run[0]) != b""


@cache
def _engine() -> hyperscan.Database:
    database = hyperscan.Database()
    once = [hyperscan.HS_FLAG_SINGLEMATCH] * len(_PATTERNS)
    database.compile(expressions=_PATTERNS, ids=range(len(_PATTERNS)), elements=len(_PATTERNS), flags=once)
    return database
