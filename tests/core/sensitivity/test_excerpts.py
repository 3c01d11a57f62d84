"""What is left of a body is enough: in it is found what is found in all of it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.policy import Detector
from router.core.sensitivity import detectors as detectors_module
from router.core.sensitivity import encodings
from router.core.sensitivity import excerpts as excerpts_module
from router.core.sensitivity.detectors import compile_detectors
from router.core.sensitivity.excerpts import REACH, excerpts
from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.memory import BoundedMemory
from router.core.sensitivity.unescape import HIDING_CHARACTERS, fold, hiding_escapes
from tests.support import harmless, sensitive

CARD = "4111 1111 1111 1111"
PROSE = "Explain how a hash map works, in two short paragraphs, and why it is quick. " * 40
HARMLESS = [text for _, text in islice(harmless.drawn(), 300)]
ALL = compile_detectors((Detector(find=tuple(FINDERS), raise_to="restricted"),))


def chat(*texts: str, **options: Any) -> bytes:
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "m", "messages": messages}, **options).encode()


def found(body: bytes) -> set[str]:
    return {label.source for label in ALL.scan_body(body)}


class Whole:
    """Leaves nothing out."""

    def of(self, body: bytes) -> tuple[list[bytes], bool]:
        return [body], True


def found_in_all_of(body: bytes) -> set[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detectors_module, "excerpts", Whole)
        return found(body)


def test_of_most_bodies_nothing_is_left() -> None:
    assert excerpts().of(chat(PROSE))[0] == []


def test_around_what_may_be_something_as_much_is_kept_as_anybody_looks_at() -> None:
    body = chat(PROSE + CARD + PROSE)
    [part] = excerpts().of(body)[0]

    before, _, behind = part.partition(CARD.encode())
    assert REACH <= len(before) + len(CARD) < REACH + 32
    assert REACH <= len(behind) < REACH + 32
    assert part in body


def test_what_is_close_together_is_one_part() -> None:
    near, far = PROSE[:REACH], PROSE[: 4 * REACH]

    assert len(excerpts().of(chat(PROSE + CARD + near + CARD + PROSE))[0]) == 1
    assert len(excerpts().of(chat(PROSE + CARD + far + CARD + PROSE))[0]) == 2


def test_a_short_body_is_kept_as_it_is() -> None:
    body = chat(CARD)

    assert excerpts().of(body)[0] == [body]


def test_a_body_full_of_it_is_kept_as_it_is() -> None:
    body = chat(f"{CARD}; " * 1000)

    assert excerpts().of(body)[0] == [body]


def test_a_part_ends_where_the_body_does() -> None:
    body = chat("x" * 3000 + f" {CARD}")
    [part] = excerpts().of(body)[0]

    assert body.endswith(part)


@pytest.mark.parametrize("size", [REACH, 2000])
def test_nothing_that_has_no_space_is_cut(size: int) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9." + "eyJ" + "a" * size + "." + "b7" * 40
    [part] = excerpts().of(chat(f"{PROSE} {token} {PROSE}"))[0]

    assert token.encode() in part


@pytest.mark.parametrize("escape", ["\n", '"', "\\", "\t"])
def test_escapes_are_no_text_that_anybody_looks_at(escape: str) -> None:
    """So many octets are kept as say enough."""
    body = chat(f"{PROSE} phone {escape * 18}4155552671 {escape * 90} {PROSE}")
    [part] = excerpts().of(json.dumps([body.decode()]).encode())[0]

    assert b"phone" in part


@pytest.mark.parametrize("form", sensitive.FORMS, ids=[f"{form.kind}: {form.name}" for form in sensitive.FORMS])
def test_it_is_found_in_a_long_conversation_as_it_is_in_all_of_it(form: sensitive.Form) -> None:
    random = Random(f"{form.kind} {form.name} in a conversation")
    for _ in range(4):
        body = json.loads(sensitive.body(form, random))
        around = [[{"role": "user", "content": random.choice(HARMLESS)} for _ in range(4)] for _ in range(2)]
        body["messages"] = [*around[0], *body["messages"], *around[1]]
        sent = json.dumps(body, ensure_ascii=random.choice((True, False)), indent=random.choice((None, 2))).encode()

        in_parts, in_all = found(sent), found_in_all_of(sent)
        assert in_parts <= in_all, "all of it may be too dense, where its parts are not"
        assert f"detector {form.kind}" in in_parts or in_parts == in_all


PIECES = st.sampled_from(
    [
        *("4111", " 1111 1111", " 1111", "11", "-", "\u2013", "\uff0c", "&#52;", "%34", "\\u0034", "\u200b", "\n", '"'),
        *("DE89 3704", " 0044 0532 0130 00", "phone ", "415 555 2671", "my tel is", "123-45", "-6789", "ssn "),
        *("bob@", "example.com", "bob at example", " dot com", "password", " = ", "'hunter22!'", "token: ", "aB3" * 8),
        *("NDExMSAxMTEx", "IDExMTEgMTExMQ==", '","', '"},{"text":"', "x" * 300 + " ", PROSE[:400], PROSE[:180]),
    ]
)
TEXTS = st.lists(st.lists(PIECES, max_size=12).map("".join), min_size=1, max_size=5)


@given(texts=TEXTS, escaped=st.booleans(), nested=st.booleans(), spaced=st.booleans())
def test_in_the_parts_is_found_what_is_in_the_body(texts: list[str], escaped: bool, nested: bool, spaced: bool) -> None:
    body = chat(*texts, ensure_ascii=escaped, separators=None if spaced else (",", ":"))
    if nested:
        body = chat(body.decode(), ensure_ascii=escaped)
    looked_at = {kind for part in excerpts().of(body)[0] for kind in found(part)}

    assert found_in_all_of(body) == looked_at == found(body)


@given(bodies=st.lists(TEXTS, min_size=2, max_size=6), most=st.sampled_from([1, 3, 1000]))
def test_whatever_was_sent_before_nothing_else_is_found(bodies: list[list[str]], most: int) -> None:
    """Texts may be cut, turned and mixed anyhow: what is remembered is of all that was looked at, and of that alone."""
    memory = BoundedMemory(b"k" * 32, most)
    remembering = compile_detectors((Detector(find=tuple(FINDERS), raise_to="restricted"),), memory)
    pieces = [text for texts in bodies for text in texts]
    for texts in (*bodies, pieces, pieces[::-1], ["".join(pieces)], *bodies):
        body = chat(PROSE, *texts, PROSE)

        assert remembering.scan_body(body) == ALL.scan_body(body)


@given(text=st.text(max_size=40), random=st.randoms(use_true_random=False))
def test_what_says_something_in_base64_is_looked_at(text: str, random: Any) -> None:
    run = b64encode(random.choice((text.encode(errors="replace"), text.encode("latin-1", "replace")))).rstrip(b"=")
    if len(run) >= 15 and encodings.said(run):
        assert re.search(excerpts_module._SAYING_RUN, b" %b " % run, re.DOTALL)
        assert re.search(excerpts_module._SAYING_RUN, b'\\n%b"' % run, re.DOTALL)


@given(st.characters(exclude_categories=("Cs",)))
def test_a_character_that_stands_for_another_one_is_looked_at(char: str) -> None:
    """But for dashes and commas, which numbers and words look for themselves."""
    escaped = json.dumps(char)[1:-1].encode()
    if not char.isascii() and fold(char) != char and char not in "\u2013\u2014\u3001\uff0c\uff1b":
        assert re.search(HIDING_CHARACTERS, char)
        assert any(re.search(pattern, escaped) for pattern in hiding_escapes())


def test_an_escape_that_stands_for_itself_is_not() -> None:
    for char in "\u00e9\u0416\u4e2d\U0001f600\u2192":
        assert not any(re.search(pattern, json.dumps(char).encode()) for pattern in hiding_escapes())
    for char in "4a@\x00\x7f":
        escaped = b"\\u%04x" % ord(char)
        assert any(re.search(pattern, escaped) for pattern in hiding_escapes())
