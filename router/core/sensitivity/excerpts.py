"""Of a body the parts that may hold what is sought: all else is read once, by one engine, and left out.

What finders look for is rare. One pass of all their patterns at once says where something may be, and where something
may be hidden; around each such place as much is kept as any finder looks at, so that in the parts is found what is
found in the body, whatever stands before and behind them.

The engine is Hyperscan (automata, so that no text takes it long). It runs without the interpreter's lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import hyperscan

from router.core.sensitivity import encodings
from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.finders.finder import Finder
from router.core.sensitivity.finders.in_json import BLANK, COMMA, DASH, ESCAPED_COMMA, NINE_DIGITS
from router.core.sensitivity.seams import STRING_BEGINS
from router.core.sensitivity.unescape import HIDING_CHARACTERS, hiding_escapes

REACH = 192
"""Octets of text, without escapes, that are looked at before the end of a place and behind it."""
_APART = 80
"""Octets of digits, and of what is between them, that are looked at together: no number is as long as the rest of
what is before their end."""
_BEHIND_DIGITS = 24
"""Octets behind the last digits of a number that may tell what it is."""
_LONGEST_FRAME = 8192
_MOST = 64
"""Places that any body may have."""
_OCTETS_PER_PLACE = 96
"""A body with more of them is looked at as a whole."""
_SHORTEST = 1024
"""Shorter bodies are looked at as they are once there is a place."""

_PLACE, _FRAME, _NUMBER, _SAYING, _STRING = range(5)
_SHIFT = 2
_KIND = (1 << _SHIFT) - 1
_IN_RUN = bytes(code for code in range(128) if chr(code).isalnum() or code in b"+/-_")
_HEAD = 68
_SYMBOL = rb"[A-Za-z0-9+/_-]"
# Four symbols of base64 that are no control characters but tabs and ends of lines: the fourth one tells of those of a
# third that leaves it to it, the third one of those of a second.
_LEFT_TO_FOURTH = rb"[JKNg-z0-9+/_-]"
_FOUR = rb"[CI-Za-z0-9](?:[C-PS-Za-fi-vy-z0-9+/_-](?:%b%b|%b%b)|[AQgw](?:[lmnpqr123]%b|[ko0]%b))" % (
    *(rb"[BCDFGHJKLNOPRSTVWXZabdefhijlmnpqrtuvxyz1235679+/_-]", _SYMBOL),
    *(rb"[AEIMQUYcgkosw048]", _LEFT_TO_FOURTH),
    *(_SYMBOL, _LEFT_TO_FOURTH),
)
_SAYING_RUN = rb"(?:[^A-Za-z0-9+/_-]|\\.)%b[CI-Za-z0-9][AC-QS-Za-gi-wyz0-9+/_-]%b{1,}[^A-Za-z0-9+/_-]" % (
    _FOUR * 3,
    _SYMBOL,
)
_QUOTE = rb"\\*\""
_WIDE_DASH = rb"(?:\xe2\x80[\x93\x94]|\\+u201[34])"
_HIDDEN = (
    *hiding_escapes(),
    rb"[0-9] {0,2}%b {0,2}[0-9]" % ESCAPED_COMMA,
    rb"\\[/bf]",
    rb"\x7f",
    rb"%[0-9A-Fa-f]{2}",
    rb"[0-9]{2}\+(?:-\+)?[0-9]{2}",
    b"&(?:#|%b)" % b"|".join(encodings.NAMED),
    rb"[0-9A-Za-z]%b" % _WIDE_DASH,
    rb"%b[0-9A-Za-z]" % _WIDE_DASH,
)
_STRETCHED = b"\\\x7f" + bytes(range(128, 256))
"""Of these more octets may stand in a body than in the text that it says."""
_HEXADECIMAL = 5
"""Octets of an escaped character, without its backslash, that may be nothing in the text."""
_EDGE = re.compile(rb"[ ,]")
_EDGES_WITHIN = 512

_FLAGS = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_DOTALL


class Excerpts:
    """For some kinds of things that are sought."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        patterns = [pattern for finder in finders for pattern in finder.places]
        numbers = [pattern for finder in finders for pattern in finder.numbers]
        self._numbers = [re.compile(pattern).search for pattern in numbers]
        self._words = [word for finder in finders for word in finder.beside]
        expressions = [
            *((each, _PLACE, _FLAGS) for each in dict.fromkeys((*_HIDDEN, *patterns))),
            (HIDING_CHARACTERS.encode(), _PLACE, hyperscan.HS_FLAG_UTF8),
            (_SAYING_RUN, _SAYING, _FLAGS),
            (_frame(), _FRAME, _FLAGS),
            (NINE_DIGITS, _NUMBER, _FLAGS),
            (STRING_BEGINS.pattern, _STRING, hyperscan.HS_FLAG_SINGLEMATCH),
        ]
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[expression for expression, _, _ in expressions],
            ids=[kind for _, kind, _ in expressions],
            elements=len(expressions),
            flags=[flags for _, _, flags in expressions],
        )

    def of(self, body: bytes) -> tuple[list[bytes], bool]:
        """The parts of a body (valid JSON in UTF-8) that may hold something, none where nothing may; and whether any of
        its strings may begin with a digit, which `seams` wants to know."""
        most = _MOST + len(body) // _OCTETS_PER_PLACE
        found: list[int] = []
        strings: list[int] = []

        def met(kind: int, start: int, end: int, flags: int, context: object) -> bool:
            if kind == _STRING:
                strings.append(end)
                return False
            found.append(end << _SHIFT | kind)
            return len(found) > most

        try:
            self._database.scan(body, match_event_handler=met)
        except hyperscan.ScanTerminated:
            return [body], True
        places = self._places(body, found) if found else None
        if not places:
            return [], bool(strings)
        return [body] if len(body) < _SHORTEST else list(_parts(body, places)), bool(strings)

    def _places(self, body: bytes, found: list[int]) -> list[tuple[int, int]]:
        """Offsets (from, to), sorted."""
        found.sort()
        places = []
        looked_at = -_APART
        for number, each in enumerate(found):
            kind, end = each & _KIND, each >> _SHIFT
            if kind == _PLACE:
                places.append((end, end))
            elif kind == _NUMBER:
                if places and end - places[-1][1] < REACH:
                    places.append((end, end))
                elif not _is_seen_with_next(found, number, looked_at):
                    looked_at = end
                    if self._may_be_sought(body, end):
                        places.append((end, end))
            elif kind == _FRAME:
                places.append((max(0, end - _LONGEST_FRAME), end))
            else:
                start = _run_begins(body, end - 1)
                if _says(body, start, end - 1):
                    places.append((start, end))
        places.sort()
        return places

    def _may_be_sought(self, body: bytes, end: int) -> bool:
        """Whether the digits that end here are more than any number."""
        start, stop = max(0, end - REACH), end + REACH
        around = body[start:stop].lower()
        return any(word in around for word in self._words) or any(
            search(body, start, end + _BEHIND_DIGITS) is not None for search in self._numbers
        )


