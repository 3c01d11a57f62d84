"""The strings of a request, and the pieces that long ones are looked at in."""

from __future__ import annotations

import json

import pytest

from router.presidio.texts import OVERLAP, PIECE, NoText, pieces_of, strings_of


def strings(value: object) -> list[str]:
    return list(strings_of(json.dumps(value).encode()))


def test_every_string_once_and_the_last_one_first() -> None:
    assert strings({"a": ["one", {"b": "two"}], "c": "one", "d": "three"}) == ["three", "two", "one"]


def test_numbers_and_what_has_no_letter_say_nothing() -> None:
    assert strings({"a": 1, "b": "2026-11-01", "c": None, "d": ["", " "]}) == []


def test_names_of_fields_that_are_more_than_a_word() -> None:
    assert strings({"Ada Lovelace": 1, "role": 2}) == ["Ada Lovelace"]


def test_json_in_strings() -> None:
    arguments = json.dumps({"to": json.dumps(["Ada"])})
    assert strings({"arguments": arguments}) == ["Ada"]


def test_what_only_looks_like_json_is_text() -> None:
    assert strings(["[Ada] said", "{"]) == ["[Ada] said"]


@pytest.mark.parametrize("body", [b"", b"no JSON", b"\xff", b'{"a":', b"[" * 100_000])
def test_what_is_no_json_has_no_strings(body: bytes) -> None:
    with pytest.raises(NoText):
        list(strings_of(body))


def test_a_short_text_is_one_piece() -> None:
    assert list(pieces_of("Ada")) == ["Ada"]


@pytest.mark.parametrize("gap", [" ", ""])
@pytest.mark.parametrize("before", range(PIECE - 20, PIECE + 5, 3))
def test_a_name_stands_whole_in_some_piece(before: int, gap: str) -> None:
    text = ("ab" + gap) * PIECE
    text = text[:before] + " Ada Lovelace " + text
    pieces = list(pieces_of(text))
    assert any("Ada Lovelace" in piece for piece in pieces)
    assert all(len(piece) <= PIECE for piece in pieces)
    assert sum(map(len, pieces)) <= len(text) + OVERLAP * len(pieces)
