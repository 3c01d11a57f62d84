import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.sensitivity import encodings
from router.core.sensitivity.encodings import may_hide
from router.core.sensitivity.finders.text import BORDER as BORDER_BYTE
from router.core.sensitivity.finders.text import Text, flat

BORDER = BORDER_BYTE.decode()
SECRET = "bob@example.com"


def decoded(text: str) -> str:
    return encodings.decoded(text.encode()).decode(errors="replace")


def joined(text: str) -> list[str]:
    return [each.decode() for each in encodings.joined(flat(text.encode()))]


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("100% of 5%, 4%x", "100% of 5%, 4%x"),
        ("bob%40example%2Ecom", SECRET),
        ("%E4%BD%A0 %ff", "你 \ufffd"),
        ("bob&#64;example&#x2E;com", SECRET),
        ("bob&#0000064;example&period;com", SECRET),
        ("a&commat;b &nbsp;&amp;lt; &unknown; &x;", "a@b  &lt; &unknown; &x;"),
        ("&#9999999; &#xd800; &#x110000;", "&#9999999; &#xd800; &#x110000;"),
        (f"see {coded(SECRET)} there", f"see {SECRET} there"),
        (coded(SECRET).rstrip("="), SECRET),
        (coded("ü?>" + SECRET).replace("+", "-").replace("/", "_"), "ü?>" + SECRET),
        (f"{coded('from line to l')[:-1]}=\n{coded('ine it goes on')}", "from line to line it goes on"),
        (f"{coded('this is one part')}, {coded('this is another')}", "this is one part, this is another"),
        ("parse_credit_card_response", "parse_credit_card_response"),
        ("AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"),
        (base64.b64encode(b"abc" + bytes(range(30))).decode(), base64.b64encode(b"abc" + bytes(range(30))).decode()),
        (base64.b64encode(b"abcdef" + b"\xff" * 12).decode(), base64.b64encode(b"abcdef" + b"\xff" * 12).decode()),
        ("YWJjZGVmZ2hpamtsbW5vcA", "abcdefghijklmnop"),
        ("YWJjZGVmZ2hpamtsbW5vcHE1Z", "abcdefghijklmnopq5"),
    ],
)
def test_one_level_is_taken_away(text: str, plain: str) -> None:
    assert decoded(text) == plain
    if plain == text and "&#" not in text:
        assert not may_hide(Text(text.encode()))
    elif text.isascii():
        assert may_hide(Text(text.encode()))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n  ", "\n> "])
@pytest.mark.parametrize("width", [16, 50, 60, 64, 70, 75, 76, 78])
def test_base64_in_lines_is_one_text_wherever_they_end(width: int, end: str) -> None:
    """As mail, PEM and the command `base64` have it: the last line may be of any length, and a line may end between
    four symbols."""
    for before in range(80):
        text = f"{'the order of last week ' * 4}"[-before:] + SECRET
        said = coded(text)
        lines = end.join(said[at : at + width] for at in range(0, len(said), width))
        assert SECRET in decoded(f"see {lines} ..."), lines
        assert SECRET in decoded(f"see {lines.rstrip('=')}"), lines


def test_a_word_behind_lines_of_base64_is_also_read_as_none() -> None:
    assert decoded(f"{coded('it is 4111111111111111')[:-2]}\nThanks") == "it is 4111111111111111\nThanks"
    text = "what they sent us last week goes to the address bob@example.com"
    assert decoded(f"{coded(text)}\nBest\n").endswith(f"{BORDER}{text}\n")


@pytest.mark.parametrize(
    "first", ["all of this", "all of this ", "what they sent us last week, and that is all of this"]
)
def test_texts_that_are_each_in_base64_on_a_line_of_their_own_are_read_too(first: str) -> None:
    lines = f"{coded(first).rstrip('=')}\n{coded('and all of that')}"
    assert "all of this" in decoded(lines) and "and all of that" in decoded(lines)


