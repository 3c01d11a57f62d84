# ruff: noqa: RUF001 - look-alike characters are what it is about

import base64
import json
import warnings
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sensitive import texts_of

from router.core.sensitivity.finders.text import TooDense
from router.core.sensitivity.unescape import bare, clear, fold, levels, plain, revealed


def texts(body: str) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return list(texts_of(body.encode()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": "plain"}', ['{"a": "plain"}']),
        (r'{"a": "line\nline \"quoted\" \\d"}', [r'{"a": "line\nline \"quoted\" \\d"}']),
        (r'{"a": "\u0034\u0031"}', ['{"a": "41"}']),
        (r'{"\u0061": 1}', ['{"a": 1}']),
        (r'{"a": "1\/2"}', ['{"a": "1/2"}']),
        (r'{"a": "\\u0034"}', [r'{"a": "\u0034"}', '{"a": "4"}']),
        (r'{"a": "\\\u0034"}', [r'{"a": "\4"}']),
        (r'{"a": "C:\\u4111222233334444"}', [r'{"a": "C:\u4111222233334444"}', '{"a": "C:䄑222233334444"}']),
        (r'{"a": "\\users \\u0034 \\x41 \\"}', ['{"a": "\\users \\u0034 \\x41 \\"}', '{"a": "users 4 x41 "}']),
        (r'{"a": "\ud83d\ude00 \ud835\udfd2"}', ['{"a": "😀 4"}']),
        (r'{"a": "\\ud800\\u0034"}', [r'{"a": "\ud800\u0034"}', '{"a": "\ufffd4"}']),
        ('{"a": "é\\u0034 中 😀"}', ['{"a": "é4 中 😀"}']),
    ],
)
def test_levels(body: str, expected: list[str]) -> None:
    assert texts(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r'{"a": "line\nline \"quoted\" \u0034"}', []),
        (r'{"a": "P\\RJ\n\\new"}', ['{"a": "PRJ\nnew"}']),
        (r'{"a": "P\u005cRJ"}', ['{"a": "PRJ"}']),
        (r'{"a": "{\"b\": \"\\\\tab\\n\"}"}', ['{"a": "{"b": "tabn"}"}', '{"a": "{"b": "tab\n"}"}']),
        (r'{"a": "\\ＰRJ"}', ['{"a": "PRJ"}']),
    ],
)
def test_what_is_left_without_backslashes_is_shown_at_each_level(body: str, expected: list[str]) -> None:
    assert [text.decode() for text in bare(body.encode())] == expected


def nest(text: str, levels: int) -> str:
    for _ in range(levels):
        text = json.dumps(text)
    return text


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5, 6])
def test_json_inside_json_is_followed_for_five_levels(levels: int) -> None:
    assert any("4111é中" in text for text in texts(nest("4111é中", levels)))


