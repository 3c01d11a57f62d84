"""The strings of a request, and the pieces that long ones are looked at in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.presidio.texts import MOST_PARTS, OVERLAP, PIECE, NoText, TooManyParts, pieces_of, strings_of


def strings(value: object) -> list[str]:
    return list(strings_of(json.dumps(value).encode()))


def test_every_string_once_and_the_last_one_first() -> None:
    assert strings({"a": ["one", {"b": "two"}], "c": "one", "d": "three"}) == ["three", "two", "one"]


def test_what_has_a_digit_says_something() -> None:
    assert strings({"b": "078-05-1120", "c": None, "d": ["", " ", "...", True]}) == ["078-05-1120"]


def test_numbers_are_one_string_but_for_short_ones() -> None:
    assert strings({"a": 78051120, "b": ["x", 4111111111111111.0], "max_tokens": 2048}) == [
        "78051120, 4111111111111111.0",
        "x",
    ]


def test_all_of_members_with_the_same_name_are_taken() -> None:
    body = b'{"content":"Ada","content":"hello","messages":["one"],"messages":["two"]}'
    assert list(strings_of(body)) == ["two", "one", "hello", "Ada"]
    assert list(strings_of(json.dumps([body.decode()]).encode())) == ["two", "one", "hello", "Ada"]


def test_names_of_members_that_are_no_plain_word() -> None:
    assert strings({"Ada Lovelace": 1, "role": 2, "top_p": 3, "10.1.2.3": 4}) == ["Ada Lovelace", "10.1.2.3"]


def test_what_is_half_a_character_is_replaced() -> None:
    assert list(strings_of(b'["Ada \\ud800"]')) == ["Ada ?"]


@pytest.mark.parametrize("part", ["1,", "[", '"a":1,', '"\\n",'])
def test_what_has_too_many_parts_is_not_taken_apart(part: str) -> None:
    """To do so takes seconds, in which nobody else is answered. A long text has few."""
    with pytest.raises(TooManyParts):
        strings_of(("[" + part * (MOST_PARTS + 1)).encode())
    assert strings(["long " * MOST_PARTS, " " * MOST_PARTS]) == [" " * MOST_PARTS, "long " * MOST_PARTS]


class Objects(list):
    """Pairs of names, which may be equal, and values."""


def written(value: object) -> str:
    if isinstance(value, Objects):
        return "{" + ",".join(f"{json.dumps(name)}:{written(each)}" for name, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, tuple):
        return json.dumps(written(value[0]))
    return json.dumps(value)


def marks_in(value: object) -> list[str]:
    if isinstance(value, Objects):
        return [mark for _, each in value for mark in marks_in(each)]
    if isinstance(value, list | tuple):
        return [mark for each in value for mark in marks_in(each)]
    return [str(value)]


MARKS = (
    st.integers(10_000, 2**70)
    | st.from_regex(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", fullmatch=True)
    | st.text("ab1", min_size=1)
)
DOCUMENTS = st.recursive(
    MARKS,
    lambda inner: (
        st.lists(inner)
        | st.lists(st.tuples(st.sampled_from(("content", "a b", "")), inner)).map(Objects)
        | st.tuples(st.lists(inner))
    ),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_every_string_and_number_is_looked_at_wherever_it_stands(document: object) -> None:
    said = "\n".join(strings_of(written(document).encode()))
    assert all(mark in said for mark in marks_in(document))


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
