import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.sensitivity.prefilter import ADDRESSES, EVERYTHING, HIDDEN, NUMBERS, SECRETS, glance


@pytest.mark.parametrize(
    ("text", "clues"),
    [
        ("Explain how a hash map works in two short paragraphs.", 0),
        ("gpt-4 costs 3.5 (of 100%) & more; parallel_tool_calls", 0),
        ("4111 1111 1111 1111", NUMBERS),
        ("4111\n1111\t1111\r\n1111", NUMBERS),
        ("The Password is", SECRETS | ADDRESSES),
        ("PWD=", SECRETS | ADDRESSES),
        ("bob [at] example", SECRETS | ADDRESSES),
        ("bob (AT) example", SECRETS | ADDRESSES),
        ("bob at example dot com", SECRETS | ADDRESSES),
        ("-----BEGIN PRIVATE KEY-----", SECRETS | ADDRESSES),
        ("Authorization: Basic", SECRETS | ADDRESSES),
        ("bob@example.com", ADDRESSES),
        ("http://bob:secret@example.com", ADDRESSES | SECRETS),
        ("sk_live_aB3aB3aB3aB3aB3", SECRETS),
        ("x%20y", HIDDEN),
        ("a &lt; b", HIDDEN),
        ("Ym9iQGV4YW1wbGUuY29t", HIDDEN | SECRETS),
        ("x\nYm9iQGV4YW1wbGUuY29t", HIDDEN | SECRETS),
        ("x\\dm9iQGV4YW1wbGUuY29t", HIDDEN | SECRETS),
        ("\u00e9", EVERYTHING),
        ("\b", EVERYTHING),
    ],
)
def test_clues(text: str, clues: int) -> None:
    assert glance(json.dumps([f"x {text} x"]).encode(), EVERYTHING) == clues


def test_a_number_may_go_on_in_the_next_string() -> None:
    assert glance(b'["a 41", "11"]', EVERYTHING) == HIDDEN
    assert glance(b'["a 41 ", "- 11"]', EVERYTHING) == HIDDEN
    assert glance(rb'["[\"a 41\", \"11\"]"]', EVERYTHING) == HIDDEN
    assert glance(b'["a 41", "b 11"]', EVERYTHING) == 0


def test_only_what_is_sought_is_looked_for() -> None:
    assert glance(b'["the password is"]', NUMBERS) == 0


@given(st.text(st.sampled_from('4 -\n"\\u0(')))
def test_less_text_gives_no_further_clues_of_numbers(text: str) -> None:
    """What is in a text is in all that contains it."""
    body = json.dumps([text]).encode()

    assert glance(body, EVERYTHING) & NUMBERS <= glance(json.dumps([text + "444444444"]).encode(), EVERYTHING) & NUMBERS