@cache
def excerpts() -> Excerpts:
    """Of all kinds: the engine takes a quarter of a second to be made, which no edit of a policy has to wait for."""
    return Excerpts(tuple(FINDERS.values()))


def _frame() -> bytes:
    """Of `encodings.FRAME`, as it stands in JSON: what is bounded there is not here, and what must not be may be."""
    blanks = rb"%b{0,}" % BLANK
    separator = rb"(?:[.()/,|_]|%b|%b|%b)" % (BLANK, DASH, COMMA)
    between = rb"%b{0,4}" % separator
    nothing = rb"(?:%b%b{0,}%b|null)" % (_QUOTE, separator, _QUOTE)
    value = rb"(?:%b[^\"]{0,}\"|[0-9a-z.]{1,})" % _QUOTE
    unseen = rb"(?:(?:[{}\[\],]|%b|%b[a-z_]{1,}%b%b:%b%b?)%b)" % (
        nothing,
        _QUOTE,
        _QUOTE,
        blanks,
        blanks,
        value,
        blanks,
    )
    item = rb"(?:,%b%b%b){0,},%b" % (blanks, nothing, blanks, blanks)
    part = rb"%b{0,}\}%b,%b\{%b%b{0,}" % (unseen, blanks, blanks, blanks, unseen)
    return rb"[0-9+(]%b%b%b(?:%b|%b)%b%b[0-9]" % (between, _QUOTE, blanks, item, part, _QUOTE, between)


def _is_seen_with_next(found: list[int], number: int, looked_at: int) -> bool:
    """Whether the next digits are so close that who looks at those sees these as well."""
    if number + 1 == len(found):
        return False
    following = found[number + 1]
    return following & _KIND == _NUMBER and (following >> _SHIFT) - looked_at <= _APART


def _run_begins(body: bytes, end: int) -> int:
    size = _HEAD
    while True:
        start = max(0, end - size)
        run = body[start:end]
        kept = len(run.rstrip(_IN_RUN))
        if kept or start == 0:
            return start + kept
        size *= 4


def _says(body: bytes, start: int, end: int) -> bool:
    """Whether a run says something in base64, as it is or without the letter of an escape before it."""
    head = body[start : min(end, start + _HEAD)]
    return encodings.said(head) != b"" or (
        start > 0 and body[start - 1 : start] == b"\\" and encodings.said(head[1:]) != b""
    )


def _parts(body: bytes, places: list[tuple[int, int]]) -> Iterator[bytes]:
    begin = done = 0
    first, last = places[0]
    for start, end in (*places[1:], (len(body) + 2 * REACH + last, 0)):
        if start - last <= 2 * REACH:
            last = max(last, end)
            continue
        start_of_part = _before(body, first, done)
        if start_of_part > done:
            if done:
                yield body[begin:done]
            begin = start_of_part
        done = _behind(body, last)
        first, last = start, end
    yield body[begin:done]


def _before(body: bytes, at: int, floor: int) -> int:
    """Where a part begins: behind a space or a comma, far enough before a place, but not before `floor`."""
    begin = at - REACH
    while begin > floor and (missing := REACH - _said_octets(body[begin:at])) > 0:
        begin -= max(missing, 64)
    if begin <= floor:
        return floor
    low = max(floor, begin - _EDGES_WITHIN)
    edge = max(body.rfind(b" ", low, begin), body.rfind(b",", low, begin))
    return floor if edge < 0 else edge + 1


def _behind(body: bytes, at: int) -> int:
    stop = at + REACH
    while stop < len(body) and (missing := REACH - _said_octets(body[at:stop])) > 0:
        stop += max(missing, 64)
    edge = _EDGE.search(body, stop)
    return len(body) if edge is None else edge.end()


def _said_octets(part: bytes) -> int:
    """So many octets at least stand in the text that a part says."""
    return len(part.translate(None, _STRETCHED)) - _HEXADECIMAL * part.count(b"\\u")
