from __future__ import annotations

import json
import tracemalloc

import pytest

from router.surfaces.long_json import MOST_ITEMS
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


def page_of_many(item: bytes, items: int) -> bytes:
    return b'{"data":[' + b",".join([item] * items) + b'],"has_more":false}'


@pytest.mark.parametrize(
    ("body", "looked_at"),
    [
        (page_of_many(b'{"id":"a"}', 10_001), 10_000),
        (page_of_many(b'{"id":"a","n":1,"m":2}', 200_000), MOST_ITEMS),
        (page_of_many(b"{}", 1_000_000), MOST_ITEMS),
    ],
    ids=["a page of all there is", "more than anybody asked for", "a page of nothing"],
)
def test_of_a_page_that_is_too_long_the_rest_is_for_the_next_one(body: bytes, looked_at: int) -> None:
    tracemalloc.start()
    page = page_in(body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert page is not None and len(page[0]) == looked_at and page[1], "it goes on behind the last of these"
    assert most < 3 * len(body) + 10_000_000


def test_a_page_that_is_full_of_objects_or_has_endless_ids_tells_nothing() -> None:
    assert page_in(page_of_many(b"{}", 2_000_000)) is None
    assert page_in(page_of_many(b'{"id":"%b"}' % (b"x" * 1000), 1)) == ([("", b'{"id":"%b"}' % (b"x" * 1000))], False)


def test_of_a_page_that_is_full_of_other_things_these_are_left_out() -> None:
    full = b'{"data":[{"id":"a"}],%b"x":1}' % b"".join(b'"%d":1,' % n for n in range(200_001))
    made = json.loads(page_of(full, [("a", b'{"id":"a"}')], more=False))
    assert made == {"object": "list", "data": [{"id": "a"}], "first_id": "a", "last_id": "a", "has_more": False}
