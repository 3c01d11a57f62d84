"""What the detectors look for: one function for each kind, on ASCII text.

Each answers whether something of its kind begins in `text[start:stop]`, and may read a little further. A match is
never returned, so it cannot reach a log. Patterns begin with a set of digits or a literal, which `re` skips to
quickly, and repeat within bounds, so that the work grows with the length of the text only. What surrounds a match is
checked afterwards: digits that are part of something longer do not count, whereas the letter of an escape such as
`\\n`, which unescaped text may still have, is no part of what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

Finder = Callable[[bytes, int, int], bool]

REACH = 128
"""No match is longer than this, with what is looked at around it."""
_ESCAPES = b"bfnrt"


def _is_escape(text: bytes, at: int) -> bool:
    """Whether the character is the letter of a backslash escape."""
    return text[at - 1 : at] == b"\\" and text[at : at + 1] in _ESCAPES


def _starts(text: bytes, at: int) -> bool:
    """Whether something may start here: after no letter or digit."""
    return not text[at - 1 : at].isalnum() or _is_escape(text, at - 1)


def _ends(text: bytes, at: int) -> bool:
    return not text[at : at + 1].isalnum()


def _matches(pattern: re.Pattern[bytes], text: bytes, start: int, stop: int) -> Iterator[re.Match[bytes]]:
    """Matches that begin before `stop`, read to their end."""
    for match in pattern.finditer(text, start, stop + REACH):
        if match.start() >= stop:
            return
        yield match


# What a text looks like when all digits are the same, and all letters. Looking for a literal in that is many times
# faster than any pattern, so patterns are only tried where a shape occurs.
_DIGITS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_SEPARATORS = b" .-()/"


def has_digits(text: bytes, start: int, stop: int, number: int) -> bool:
    """Whether so many digits stand together here, apart from separators."""
    return b"0" * number in text[start : stop + REACH].translate(_DIGITS, _SEPARATORS)


def _has_shape(text: bytes, start: int, stop: int, shapes: tuple[bytes, ...]) -> bool:
    """Whether one of the shapes occurs, in which 0 is any digit."""
    shape = text[max(0, start - 2) : stop + REACH].translate(_DIGITS)
    return any(literal in shape for literal in shapes)


# Payment cards. Thirteen digits or more, of which the first is not inside a number; the shape is looked at later.
_CARD_START = re.compile(rb"[2-9](?<![0-9][2-9])(?=(?:[ .-]{0,3}[0-9]){12})")
_CARD_SOLID = re.compile(rb"([0-9]{13,19})(?![0-9])")
_CARD_GROUPS = re.compile(
    rb"([0-9]{4,12})( {1,3}|[.-]| - )([0-9]{3,13})(?![0-9])(?:\2([0-9]{1,12})(?![0-9]))?"
    rb"(?:\2([0-9]{1,7})(?![0-9]))?(?:\2([0-9]{1,3})(?![0-9]))?"
)
_CARD_SPELLED = re.compile(
    rb"[0-9](?<![0-9][ .-][0-9])"
    rb"(?:([ .-])[0-9](?:\1[0-9]){11,17}(?!\1?[0-9])|[0-9]([ .-])(?:[0-9]{2}\2){6,8}[0-9]{1,2}(?!\2?[0-9]))"
)
# Issuers' ranges and lengths, after ISO/IEC 7812: Visa, Mastercard, American Express, Diners Club, JCB, Discover and
# UnionPay, Maestro, RuPay, Mir, Troy.
_CARD_NUMBER = re.compile(
    rb"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"
    rb"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    rb"|3[47][0-9]{13}"
    rb"|(?:30[0-5]|309|36[0-9]|3[89][0-9])[0-9]{11,16}"
    rb"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"
    rb"|(?:6011|64[4-9][0-9]|65[0-9]{2}|62[0-9]{2}|60[0-9]{2}|8[12][0-9]{2})[0-9]{12,15}"
    rb"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}"
    rb"|(?:220[0-4]|9792)[0-9]{12,15}"
)
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def credit_card(text: bytes, start: int, stop: int) -> bool:
    return has_digits(text, start, stop, 13) and any(
        _starts(text, at) and not _after_point(text, at) and _card_at(text, at)
        for at in (match.start() for match in _matches(_CARD_START, text, start, stop))
    )


def _after_point(text: bytes, at: int) -> bool:
    """Inside a decimal or dotted number, such as the digits of 0.4111111111111111."""
    return text[at - 1 : at] == b"." and text[at - 2 : at - 1].isdigit()


def _before_point(text: bytes, at: int) -> bool:
    return text[at : at + 1] == b"." and text[at + 1 : at + 2].isdigit()


def _card_at(text: bytes, at: int) -> bool:
    return any(
        is_card_number(digits) and _ends(text, end) and not _before_point(text, end)
        for digits, end in _card_readings(text, at)
    )


def _card_readings(text: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    """Digits that may be one number, with the offset of their end.

    Solid; in groups with one separator throughout, to which a security code may be joined; or in ones or twos.
    """
    if solid := _CARD_SOLID.match(text, at):
        yield solid[1], solid.end()
    if groups := _CARD_GROUPS.match(text, at):
        digits = groups[1]
        for number in (3, 4, 5, 6):
            if groups[number]:
                digits += groups[number]
                yield digits, groups.end(number)
    if spelled := _CARD_SPELLED.match(text, at):
        yield spelled[0].translate(None, b" .-"), spelled.end()


def is_card_number(digits: bytes) -> bool:
    """Of an issuer's range and length, and right by its check digit (Luhn, ISO/IEC 7812-1)."""
    if _CARD_NUMBER.fullmatch(digits) is None:
        return False
    summands = digits[::-2] + digits[-2::-2].translate(_DOUBLED)
    return (sum(summands) - len(summands) * ord("0")) % 10 == 0


