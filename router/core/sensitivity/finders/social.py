"""US social security numbers, by the rules of the Social Security Administration since 2011."""

from __future__ import annotations

import re

from router.core.sensitivity.finders.finder import NUMBERS, Finder
from router.core.sensitivity.finders.in_json import DASH, TAB
from router.core.sensitivity.finders.text import Text, is_alone

_GROUPS = re.compile(rb"[0-9]{3}([ ./_\t|-]| - )[0-9]{2}\1[0-9]{4}(?!\1?[0-9])")
_SOLID = re.compile(rb"[0-9](?=[0-9]{8}(?![0-9]))(?<![0-9]{2})[0-9]{8}")
_WORD = rb"(?:ssn|social.{0,3}(?:security|insurance)|soc.{0,2}sec|tax.?(?:payer)?.{0,3}id(?![a-z]))"
_BEFORE = re.compile(_WORD + rb"[^0-9\n]{0,24}$")
_BEHIND = re.compile(rb"[^0-9\n]{0,24}" + _WORD)
_HINTS = (b"ssn", b"soc", b"tax")
_GLUED = (b"ssn", b"security")
_DISTANCE = 48
_NO_DIGITS = bytes(code for code in range(256) if not 48 <= code < 58)


def us_ssn(text: Text) -> bool:
    if not text.blocks:
        return False
    return any(_groups_at(text.data, match) for match in text.shaped(_GROUPS, b"000-00-0000", b"000---00---0000")) or (
        any(hint in text.lower for hint in _HINTS) and any(_solid_at(text, match) for match in text.numbers(_SOLID))
    )


def _groups_at(data: bytes, match: re.Match[bytes]) -> bool:
    start, end = match.span()
    joined = data[start - 1 : start] == match[1][:1] and data[start - 2 : start - 1].isdigit()
    alone = _touches_letters_only(data, start, end) if b"-" in match[1] else is_alone(data, start, end)
    return not joined and alone and is_ssn(match[0].translate(None, _NO_DIGITS))


def _touches_letters_only(data: bytes, start: int, end: int) -> bool:
    """Letters may be glued to groups with dashes, which hardly anything else has in these sizes; digits not."""
    return not data[start - 1 : start].isdigit() and not data[end : end + 1].isdigit()


def _solid_at(text: Text, match: re.Match[bytes]) -> bool:
    """Nine digits alone are any number, unless words close by say what they are."""
    start, end = match.span()
    before, behind = text.lower[max(0, start - _DISTANCE) : start], text.lower[end : end + _DISTANCE]
    alone = not behind[:1].isalnum() and (not before[-1:].isalnum() or before.endswith(_GLUED))
    named = _BEFORE.search(before) is not None or _BEHIND.match(behind) is not None
    return alone and named and is_ssn(match[0])


def is_ssn(digits: bytes) -> bool:
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in (b"000", b"666") and area < b"900" and group != b"00" and serial != b"0000"


_BETWEEN = rb"(?:[ ./_|]|%b| ?%b ?)" % (TAB, DASH)
_NUMBERS = (rb"[0-9]{3}%b[0-9]{2}%b[0-9]{4}" % (_BETWEEN, _BETWEEN),)
FINDER = Finder("us_ssn", us_ssn, NUMBERS, numbers=_NUMBERS, beside=_HINTS)
