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


def joined(text: str) -> str:
    return encodings.joined(text.encode()).decode()


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


def message(content: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": content}


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    "conversation",
    [
        [message([part("a 41"), part("11 b")])],
        [message("a 41"), message("11 b")],
        [message("a 41"), message([part("11 b")])],
        [message([part("a 41")]), message("11 b", "assistant")],
        [message([part("a 41")]), message([part("11 b")])],
        [message([{"text": "a 41", "type": "text"}, {"text": "11 b", "type": "text"}])],
        [{"content": "a 41", "role": "user"}, {"content": "11 b", "role": "user"}],
        ["a 41", "11 b"],
        [message([part("a 41") | {"cache_control": {"type": "ephemeral"}}, part("11 b")])],
        [message("a 41") | {"name": "Bob-X", "weight": 0}, {"id": "msg_7A", "role": "user", "content": "11 b"}],
        [message("a 41"), {"content": "11 b", "role": "user"}],
    ],
)
@pytest.mark.parametrize("indent", [None, 8])
def test_a_number_goes_on_in_the_next_text(conversation: Any, indent: int | None) -> None:
    body = json.dumps({"messages": conversation}, indent=indent)

    assert f"a 41{BORDER}11 b" in joined(body)
    assert may_hide(Text(body.encode()))
    assert not may_hide(Text(body.replace("41", "x").encode()))


@pytest.mark.parametrize("separator", [" ", "-", ".", ""])
def test_what_separates_groups_stays(separator: str) -> None:
    assert joined(json.dumps([f"41{separator}", "11"])) == f'["41{separator}{BORDER}11"]'


@pytest.mark.parametrize("text", ['{"a": "12", "b": 13}', '{"id": "12", "Long Name": "13"}', '["12", ["13"]]', '"12"'])
def test_other_numbers_are_not_joined(text: str) -> None:
    assert joined(text) == text


@given(st.text())
def test_nothing_gets_longer(text: str) -> None:
    assert len(decoded(text)) <= len(text)
    assert len(flat(text.encode())) <= len(text.encode())
