"""Many pages, one poller."""

from __future__ import annotations

import pytest

from router.admin.errors import ApiError
from router.admin.views import live_streams
from router.admin.views.live_streams import END, LATER, MOST_OF_ONE, MOST_WAITING, Live


async def nothing() -> dict[str, object]:
    return {}


async def test_only_changes_are_told():
    told = Live()
    queue = told.join("somebody", nothing)
    told.tell({"a": 1})
    told.tell({"a": 1})
    told.tell({"a": 2})
    assert [queue.get_nowait() for _ in range(queue.qsize())] == [
        b"event: a\ndata: 1\n\n",
        b"event: a\ndata: 2\n\n",
    ]
    told.end()


async def test_a_page_that_does_not_keep_up_is_let_go():
    told = Live()
    queue = told.join("somebody", nothing)
    for number in range(MOST_WAITING + 1):
        told.tell({"a": number})
    assert queue.get_nowait() == END and queue.empty()
    told.leave(queue)


def given(queue) -> list[bytes]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_the_oldest_page_of_a_session_gives_way_and_does_not_come_back_at_once():
    told = Live()
    pages = [told.join("somebody", nothing) for _ in range(MOST_OF_ONE)]
    other = told.join("somebody else", nothing)
    newest = told.join("somebody", nothing)
    assert given(pages[0])[-2:] == [LATER, END]
    assert all(END not in given(page) for page in (*pages[1:], other, newest))
    told.leave(newest)
    told.join("somebody", nothing)
    assert END not in given(pages[1])
    told.end()


async def test_with_too_many_in_all_those_who_have_most_give_way(monkeypatch):
    monkeypatch.setattr(live_streams, "MOST_STREAMS", 4)
    told = Live()
    many = [told.join("many", nothing) for _ in range(3)]
    few = told.join("few", nothing)
    told.join("new", nothing)
    assert given(many[0])[-1] == END and END not in given(many[1]) and END not in given(few)
    told.end()
    with pytest.raises(ApiError):
        told.join("late", nothing)