def message(content: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": content}


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    "conversation",
    [
        [message([part("a 41111"), part("11 11 b")])],
        [message("a 41111"), message("11 11 b")],
        [message("a 41111"), message([part("11 11 b")])],
        [message([part("a 41111")]), message("11 11 b", "assistant")],
        [message([part("a 41111")]), message([part("11 11 b")])],
        [message([{"text": "a 41111", "type": "text"}, {"text": "11 11 b", "type": "text"}])],
        [{"content": "a 41111", "role": "user"}, {"content": "11 11 b", "role": "user"}],
        ["a 41111", "11 11 b"],
        [message([part("a 41111") | {"cache_control": {"type": "ephemeral"}}, part("11 11 b")])],
        [message("a 41111") | {"name": "Bob-X", "weight": 0}, {"id": "msg_7A", "role": "user", "content": "11 11 b"}],
        [message("a 41111"), {"content": "11 11 b", "role": "user"}],
    ],
)
@pytest.mark.parametrize("indent", [None, 8])
def test_a_number_goes_on_in_the_next_text(conversation: Any, indent: int | None) -> None:
    body = json.dumps({"messages": conversation}, indent=indent)

    assert [f"a 41111{between}11 11 b" in text for text, between in zip(joined(body), ("", BORDER), strict=True)]
    assert may_hide(Text(body.encode()))
    assert not may_hide(Text(body.replace("41111", "x").encode()))


@pytest.mark.parametrize("before", ["", " ", "-", ".", "\n", "\r\n", "\t", ",", "  ", " \n", " | "])
@pytest.mark.parametrize("behind", ["", "\n", "  ", ") "])
def test_what_separates_groups_stays(before: str, behind: str) -> None:
    assert joined(json.dumps([f"41111{before}", f"{behind}1111"]))[0] == (f'["41111{before}{behind}1111"]')


@pytest.mark.parametrize("empty", ["", " ", " \n", None])
def test_what_says_nothing_does_not_separate(empty: str | None) -> None:
    parts: Any = [] if empty is None else [part(empty)]
    for between in ([message(empty)], [message(empty, "assistant"), message(parts)], [message([])]):
        body = json.dumps([message("a 41111"), *between, message("1111 b")])
        assert f"a 41111{(empty or '').strip()}1111 b" in joined(body)[0]
    assert joined(json.dumps(["a 41111", empty, empty, "1111 b"])) != []


def test_what_says_a_separator_separates() -> None:
    assert joined('["219","-","09-9999"]') == ['["219-09-9999"]', '["219-09-9999"]']
    assert joined('["219"," ","09-9999"]') == ['["21909-9999"]', '["219 09-9999"]']


def test_an_account_goes_on_in_the_next_text_with_letters() -> None:
    assert joined('["x GB82 WE", "ST 1234 5698 7654 32 y"]') == ['["x GB82 WEST 1234 5698 7654 32 y']
    assert joined('["x DE", "89370400440532013000 y"]') == ['["x DE89370400440532013000 y']
    assert joined('["the end of", "12, apples and 4155552671"]') == []


def test_of_long_texts_only_what_stands_around_their_ends_is_joined() -> None:
    body = json.dumps(["far away, " * 99 + "41111", "1111, " + "far away, " * 99])

    assert all(len(text) < 600 for text in joined(body))


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": "12345", "b": 12345}', '{"id": "12345", "Long Name": "12345"}', '["12345", ["12345"]]', '"12345"'),
        *('["1234", "5678"]', '[{"a": "12345"}, {"role": "user", "content": "hello"}, {"a": "12345"}]'),
    ],
)
def test_other_numbers_are_not_joined(text: str) -> None:
    assert joined(text) == []


@given(st.text())
def test_nothing_gets_longer(text: str) -> None:
    assert len(decoded(text)) <= len(text)
    assert len(flat(text.encode())) <= len(text.encode())
