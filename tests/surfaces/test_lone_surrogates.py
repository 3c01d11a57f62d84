from __future__ import annotations

import json

import pytest

from router.surfaces.lone_surrogates import without_surrogates


@pytest.mark.parametrize("text", [b'{"a": "\\ud83d"}', b'{"a": "\\uDE00 b", "c": "\\ud83d\\ude00"}'])
def test_half_a_character_can_be_read(text):
    told = without_surrogates(text)
    assert json.loads(told)["a"].startswith("\ufffd") and len(told) == len(text)


def test_what_has_none_is_itself():
    text = '{"a": "é \\u00e9 🙂"}'.encode()
    assert without_surrogates(text) is text
