"""What a path and a query say, however they are spelled."""

from __future__ import annotations

import json

import pytest

from router.gateway.request_target import MOST_DECODED, ids_in, said, spellings


def test_a_query_is_read_as_it_was_sent_and_decoded_level_by_level():
    assert spellings("") == [""]
    assert spellings("note=a+b%2541") == ["note=a+b%2541", "note=a b%41", "note=a bA"]
    assert len(spellings("%2525252525252541")) == 1 + MOST_DECODED


@pytest.mark.parametrize(
    "query",
    [
        "after=file-1",
        "after[]=file-1",
        "%61fter=%66ile-1",
        "after=%2566ile-1",
        "x=a,file-1",
        "file-1",
        "x=%20file-1%20",
    ],
)
def test_ids_are_found_at_any_place(query):
    found = ids_in(("vs_1", "file-2"), query)
    assert found[:2] == ["vs_1", "file-2"] and "file-1" in found


def test_what_somebody_may_have_written_is_a_text():
    assert said((), "", (), ()) == b""
    assert said((), "", ("",), ()) == b""
    assert json.loads(said(("4111",), "", ("beta",), ())) == ["4111", "beta"]
    assert json.loads(said((), "a=%34&b", (), ())) == ["4", "a=%34&b", "a=4&b"]


def test_known_ids_say_nothing():
    assert said(("vs_4111",), "", (), {"vs_4111": 0}) == b""
    assert "vs_4111" not in said(("vs_4111", "x"), "after=vs_4111", (), {"vs_4111": 0}).decode()
