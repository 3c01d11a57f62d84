"""Telephone numbers as people write them: international, North American, with a trunk prefix, or beside a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from router.core.sensitivity.finders.finder import NUMBERS, Finder
from router.core.sensitivity.finders.in_json import DASH, TAB
from router.core.sensitivity.finders.text import Text, is_alone

# Looked ahead for and then repeated: as many digits as there are, and no fewer where what follows does not fit.
_PLUS = re.compile(rb"\+(?=(?P<all>[1-9](?:[ .()/\t-]{0,3}[0-9]){7,14}))(?P=all)(?![0-9])")
_DOUBLE_ZERO = re.compile(rb"0(?<![0-9]{2})0(?=(?P<all>[1-9](?:[ .()/-]{0,3}[0-9]){7,13}))(?P=all)(?![0-9])")
_AMERICAN = re.compile(rb"[2-9](?<![0-9].)[0-9]{2}(\) ?|[ .-])[2-9][0-9]{2}([ .-])[0-9]{4}(?![.-]?[0-9])")
_TRUNK = re.compile(
    rb"0(?<![0-9].)0?[1-9][0-9]{0,4}(?:\) ?| ?[/-] ?| )[0-9]{2,8}(?:[ -][0-9]{2,8}){0,4}(?![ -]?[0-9])"
    rb"|0(?<![0-9].)[1-9](?:\.[0-9]{2}){4}(?!\.?[0-9])"
)
# With an area code in brackets, as in Brazil, Russia or Argentina; and two fives, as mobile numbers in India.
_BRACKETED = re.compile(
    rb"\((?<![0-9A-Za-z].)[0-9]{2,5}\) ?[0-9]{2,5}[ -]?[0-9]{2,4}(?:[ -]?[0-9]{2,4})?(?![ -]?[0-9])"
)
_FIVES = re.compile(
    rb"[6-9](?<![0-9A-Za-z].)(?<![0-9][ .,|\n\t-].)[0-9]{4}[ -][0-9]{5}(?![0-9A-Za-z])(?![ .,|\n\t-]{1,2}[0-9])"
)
_ANY = rb"(?=(?P<all>\(?[0-9](?:(?:[ ./(-]|\) ?)?[0-9]){8,12}))(?P=all)"
_HINTS = tuple(b"phone tel mobil m\xc3\xb3vil cell fax whats sms call handy rufnummer".split())
_WORD = re.compile(
    rb"(?:phone(?<!iphone)s?|tel|telefon[oa]?|mobil[a-z]{0,5}|m\xc3\xb3vil|cell|fax|whats ?app|sms|handy|rufnummer"
    rb"|call (?:me|us|him|her|them|back|on|at))(?![a-z])[^0-9\n(+/]{0,20}(%b)(?![0-9a-z_])(?![ -][0-9])" % _ANY
)
_BEHIND = re.compile(
    rb"(?<![0-9a-z_])(%b)(?:,? (?:is |was )?(?:my |his |her |our |their |the )?\(?(?:new |old )?)$" % _ANY
)
_NOT_PLUS = re.compile(
    rb"\+(?:[0-9]{1,16}(?:\.[0-9]{1,16}|(?:\.[0-9]{3}){1,5})|(?:19|20)[0-9]{2}-[01][0-9]-.{0,64})", re.DOTALL
)
_DAY = re.compile(rb"[0-3]?[0-9]([ /.-])[0-3]?[0-9]\1(?:19|20)[0-9]{2}(?![0-9])")
_DATE = re.compile(rb"\(?(?:19|20)[0-9]{2}[ ./-]?[01][0-9][ ./-]?[0-3][0-9]")
_DECIMAL = re.compile(rb"[0-9]{1,16}\.[0-9]{1,16}")
_NO_DIGITS = bytes(code for code in range(256) if not 48 <= code < 58)


def phone(text: Text) -> bool:
    data = text.data
    return bool(text.blocks) and (
        (b"+" in data and any(_plus_at(data, match) for match in text.numbers(_PLUS)))
        or any(_double_zero_at(data, match) for match in text.numbers(_DOUBLE_ZERO))
        or any(_american_at(data, match) for match in text.shaped(_AMERICAN, b"000-000-0000", b"000--000-0000"))
        or any(_trunk_at(data, match) for match in text.numbers(_TRUNK))
        or (b"(" in data and any(_has_digits(match[0], 10, 11) for match in text.numbers(_BRACKETED)))
        or any(True for _ in text.shaped(_FIVES, b"00000-00000"))
        or _beside_word(text)
    )


def is_international(digits: str) -> bool:
    """A country's code and a number that its plan has, by the metadata of libphonenumber."""
    return any(digits.startswith(str(code)) and _has(code, digits[len(str(code)) :]) for code in _codes(digits[:3]))


