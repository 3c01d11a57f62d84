import json
import re

import pytest

from router.core.sensitivity.finders import in_json


def encoded(text: str, *, levels: int = 1, ascii_only: bool = True) -> bytes:
    for _ in range(levels):
        text = json.dumps(text, ensure_ascii=ascii_only)
    return text.encode()


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (in_json.TAB, "\t"),
        (in_json.BLANK, " \t\r\n"),
        (in_json.QUOTE, "\"'`"),
        (in_json.DASH, "-\u2013\u2014"),
        (in_json.COMMA, ",\u3001\uff0c\uff1b"),
        (in_json.BETWEEN_GROUPS, " ._-\u2013"),
        (in_json.BETWEEN_DIGITS, " \n._/|,-\u2014\uff0c"),
    ],
)
def test_a_character_is_seen_however_deep_it_stands(pattern: bytes, texts: str, levels: int, ascii_only: bool) -> None:
    for text in texts:
        assert re.search(b"x%bx" % pattern, encoded(f"x{text}x", levels=levels, ascii_only=ascii_only)), text


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1111", "123-45-6789", "12\t34\n56,78|9", "1\u20132\uff0c3 4 5 6 7 8 9"]
)
def test_nine_digits_are_seen_whatever_is_between_them(number: str, levels: int) -> None:
    assert re.search(in_json.NINE_DIGITS, encoded(number, levels=levels, ascii_only=False))


def test_eight_digits_and_those_with_letters_between_them_are_none() -> None:
    assert not re.search(in_json.NINE_DIGITS, encoded("12 34 56 78 and 9"))
