"""Pictures, documents and archives that stand in a text as base64, which no detector can read.

They are told by how they begin, wherever that is: in a part's text, the arguments of a tool call, its result.
"""

from __future__ import annotations

import re
from functools import cache

import hyperscan

from router.core.sensitivity.encodings import said

# JSON may escape a slash, and addresses all that is neither letter nor digit.
_SLASH = rb"(?:\\*/|_|%2[Ff])"
_IN_BASE64 = rb"(?:[A-Za-z0-9+/_\\-]|%2[BbFf])"
_BEFORE_SHORT = rb"(?:[^A-Za-z0-9+/_-]|%2[Cc]|\\[nrt])"
"""What a name of few letters must stand behind: others have them somewhere inside."""
_DATA_URL = rb";\s{0,8}[bB][aA][sS][eE]64\s{0,8}(?:,|%%2[Cc])%b{32}" % _IN_BASE64
# PNG, JPEG, GIF; WebP, waves and films in RIFF; PDF; ZIP, with what offices write; gzip.
_BEGINNINGS = (
    rb"iVBORw0KGgo",
    rb"%b%b9j%b" % (_BEFORE_SHORT, _SLASH, _SLASH),
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


def has_embedded_file(body: bytes) -> bool:
    """Whether a data URL, or base64 that begins as a file of one of those kinds, stands somewhere in a body.

    What only begins like one and goes on as text is text, which detectors read.
    """
    met: list[int] = []
    _engine().scan(body, match_event_handler=lambda kind, start, end, flags, context: met.append(end))
    return bool(met) and any(not _is_text(match[0]) for match in _DATA.finditer(body))


def _is_text(data: bytes) -> bool:
    run = _IN_LETTERS.match(data)
    return run is not None and said(run[0]) != b""


@cache
def _engine() -> hyperscan.Database:
    database = hyperscan.Database()
    once = hyperscan.HS_FLAG_SINGLEMATCH
    database.compile(expressions=[_DATA_URL, _FILE], ids=[0, 1], elements=2, flags=[once, once])
    return database