def _codes(start: str) -> tuple[int, ...]:
    return tuple(code for code in (int(start[:1]), int(start[:2]), int(start)) if code in COUNTRY_CODE_TO_REGION_CODE)


def _has(code: int, number: str) -> bool:
    """A trunk prefix of 0 behind the code, as in +44 (0)20, is what people write."""
    plan = _plan(code)
    return plan.fullmatch(number) is not None or (number[:1] == "0" and plan.fullmatch(number[1:]) is not None)


@cache
def _plan(code: int) -> re.Pattern[str]:
    """The national numbers of a country code; its metadata is loaded when it is first asked for."""
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    described = metadata and metadata.general_desc
    return re.compile((described and described.national_number_pattern) or "(?!)")


def _digits(data: bytes) -> str:
    return data.translate(None, _NO_DIGITS).decode()


def _has_digits(data: bytes, fewest: int, most: int) -> bool:
    return fewest <= len(data.translate(None, _NO_DIGITS)) <= most


def _plus_at(data: bytes, match: re.Match[bytes]) -> bool:
    before = data[match.start() - 1 : match.start()]
    return (
        is_alone(data, *match.span())
        and before not in (b"+", b")", b"]")
        and _NOT_PLUS.fullmatch(match[0]) is None
        and is_international(_digits(match[0]))
    )


def _double_zero_at(data: bytes, match: re.Match[bytes]) -> bool:
    return (
        is_alone(data, *match.span())
        and not _joined(data, match.start(), b" .-/:,_")
        and is_international(_digits(match[0])[2:])
    )


def _joined(data: bytes, at: int, separators: bytes) -> bool:
    """Whether digits go before, behind one of the separators."""
    return at > 1 and data[at - 1] in separators and data[at - 2 : at - 1].isdigit()


def _american_at(data: bytes, match: re.Match[bytes]) -> bool:
    """(415) 555-2671, 415-555-2671, 415.555.2671, 415 555 2671 and 415 555-2671, with or without a 1 before them."""
    at = match.start()
    bracketed = match[1].startswith(b")")
    if (data[at - 1 : at] == b"(") != bracketed and (bracketed or data[match.end() : match.end() + 1] != b")"):
        return False
    uniform = bracketed or match[1] == match[2] or (match[1], match[2]) == (b" ", b"-")
    start = at - bracketed
    if data[start - 1 : start] in (b" ", b".", b"-") and data[start - 2 : start - 1] == b"1":
        start -= 2  # the country's code
    return uniform and not _joined(data, start, b" .-/") and is_alone(data, start, match.end())


def _trunk_at(data: bytes, match: re.Match[bytes]) -> bool:
    at = match.start()
    return (
        not _joined(data, at, b" .-/:,")
        and _has_digits(match[0], 9, 14)
        and is_alone(data, *match.span())
        and _DAY.match(data, at) is None
    )


def _beside_word(text: Text) -> bool:
    """Nine digits or more are any number, unless a word before or behind them says what they are."""
    return any(_near(text.lower, at) for hint in _HINTS for at in _places(text.lower, hint))


def _places(data: bytes, literal: bytes) -> Iterator[int]:
    at = data.find(literal)
    while at >= 0:
        yield at
        at = data.find(literal, at + 1)


def _near(data: bytes, at: int) -> bool:
    before = data[max(0, at - 40) : at]
    found = _WORD.match(data, at) or (_has_digits(before, 9, 40) and _BEHIND.search(before)) or None
    return found is not None and _DATE.match(found[1]) is None and _DECIMAL.fullmatch(found[1]) is None


_BETWEEN = rb"(?:[ .()/]|%b|%b)" % (TAB, DASH)
_SPACE = rb"(?: |%b)" % DASH
_BESIDE = (*_HINTS, b"m\\u00f3vil")
_NUMBERS = (
    rb"(?:\+|00)[1-9](?:%b{0,3}[0-9]){7}" % _BETWEEN,
    rb"[2-9][0-9]{2}(?:\) ?|\.|%b)[2-9][0-9]{2}(?:\.|%b)[0-9]{4}" % (_SPACE, _SPACE),
    rb"0[0-9]{1,6}(?:\) ?| ?/ ?| ?%b ?| )[0-9]{2}" % DASH,
    rb"0[1-9](?:\.[0-9]{2}){4}",
    rb"\([0-9]{2,5}\) ?[0-9]{2,5}%b?[0-9]{2}" % _SPACE,
    rb"[6-9][0-9]{4}%b[0-9]{5}" % _SPACE,
)
FINDER = Finder("phone", phone, NUMBERS, numbers=_NUMBERS, beside=_BESIDE)