def test_deeper_levels_are_not_looked_into_and_fail_closed() -> None:
    assert len(texts(nest("é", 9))) == 6
    with pytest.raises(TooDense):
        list(levels(nest("é", 9).encode()))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("plain", "plain"),
        ("４１１１", "4111"),
        ("٤١١١ ۴۱۱۱ ४१११ 𝟒𝟏𝟏𝟏 ①", "4111 4111 4111 4111 1"),
        ("41\u200b11\u200d\u2060\ufeff\u00ad1", "41111"),
        ("4\u03361\ufe0f\u20e31", "411"),
        ("4111\u00a01111\u2009\u30001", "4111 1111  1"),
        ("4111\u20111111\u2013\u2014\u22121", "4111-1111---1"),
        ("4111·1111•1111∙1111⋅‧・･◦⁃", "4111-1111-1111-1111------"),
        ("4111⁄1111∕1⧸1", "4111/1111/1/1"),
        ("4111│1111┃1∣1❘1￨", "4111|1111|1|1|1|"),
        ("1ᐧ1᛫1⦁1⸰1⸱1⸳1ㆍ1ꞏ1｡1", "1-1-1-1-1-1-1-1-1-1"),
        ("1╱1⟋1", "1/1/1"),
        ("1¦1ǀ1ǁ1׀1‖1∥1⏐1║1╎1┆1▏1❚1⦙1￤1｜1", "1|1|1|1|1|1|1|1|1|1|1|1|1|1|1|1"),
        ("４１，１；１、１，1،1､1﹐1︑1", "41,1,1,1,1,1,1,1,1"),
        ("ｂｏｂ＠ｘ．ｄｅ", "bob@x.de"),
        ("Größe “naïve” … 中文 한글 हिन्दी 🎉 Привет", "Größe “naïve” … 中文 한글 हिन्दी 🎉 Привет"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_many_kinds_of_characters_are_folded_in_one_go() -> None:
    digits = "".join(chr(0xFF10 + i) for i in range(10))

    assert fold(f"é{digits}中") == "é0123456789中"


# What can be looked for verbatim: anything but quotes, backslashes and control characters, folded or not.
SECRETS = st.text(
    st.characters(min_codepoint=32, exclude_characters='"\\\x7f', exclude_categories=["Cc", "Cs"]), min_size=1
)
NOISE = st.text(max_size=10) | st.sampled_from(["\\", "C:\\u4111", "\\\\", '"', "\\n", "\\u12", "/"])


def escaped(text: str, data: st.DataObject) -> str:
    """A JSON string, of which any character may be escaped, and any slash."""
    if data.draw(st.booleans()):
        return json.dumps(text, ensure_ascii=data.draw(st.booleans()))
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)) + '"'


def placed(secret: str, data: st.DataObject) -> str:
    """A JSON document that has the secret in a name, a value, an earlier duplicate or JSON inside a string."""
    before, after = data.draw(NOISE), data.draw(NOISE)
    whole = escaped(secret, data)
    for _ in range(data.draw(st.integers(0, 3))):
        document = data.draw(st.sampled_from(["[{0}, {1}, {2}]", "{{{1}: {0}, {2}: 1}}", "{{{0}: {1}, {0}: {2}}}"]))
        whole = escaped(document.format(json.dumps(before), whole, json.dumps(after)), data)
    return f'{{"a": [{json.dumps(before)}, {whole}], "b": {json.dumps(after)}}}'


@given(SECRETS, st.data())
def test_a_secret_anywhere_in_the_body_is_in_some_text(secret: str, data: st.DataObject) -> None:
    body = placed(secret, data)
    json.loads(body)

    assert any(fold(secret) in text for text in texts(body)), body


@given(st.text() | st.lists(NOISE).map("".join))
def test_no_text_is_too_strange(text: str) -> None:
    value: Any = json.dumps(text, ensure_ascii=False) if not any("\ud800" <= c <= "\udfff" for c in text) else '""'

    assert texts(value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": "x%40y"}', ['{"a": "x%40y"}', '{"a": "x@y"}']),
        ('{"a": "%2540"}', ['{"a": "%2540"}', '{"a": "%40"}', '{"a": "@"}']),
        ('{"a": "%5Cu0034"}', ['{"a": "%5Cu0034"}', r'{"a": "\u0034"}', '{"a": "4"}']),
        ('{"a": "%EF%BC%94"}', ['{"a": "%EF%BC%94"}', '{"a": "4"}']),
        (
            '[{"type": "text", "text": "4111"}, {"type": "text", "text": "11111"}]',
            [
                '[{"type": "text", "text": "4111"}, {"type": "text", "text": "11111"}]',
                '[{"type": "text", "text": "411111111"}]',
                '[{"type": "text", "text": "4111\x1f11111"}]',
            ],
        ),
        (
            '["4111", "%31%31%31%31%31"]',
            ['["4111", "%31%31%31%31%31"]', '["4111", "11111"]', '["411111111"]', '["4111\x1f11111"]'],
        ),
    ],
)
def test_other_encodings_follow(body: str, expected: list[str]) -> None:
    assert texts(body) == expected