# Letters before the check digits, which must not be inside a word; the rest depends on the country.
_IBAN_START = re.compile(rb"[0-9][0-9](?<=[A-Za-z]{2}[0-9]{2})(?=[ .-]?[0-9A-Za-z])")
# Length by country, from the registry of ISO 13616.
_IBAN_LENGTHS: Mapping[int, bytes] = {
    15: b"NO",
    16: b"BE",
    18: b"DK FI FK FO GL NL SD",
    19: b"MK SI",
    20: b"AT BA EE KZ LT LU MN XK",
    21: b"CH HR LI LV",
    22: b"BG BH CR DE GB GE IE ME RS VA",
    23: b"AE GI IL IQ OM SO TL",
    24: b"AD CZ ES MD PK RO SA SE SK TN VG",
    25: b"LY PT ST",
    26: b"IS TR",
    27: b"BI DJ FR GR IT MC MR SM",
    28: b"AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: b"BR EG PS QA UA",
    30: b"JO KW MU YE",
    31: b"MT SC",
    32: b"LC",
    33: b"RU",
}
_IBAN_LENGTH = {country: length for length, countries in _IBAN_LENGTHS.items() for country in countries.split()}


def iban(text: bytes, start: int, stop: int) -> bool:
    return any(_iban_at(text, match.start() - 2) for match in _matches(_IBAN_START, text, start, stop))


def _iban_at(text: bytes, at: int) -> bool:
    length = _IBAN_LENGTH.get(text[at : at + 2].upper())
    if length is None or not _starts(text, at):
        return False
    whole = re.compile(rb"(?:[ .-]?[0-9A-Za-z]){%d}" % length).match(text, at)
    return whole is not None and _ends(text, whole.end()) and is_iban(whole[0].translate(None, b" .-").upper())


def is_iban(number: bytes) -> bool:
    """Right by its check digits (ISO 7064, mod 97-10). Half of it being digits tells accounts from prose."""
    digits = sum(map(bytes.isdigit, (number[i : i + 1] for i in range(4, len(number)))))
    moved = number[4:] + number[:4]
    return digits * 2 >= len(number) - 4 and int("".join(str(int(char, 36)) for char in moved.decode())) % 97 == 1


# US social security numbers, by the rules of the Social Security Administration since 2011.
_SSN_SHAPES = (b"000-00-0000", b"000 00 0000")
_SSN = re.compile(rb"[0-9][0-9]{2}([ -])[0-9]{2}\1[0-9]{4}(?!\1?[0-9])")
_SSN_SOLID = re.compile(rb"[0-9](?<![0-9]{2})[0-9]{8}(?![0-9])")
_SSN_WORDS = re.compile(rb"ssn|social.{0,3}security|soc.{0,2}sec", re.IGNORECASE)
_SSN_DISTANCE = 48


