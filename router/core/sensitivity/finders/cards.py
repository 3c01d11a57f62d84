"""Payment card numbers, however their digits are grouped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from router.core.sensitivity.finders.finder import NUMBERS, Finder
from router.core.sensitivity.finders.in_json import BETWEEN_DIGITS, BETWEEN_GROUPS
from router.core.sensitivity.finders.luhn import right_numbers
from router.core.sensitivity.finders.text import BORDER, REACH, Text, ends, starts

_BETWEEN_DIGITS = b" ._/|,\t\r\n\x1f-"
_BETWEEN = rb"[ ._/|,\t\r\n\x1f-]{1,4}"
_SOLID = re.compile(rb"[2-9](?=[0-9]{12})(?<![0-9]{2})[0-9]{12,18}+(?![0-9])")
# The groups that are embossed: 4-4-4-4, to which three more digits may belong, and 4-6-5 or 4-6-4. They may overlap.
_EMBOSSED = re.compile(
    rb"[2-9](?=([0-9]{3}(%b)(?:[0-9]{4}(%b)[0-9]{4}(%b)[0-9]{4}(?![0-9])(?:(%b)[0-9]{3}(?![0-9]))?"
    rb"|[0-9]{6}(%b)[0-9]{4,5}(?![0-9]))))(?<![0-9]{2})" % ((_BETWEEN,) * 5)
)
# Any other groups, as long as nothing but spaces, points, dashes and borders is between them, nor around them digits.
_LOOSE = re.compile(
    rb"[2-9](?<![0-9]{2})(?<![0-9][ ._\x1f-][0-9])(?<![0-9][ ._\x1f-]{2}[0-9])[0-9]{0,15}+"
    rb"(?:[ ._\x1f-]{1,3}[0-9]{1,16}+){1,6}(?![ ._\x1f-]{0,3}[0-9])"
)
_SPELLED = re.compile(
    rb"[2-9](?<![0-9][ .-][0-9])"
    rb"(?:([ .-])[0-9](?:\1[0-9]){11,17}(?!\1?[0-9])|[0-9]([ .-])(?:[0-9]{2}\2){5,8}[0-9]{1,2}(?!\2?[0-9]))"
)
# What stands behind the digits of a number with an exponent (few digits are no card's, but of hexadecimal text or a
# measure), and its shapes.
_EXPONENT = re.compile(rb"[eE](?<=[0-9.]{8}[eE])([+-]?0{0,32}[0-9]{1,2})(?![0-9])")
_MARKS = (b"0a0", b"0a-0", b"0a+0", b"-a0", b"-a-0", b"-a+0")
_MANTISSA = 48
"""Octets of the longest that is looked at."""
_SHORTEST, _LONGEST = 13, 19
"""Digits of a card."""
# What each of them begins with.
_OPENING = re.compile(
    rb"[2-9](?:[0-9]{12}|[0-9]{3}%b[0-9]{4}|(?<![0-9][ .-].)(?:[0-9]{6,15}+[ ._\x1f-]"
    rb"|[0-9]{0,5}+[ ._\x1f-]{1,3}[0-9]{1,16}+(?:[ ._\x1f-]{1,3}[0-9]|(?<=[0-9]{7}))))" % _BETWEEN
)
_FEWEST = b"0" * 13
_OCTETS_PER_STEP = 24
"""So many octets of digits are gone through in a microsecond."""
_NO_DIGITS = bytes(code for code in range(256) if not 48 <= code < 58)
_WEAK = b"/|,\t\r\n" + BORDER
"""Between digits these are as likely to be between numbers: of a table, a list, lines."""
# Issuers' ranges and lengths, after ISO/IEC 7812: Visa, Mastercard, American Express, Diners Club, JCB, Discover and
# UnionPay, Maestro, RuPay, Mir, Troy.
_NUMBER = re.compile(
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


def credit_card(text: Text) -> bool:
    if _FEWEST not in text.dense:
        return False
    return any(_is_at(text, at) for at in _places(text)) or any(map(is_card_number, _with_exponents(text)))


def _places(text: Text) -> Iterator[int]:
    """Where a number may begin: what follows is right by its check digit, and grouped as a card's may be."""
    data = text.data
    for start, stop, shape in text.blocks:
        right = tuple(right_numbers(data[start : stop + REACH]))
        text.spend(len(shape.data) // _OCTETS_PER_STEP + len(right) // 3)
        for offset in right:
            at = start + offset
            if at < stop and _OPENING.match(data, at) is not None:
                yield at


def _with_exponents(text: Text) -> Iterator[bytes]:
    """The digits of whole numbers that are written as 4.111111111111111e15, as some programs print them."""
    for start, stop, shape in text.blocks:
        if any(mark in shape.data for mark in _MARKS):
            for match in _EXPONENT.finditer(text.data, start, stop + REACH):
                text.spend(1)
                before = text.data[max(0, match.start() - _MANTISSA) : match.start()]
                mantissa = before[len(before.rstrip(b".0123456789")) :]
                if mantissa.count(b".") > 1:
                    mantissa = mantissa.lstrip(b".")
                if starts(text.data, match.start() - len(mantissa)) and _exponent_ends(
                    text.data, match.end(), mantissa
                ):
                    yield _shifted(mantissa, int(match[1]))


def _exponent_ends(data: bytes, at: int, mantissa: bytes) -> bool:
    """Letters may follow, as of a type or a file's name, if a point before them makes it no hexadecimal number."""
    return (b"." in mantissa or ends(data, at)) and _FRACTION.match(data, at) is None


def _shifted(mantissa: bytes, exponent: int) -> bytes:
    """What it is times ten to that power; nothing where that is no whole number of a card's length."""
    whole, _, fraction = mantissa.partition(b".")
    digits = (whole + fraction).lstrip(b"0")
    length = len(digits) - len(fraction) + exponent
    if not _SHORTEST <= length <= _LONGEST or digits[length:].strip(b"0"):
        return b""
    return digits[:length].ljust(length, b"0")


def _is_at(text: Text, at: int) -> bool:
    data = text.data
    text.spend(4)
    return (
        starts(data, at)
        and not _after_point(data, at)
        and any(is_card_number(digits) and _ends(data, end) for digits, end in _readings(data, at))
    )


def is_card_number(digits: bytes) -> bool:
    """Of an issuer's range and length, and right by its check digit (Luhn, ISO/IEC 7812-1)."""
    if _NUMBER.fullmatch(digits) is None:
        return False
    summands = digits[::-2] + digits[-2::-2].translate(_DOUBLED)
    return (sum(summands) - len(summands) * ord("0")) % 10 == 0


def _after_point(data: bytes, at: int) -> bool:
    """Inside a decimal or dotted number, such as the digits of 0.4111111111111111."""
    return data[at - 1 : at] == b"." and data[at - 2 : at - 1].isdigit()


_FRACTION = re.compile(rb"\.(?!00?(?![0-9]))[0-9]")
_TYPE = re.compile(rb"(?:[Uu][Ll]{0,2}|[Ll]{1,2}[Uu]?|[NnMm])(?![0-9A-Za-z])")
"""What code puts behind a number to say what it is: 4111111111111111L, ...n, ...ull."""


def _ends(data: bytes, at: int) -> bool:
    """A spreadsheet may have put .0 or .00 behind it; any other fraction makes it a measure of something."""
    return (ends(data, at) or _TYPE.match(data, at) is not None) and _FRACTION.match(data, at) is None


def _readings(data: bytes, at: int) -> Iterator[tuple[bytes, int]]:
    """Digits from here on that may be one number, with the offset of their end."""
    if match := _SOLID.match(data, at):
        yield match[0], match.end()
    if match := _EMBOSSED.match(data, at):
        yield from _embossed(data, match)
    if match := _LOOSE.match(data, at):
        yield from _loose(match)
    if match := _SPELLED.match(data, at):
        yield _digits(match[0]), match.end()


def _digits(data: bytes) -> bytes:
    return data.translate(None, _NO_DIGITS)


def _embossed(data: bytes, match: re.Match[bytes]) -> Iterator[tuple[bytes, int]]:
    """With and without the digits behind the fourth group: they may be a security code.

    What is around them is looked at last: most groups of four are of no card.
    """
    start, end = match.start(), match.end(1)
    digits = _digits(data[start:end])
    readings = [(digits, end)] if is_card_number(digits) else []
    if match[5] and is_card_number(digits[:16]):
        readings.append((digits[:16], match.start(5)))
    separators = [group for group in match.groups()[1:] if group]
    if readings and not _goes_on(data, start, end, separators) and not _is_in_row(data, start, end, separators[0]):
        yield from readings


def _goes_on(data: bytes, start: int, end: int, separators: list[bytes]) -> bool:
    """Whether the list that these groups are in has more numbers.

    One separator that usually is between numbers must not be around the groups, nor any separator if they are mixed
    with it.
    """
    codes = set(b"".join(separators))
    weak = codes.intersection(_WEAK)
    if not weak:
        return False
    blocking = weak if len(set(separators)) == 1 else codes
    before, after = data[max(0, start - 5) : start], data[end : end + 5]
    kept, rest = before.rstrip(_BETWEEN_DIGITS), after.lstrip(_BETWEEN_DIGITS)
    return (kept[-1:].isdigit() and not blocking.isdisjoint(before[len(kept) :])) or (
        rest[:1].isdigit() and not blocking.isdisjoint(after[: len(after) - len(rest)])
    )


def _is_in_row(data: bytes, start: int, end: int, separator: bytes) -> bool:
    """Whether more groups of four digits, and not of further cards, make a table's row of it."""
    before = _fours(data[max(0, start - _ROW) : start].split(separator)[::-1])
    after = _fours(data[end : end + _ROW].split(separator))
    return len(before) + len(after) > 1 and not (_are_cards(before[::-1]) and _are_cards(after))


def _fours(groups: list[bytes]) -> list[bytes]:
    """The groups of four digits that go on from here; the first one must be empty, or something else does."""
    number = 0 if groups[0] else 1
    while 0 < number < len(groups) and len(groups[number]) == 4 and groups[number].isdigit():
        number += 1
    return groups[1:number]


def _are_cards(groups: list[bytes]) -> bool:
    return all(is_card_number(b"".join(groups[i : i + 4])) for i in range(0, len(groups), 4))


def _loose(match: re.Match[bytes]) -> Iterator[tuple[bytes, int]]:
    """All of the groups, or all but the last: that may be a security code. One separator throughout."""
    groups = _GROUP.split(match[0])
    separators = {between.strip(BORDER) for between in groups[1::2]} - {b""}
    digits = b"".join(groups[::2])
    if len(separators) > 1 or not 13 <= len(digits) <= 23 or _is_measure(groups, separators):
        return
    yield digits, match.end()
    if separators != {b"."}:
        yield digits[: -len(groups[-1])], match.end()


_GROUP = re.compile(rb"([ ._\x1f-]{1,3})")
_ROW = 64
"""So far is looked around a card for a row of numbers."""
_ORDER = [3, 7, 7]
"""Groups of the order numbers of a large shop."""


def _is_measure(groups: list[bytes], separators: set[bytes]) -> bool:
    """A decimal number, or an order's."""
    return (separators == {b"."} and len(groups) == 3) or list(map(len, groups[::2])) == _ORDER


_FOUR = rb"(?:%b){1,4}[0-9]{4}" % BETWEEN_DIGITS
_NUMBERS = (
    rb"[2-9](?:(?:%b){0,3}[0-9]){12}" % BETWEEN_GROUPS,
    rb"[2-9][0-9]{3}(?:%b|(?:%b){1,4}[0-9]{6}%b)" % (_FOUR * 3, BETWEEN_DIGITS, _FOUR),
    rb"[0-9.]{8}[eE][+-]?[0-9]",
)
FINDER = Finder("credit_card", credit_card, NUMBERS, numbers=_NUMBERS)
