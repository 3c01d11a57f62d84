"""International bank account numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stdnum import iban as registry

from router.core.sensitivity.finders.finder import NUMBERS, Finder
from router.core.sensitivity.finders.in_json import BLANK, DASH
from router.core.sensitivity.finders.text import Text, ends, starts

_BETWEEN = rb"[ .\t\r\n/_-]{0,3}"
# Letters before the check digits; the rest depends on the country.
_START = re.compile(rb"[A-Za-z]{2}[0-9]{2}%b[0-9A-Za-z]" % _BETWEEN)
# Length by country, from the registry of ISO 13616.
LENGTHS: Mapping[int, bytes] = {
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
_WHOLE = {
    country: re.compile(rb"[A-Za-z]{2}[0-9]{2}(?:%b[0-9A-Za-z]){%d}" % (_BETWEEN, length - 4))
    for length, countries in LENGTHS.items()
    for country in countries.split()
}
_VALUES = {ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_NO_LETTERS_OR_DIGITS = bytes(code for code in range(256) if code > 127 or not chr(code).isalnum())


def iban(text: Text) -> bool:
    return bool(text.blocks) and any(_at(text, match.start()) for match in text.shaped(_START, b"aa00"))


def _at(text: Text, at: int) -> bool:
    data = text.data
    pattern = _WHOLE.get(data[at : at + 2].upper())
    if pattern is None or not starts(data, at):
        return False
    text.spend(4)
    whole = pattern.match(data, at)
    return (
        whole is not None
        and ends(data, whole.end())
        and is_iban(whole[0].translate(None, _NO_LETTERS_OR_DIGITS).upper())
    )


def is_iban(number: bytes) -> bool:
    """Right by its check digits (ISO 7064, mod 97-10), and built as its country does.

    The check digits come first: they are quick, and leave one candidate in a hundred.
    """
    moved = (number[4:] + number[:4]).decode()
    return int(moved.translate(_VALUES)) % 97 == 1 and _is_built_right(number)


def _is_built_right(number: bytes) -> bool:
    return registry.is_valid(number.decode(), check_country=False)


_NUMBERS = (
    rb"[0-9](?<=[A-Za-z]{2}[0-9])[0-9](?:(?:[./_]|%b|%b){0,3}[0-9A-Za-z]){11}" % (BLANK, DASH),
    # cut in two by parts or messages
    rb"\"[A-Za-z]?[0-9]{1,2}(?:[ ./_-]|\\+[nrt]){0,3}[0-9A-Za-z]",
    rb"[0-9](?<=[A-Za-z]{2}[0-9])[0-9][ ./_0-9A-Za-z\\-]{0,64}\"",
)
FINDER = Finder("iban", iban, NUMBERS, numbers=_NUMBERS)
