import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.finders.finder import ADDRESSES, ALWAYS, NUMBERS, RUNS, SIGNS, WORDS
from router.core.sensitivity.prefilter import EVERYTHING, HIDDEN, glance


@pytest.mark.parametrize(
    ("text", "clues"),
    [
        ("Explain how a hash map works in two short paragraphs.", 0),
        ("gpt-4 costs 3.5 (of 100%) & more; parallel_tool_calls", 0),
        ("4111 1111 1111 1111", NUMBERS),
        ("4111\n1111\t1111\r\n1111", NUMBERS),
        ("The Password is", WORDS),
        ("PWD=", WORDS),
        ("bob [at] example", WORDS),
        ("bob (AT) example", WORDS),
        ("bob at example dot com", WORDS),
        ("-----BEGIN PRIVATE KEY-----", WORDS),
        ("Authorization: Basic", WORDS),
        ("bob@example.com", SIGNS),
        ("http://bob:secret@example.com", SIGNS | ADDRESSES),
        ("sk_live_aB3aB3aB3aB3aB3", RUNS),
        ("x%20y", HIDDEN),
        ("a &lt; b", HIDDEN),
        ("Ym9iQGV4YW1wbGUuY29t", HIDDEN | RUNS),
        ("x\nYm9iQGV4YW1wbGUuY29t", HIDDEN | RUNS),
        ("x\\dm9iQGV4YW1wbGUuY29t", HIDDEN | RUNS),
        ("\u00e9", EVERYTHING),
        ("\b", EVERYTHING),
    ],
)
def test_clues(text: str, clues: int) -> None:
    assert glance(json.dumps([f"x {text} x"]).encode(), EVERYTHING) == clues | ALWAYS


def test_a_number_may_go_on_in_the_next_string() -> None:
    assert glance(b'["a 41", "11"]', EVERYTHING) == HIDDEN | ALWAYS
    assert glance(b'["a 41 ", "- 11"]', EVERYTHING) == HIDDEN | ALWAYS
    assert glance(rb'["[\"a 41\", \"11\"]"]', EVERYTHING) == HIDDEN | ALWAYS
    assert glance(b'["a 41", "b 11"]', EVERYTHING) == ALWAYS


def test_only_what_is_sought_is_looked_for() -> None:
    assert glance(b'["the password is"]', NUMBERS) == ALWAYS


@given(st.text(st.sampled_from('4 -\n"\\u0(')))
def test_less_text_gives_no_further_clues_of_numbers(text: str) -> None:
    """What is in a text is in all that contains it."""
    body = json.dumps([text]).encode()

    assert glance(body, EVERYTHING) & NUMBERS <= glance(json.dumps([text + "444444444"]).encode(), EVERYTHING) & NUMBERS


@pytest.mark.parametrize("word", [word for finder in FINDERS.values() for word in finder.words])
def test_the_words_that_finders_name_are_seen_in_any_case(word: bytes) -> None:
    for written in (word, word.upper(), word.title()):
        assert glance(b'["a %b b"]' % written, EVERYTHING) & WORDS


def test_a_word_is_seen_as_a_whole() -> None:
    assert glance(b'["dotted passages (attic) authors"]', EVERYTHING) & WORDS
    assert not glance(b'["dotted pa ssages (attic) authors"]', EVERYTHING) & WORDS


def test_a_text_may_begin_with_a_run() -> None:
    assert glance(b"sk_live_aB3aB3aB3aB3aB3", EVERYTHING) == RUNS | ALWAYS