def us_ssn(text: bytes, start: int, stop: int) -> bool:
    return (
        _has_shape(text, start, stop, _SSN_SHAPES)
        and any(_ssn_at(text, match) for match in _matches(_SSN, text, start, stop))
    ) or (
        _has_shape(text, start, stop, (b"000000000",))
        and any(_solid_ssn_at(text, match) for match in _matches(_SSN_SOLID, text, start, stop))
    )


def _ssn_at(text: bytes, match: re.Match[bytes]) -> bool:
    at = match.start()
    joined = text[at - 1 : at] == match[1] and text[at - 2 : at - 1].isdigit()
    return not joined and _is_clear(text, match) and is_ssn(match[0].translate(None, b" -"))


def _solid_ssn_at(text: bytes, match: re.Match[bytes]) -> bool:
    """Nine digits alone are any number, unless words close by say what they are."""
    near = text[max(0, match.start() - _SSN_DISTANCE) : match.end() + _SSN_DISTANCE]
    return _is_clear(text, match) and is_ssn(match[0]) and _SSN_WORDS.search(near) is not None


def _is_clear(text: bytes, match: re.Match[bytes]) -> bool:
    return _starts(text, match.start()) and _ends(text, match.end())


def is_ssn(digits: bytes) -> bool:
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in (b"000", b"666") and area < b"900" and group != b"00" and serial != b"0000"


# Telephone numbers as people write them: international, North American, and with a trunk prefix of 0.
_PHONE_PLUS = re.compile(rb"\+[1-9](?:[ .()/-]{0,3}[0-9]){7,14}(?![0-9])")
_PHONE_AMERICAN = re.compile(rb"[2-9](?<![0-9].)[0-9]{2}(\) ?|[ .-])[2-9][0-9]{2}([ .-])[0-9]{4}(?![.-]?[0-9])")
_AMERICAN_SHAPES = (
    b"000-000-0000",
    b"000.000.0000",
    b"000 000 0000",
    b"000 000-0000",
    b")000-0000",
    b") 000-0000",
    b")000.0000",
    b") 000.0000",
    b")000 0000",
    b") 000 0000",
)
_PHONE_TRUNK = re.compile(
    rb"0(?<![0-9].)0?[1-9][0-9]{0,4}(?:\) ?| ?[/-] ?| )[0-9]{2,8}(?:[ -][0-9]{2,8}){0,4}(?![ -]?[0-9])"
    rb"|0(?<![0-9].)[1-9](?:\.[0-9]{2}){4}(?!\.?[0-9])"
)
_NOT_PLUS = re.compile(rb"\+(?:[0-9]+(?:\.[0-9]+|(?:\.[0-9]{3})+)|(?:19|20)[0-9]{2}-[01][0-9]-.*)", re.DOTALL)
_DAY = re.compile(rb"[0-3]?[0-9]([ /.-])[0-3]?[0-9]\1(?:19|20)[0-9]{2}(?![0-9])")


def phone(text: bytes, start: int, stop: int) -> bool:
    return (
        any(_plus_at(text, match) for match in _matches(_PHONE_PLUS, text, start, stop))
        or (
            _has_shape(text, start, stop, _AMERICAN_SHAPES)
            and any(_american_at(text, match) for match in _matches(_PHONE_AMERICAN, text, start, stop))
        )
        or any(_trunk_at(text, match) for match in _matches(_PHONE_TRUNK, text, start, stop))
    )


def _plus_at(text: bytes, match: re.Match[bytes]) -> bool:
    before = text[match.start() - 1 : match.start()]
    return _is_clear(text, match) and before not in (b"+", b")", b"]") and _NOT_PLUS.fullmatch(match[0]) is None


def _american_at(text: bytes, match: re.Match[bytes]) -> bool:
    """(415) 555-2671, 415-555-2671, 415.555.2671, 415 555 2671 and 415 555-2671, with or without a 1 before them."""
    at = match.start()
    bracketed = text[at - 1 : at] == b"("
    if bracketed != match[1].startswith(b")"):
        return False
    uniform = bracketed or match[1] == match[2] or (match[1], match[2]) == (b" ", b"-")
    return uniform and _ends(text, match.end()) and _starts_phone(text, at - bracketed)


def _starts_phone(text: bytes, at: int) -> bool:
    """At the start, or after the country code 1 at the start."""
    if text[at - 1 : at] in (b" ", b".", b"-") and text[at - 2 : at - 1] == b"1":
        at -= 2
    joined = text[at - 1 : at] in (b" ", b".", b"-", b"/") and text[at - 2 : at - 1].isdigit()
    return not joined and _starts(text, at)