@pytest.mark.parametrize("bomb", ["%25" * 9, "&amp;" * 9, "%2525252525252541", "&amp;amp;amp;amp;amp;amp;#52;"])
def test_what_is_nested_is_followed_for_a_few_rounds(bomb: str) -> None:
    assert len(texts(json.dumps(bomb))) <= 9


def test_what_other_encodings_hide_is_followed_as_deep_as_json_is() -> None:
    assert "4111é" in texts(json.dumps(quote(nest("4111é", 5))))[-1]
    with pytest.raises(TooDense):
        list(revealed(quote(nest("é", 9)).encode()))
    with pytest.raises(TooDense):
        list(revealed(b"%2525252541"))


def test_pluses_may_be_spaces() -> None:
    assert [*revealed(b"%2B1+212 is C++")] == ["+1+212 is C++", "+1 212 is C  ", " 1 212 is C  "]
    assert [*clear(b'{"a": "b+c"}')] == [b'{"a": "b+c"}', b'{"a": "b c"}']
    assert [*clear(b'{"a": "b++ +c 1 + 2"}')] == [b'{"a": "b++ +c 1 + 2"}']


def test_base64_behind_a_backslash_begins_with_its_own_letter() -> None:
    coded = base64.b64encode(b"note: 4111 1111").decode()

    assert "note: 4111 1111" in texts(json.dumps(f"C:\\{coded}"))[-1]
    assert "note: 4111 1111" in texts(json.dumps(f"\n{coded}"))[-1]
    assert texts('"\\\\beautiful_function_name"') == ['"\\\\beautiful_function_name"']


def test_base64_in_base64_is_followed_for_a_few_rounds() -> None:
    data = b"deep inside of it"
    for _ in range(9):
        data = base64.b64encode(data)

    assert len(texts(json.dumps(data.decode()))) == 5


@given(st.text(st.sampled_from('%25&#x3;4amp\\u0"/=QUJD\n')))
def test_no_text_is_longer_than_the_body(text: str) -> None:
    body = json.dumps(text)

    assert all(len(each) <= len(body) for each in texts(body))
    assert len(texts(body)) <= 24


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"a": "b"}', '{"a": "b"}'),
        (r'{"a": "b\n\"c\" \\n"}', '{"a": "b\n"c" \n"}'),
        ('{"a": "é"}', None),
        (r'{"a": "\u0034"}', None),
        (r'{"a": "1\/2"}', None),
    ],
)
def test_a_plain_body_is_its_own_text(body: str, said: str | None) -> None:
    assert plain(body.encode()) == (None if said is None else said.encode())


NO_SIGN = [chr(code) for code in range(0x1F) if chr(code) not in "\t\n\r"] + list(
    "\x7f\x80\x85\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u2028\u2029\u2060\u2800\u3164\ufe0f\ufeff\uffa0\ufffc"
)
LINES = "\x0b\x0c\x85\u2028\u2029"


@pytest.mark.parametrize("char", NO_SIGN, ids=ascii)
@pytest.mark.parametrize("escaped", [True, False])
def test_what_shows_nothing_hides_nothing(char: str, escaped: bool) -> None:
    body = json.dumps({"a": f"4{char}1"}, ensure_ascii=escaped).encode()
    seen = plain(body)
    last = list(texts_of(body))[-1] if seen is None else seen.decode()
    assert last == ('{"a": "4\n1"}' if char in LINES else '{"a": "41"}')


def test_bytes_that_show_nothing_hide_nothing_in_a_body_without_escapes() -> None:
    assert plain(b'{"a": "4\x7f1"}') == b'{"a": "41"}'
    assert plain(rb'{"a": "4\b1\f1"}') == b'{"a": "41\n1"}'


def test_however_deep_backslashes_are_the_levels_are_bounded() -> None:
    body = b'{"a": "' + b"\\" * 4096 + b'"}'
    assert 1 < len(list(bare(body))) < 10
