from __future__ import annotations

import json

import pytest

from router.surfaces.openai.kept.listing import page_in, page_of

PAGE = b'{"object":"list","data":[{"id":"a","n":1.50},{"id": "b"}],"first_id":"a","last_id":"b","has_more":true,"x":1}'


def test_a_page_is_read_with_its_items_as_they_came() -> None:
    assert page_in(PAGE) == ([("a", b'{"id":"a","n":1.50}'), ("b", b'{"id": "b"}')], True)
    assert page_in(b'{"data":[{"id":"a"},{}]}') == ([("a", b'{"id":"a"}'), ("", b"{}")], False)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[1]}', b'{"data":"a"}', b"[" * 100_000])
def test_what_is_no_page_is_none(body: bytes) -> None:
    assert page_in(body) is None


def test_a_page_of_some_has_all_else_as_it_came() -> None:
    page = json.loads(page_of(PAGE, [("b", b'{"id": "b"}')], more=False))
    assert page == {"object": "list", "data": [{"id": "b"}], "first_id": "b", "last_id": "b", "has_more": False, "x": 1}
    empty = json.loads(page_of(PAGE, [], more=False))
    assert (empty["data"], empty["first_id"], empty["last_id"]) == ([], None, None)
    assert json.loads(page_of(b'{"data":[]}', [], more=True)) == {"data": [], "has_more": True}