def _trunk_at(text: bytes, match: re.Match[bytes]) -> bool:
    at = match.start()
    joined = text[at - 1 : at] in (b" ", b".", b"-", b"/", b":", b",") and text[at - 2 : at - 1].isdigit()
    digits = sum(map(bytes.isdigit, (match[0][i : i + 1] for i in range(len(match[0])))))
    return not joined and 9 <= digits <= 14 and _is_clear(text, match) and _DAY.match(text, at) is None


# E-mail addresses, from the at sign.
_EMAIL_DOMAIN = re.compile(rb"@[0-9A-Za-z-]{1,63}+(?:\.[0-9A-Za-z-]{1,63}+){1,8}+")
_TOP_LEVEL = re.compile(rb"[A-Za-z]{2,24}|xn--[0-9A-Za-z-]{2,59}")
# Names of files and packages look like addresses (logo@2x.png); calls on objects, too (a@b.mean()).
_FILE_ENDINGS = frozenset(b"png jpg jpeg gif svg webp ico pdf js jsx ts tsx css scss json html yaml yml txt".split())


def email(text: bytes) -> bool:
    return b"@" in text and any(_email_at(text, match) for match in _EMAIL_DOMAIN.finditer(text))


def _email_at(text: bytes, match: re.Match[bytes]) -> bool:
    at = match.start()
    before = text[at - 1 : at]
    named = (before.isalnum() and not _is_escape(text, at - 1)) or before in (b"_", b"%", b"+", b"-", b"!", b"'")
    ending = match[0].rpartition(b".")[2].lower()
    return (
        named
        and not _is_git(text, at)
        and text[match.end() : match.end() + 1] not in (b"(", b"_")
        and ending not in _FILE_ENDINGS
        and _TOP_LEVEL.fullmatch(ending) is not None
    )


def _is_git(text: bytes, at: int) -> bool:
    """git@host is how repositories are addressed, not people."""
    return text[at - 3 : at] == b"git" and _starts(text, at - 3)


# Keys of providers, and this gateway's own. All are tokens of twenty characters or more; prose is told apart by
# having no digit, or no long run without a dash.
_TOKEN_LENGTH = 20
_TOKEN_CHARS = bytes(97 if code < 128 and (chr(code).isalnum() or code in b"_-") else 32 for code in range(256))
_TOKEN_RUN = b"a" * _TOKEN_LENGTH
_API_KEY = re.compile(
    rb"(?<![0-9A-Za-z])(?:"
    rb"sk-(?=[A-Za-z_-]{0,47}[0-9])[A-Za-z0-9_-]{0,24}?[A-Za-z0-9]{16}"
    rb"|bk[-_](?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{20}"
    rb"|[sr]k_(?:live|test)_[A-Za-z0-9]{20}"
    rb"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![0-9A-Za-z])"
    rb"|gh[pousr]_[A-Za-z0-9]{36}"
    rb"|github_pat_[A-Za-z0-9_]{22}"
    rb"|AIza[A-Za-z0-9_-]{35}"
    rb"|xox[abeoprs]-(?=[A-Za-z-]{0,14}[0-9])[A-Za-z0-9-]{15}"
    rb"|hf_[A-Za-z0-9]{30}"
    rb"|glpat-[A-Za-z0-9_-]{20}"
    rb"|(?:gsk_|xai-|pplx-|nvapi-|r8_)(?=[A-Za-z_-]{0,63}[0-9])[A-Za-z0-9_-]{32}"
    rb")"
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY-----")


def api_key(text: bytes) -> bool:
    if b"PRIVATE KEY-----" in text and _PRIVATE_KEY.search(text):
        return True
    return any(map(_API_KEY.search, _tokens(text)))


def has_tokens(text: bytes) -> bool:
    """Whether anything is long enough for a key, a private one aside."""
    return _TOKEN_RUN in text.translate(_TOKEN_CHARS)


def _tokens(text: bytes) -> Iterator[bytes]:
    """The runs of letters, digits, `_` and `-` that are long enough for a key."""
    shape = text.translate(_TOKEN_CHARS)
    start = shape.find(_TOKEN_RUN)
    while start >= 0:
        stop = shape.find(b" ", start)
        stop = len(text) if stop < 0 else stop
        yield text[start + _is_escape(text, start) : stop]
        start = shape.find(_TOKEN_RUN, stop)
