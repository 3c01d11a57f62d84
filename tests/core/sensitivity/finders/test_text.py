import re

import pytest

from router.core.sensitivity.finders.text import Effort, Text, TooDense, ends, flat, starts


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        ("plain", "plain"),
        ("line\\nline\\ttab\\r\\n", "line\nline\ttab\r\n"),
        ("\\\\\\\\nline", "\nline"),
        ('{\\"a\\": \\"b\\"}', '{"a": "b"}'),
        ("C:\\4111", "C:\\4111"),
        ("a\\b\\fc", "a  c"),
    ],
)
def test_escapes_are_taken_away_at_any_level(escaped: str, plain: str) -> None:
    assert flat(escaped.encode()) == plain.encode()


@pytest.mark.parametrize(
    ("text", "free"),
    [("4", True), (" 4", True), ("x4", False), ("74", False), ("VISA4", True), ("be4", False), ("a1VISA4", False)],
)
def test_a_number_starts_behind_a_word_and_not_within_a_name(text: str, free: bool) -> None:
    assert starts(text.encode(), len(text) - 1) == free
    assert ends(text[::-1].encode(), 1) == free


def test_only_blocks_with_digits_are_looked_at() -> None:
    data = b"x" * 9000 + b" 123 456 789 " + b"x" * 9000

    assert [block[:2] for block in Text(data).blocks] == [(8192, 12288)]
    assert [block[:2] for block in Text(b"x" * 4050 + b"123456789" + b"x" * 4096).blocks] == [(0, 4096)]
    assert Text(b"12345678, a9").blocks == ()


def test_runs_are_as_long_as_tokens() -> None:
    data = b"short, a-longer_run9/x and a-longer_run+9"

    assert [data[start:stop] for start, stop in Text(data).runs] == [b"a-longer_run9/x"]


def test_only_blocks_of_a_shape_are_looked_at() -> None:
    text = Text(b"1234 56789 or 123/45/6789")

    assert [match[0] for match in text.numbers(re.compile(rb"[0-9]{2,4}"))] == [
        b"1234",
        b"5678",
        b"123",
        b"45",
        b"6789",
    ]
    assert [match[0] for match in text.numbers(re.compile(rb"[0-9]{2}/"), b"000-00-0000")] == [b"23/", b"45/"]
    assert list(text.numbers(re.compile(rb"[0-9]{2}/"), b"000000-0")) == []


def test_matches_are_sought_where_a_shape_is() -> None:
    text = Text(b"1234 56789 or 123/45/6789 " + b"x" * 4096 + b"123-45-6789")

    assert [match[0] for match in text.shaped(re.compile(rb"[0-9]{3}./?"), b"000-00-0000")] == [b"123/", b"123-"]
    assert list(text.shaped(re.compile(rb"x"), b"000-00-0000")) == []


def test_effort_ends() -> None:
    effort = Effort(7000)

    effort.spend(3000)
    with pytest.raises(TooDense):
        effort.spend(1)
