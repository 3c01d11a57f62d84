"""Many pages, one poller."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st

from router.admin.errors import ApiError
from router.admin.views import live_streams
from router.admin.views.live_streams import AT_ONCE, END, FULL, LATER_MS, MOST_OF_ONE, MOST_WAITING, RETRY_MS, Live


async def nothing() -> dict[str, object]:
    return {}


async def test_only_changes_are_told():
    told = Live()
    queue = told.join("somebody", nothing)
    told.tell({"a": 1})
    told.tell({"a": 1})
    told.tell({"a": 2})
    assert given(queue)[1:] == [b"event: a\ndata: 1\n\n", b"event: a\ndata: 2\n\n"]
    told.end()


async def test_what_is_new_at_once_is_told_in_one_piece_and_so_is_the_present():
    told = Live()
    queue = told.join("somebody", nothing)
    told.tell({"a": 1, "b": 2})
    told.tell({"a": 1, "b": 3, "c": 4})
    pieces = [b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", b"event: b\ndata: 3\n\nevent: c\ndata: 4\n\n"]
    assert given(queue)[1:] == pieces
    (present,) = given(told.join("somebody else", nothing))
    assert present.endswith(b"\n\nevent: a\ndata: 1\n\nevent: b\ndata: 3\n\nevent: c\ndata: 4\n\n")
    told.end()


def retry_of(piece: bytes) -> int:
    (line,) = (line for line in piece.split(b"\n") if line.startswith(b"retry: "))
    return int(line.removeprefix(b"retry: "))


async def test_pages_that_were_cut_off_together_come_back_one_after_another():
    told = Live()
    times = [retry_of(given(told.join(f"{number}", nothing))[0]) for number in range(200)]
    assert min(times) >= RETRY_MS and max(times) <= 2 * RETRY_MS and len(set(times)) > 100
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
    last, end = given(pages[0])[-2:]
    assert end == END and LATER_MS <= retry_of(last) <= 2 * LATER_MS
    assert json.loads(last.split(b"data: ")[1].split(b"\n")[0]) == {"message": FULL} and b"event: notice\n" in last
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


async def test_many_pages_are_told_a_part_in_each_turn_and_all_in_order():
    told = Live()
    pages = [told.join(f"session-{number}", nothing) for number in range(3 * AT_ONCE)]
    for page in pages:
        given(page)
    told.tell({"a": 1})
    told.tell({"a": 2})
    assert [page.qsize() for page in pages] == [2] * AT_ONCE + [0] * 2 * AT_ONCE
    told.leave(pages[-1])
    for _ in range(2):
        await asyncio.sleep(0)
    assert all(given(page) == [b"event: a\ndata: 1\n\n", b"event: a\ndata: 2\n\n"] for page in pages[:-1])
    assert pages[-1].empty()
    told.end()


OWNERS = [f"session-{number}" for number in range(9)]


@given_(st.lists(st.tuples(st.sampled_from(OWNERS), st.booleans()), max_size=120), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_nobody_is_left_without_a_page_while_there_are_fewer_sessions_than_pages_may_be_open(steps, most):
    """Each step opens a page of a session, or closes its oldest one that is open."""

    async def run() -> None:
        told = Live()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(live_streams, "MOST_STREAMS", most)
            sessions: set[str] = set()
            for owner, opens in steps:
                if opens:
                    told.join(owner, nothing)
                    sessions.add(owner)
                elif owner in told._pages.values():
                    told.leave(next(page for page, whose in told._pages.items() if whose == owner))
                    sessions &= set(told._pages.values())
                assert len(told._pages) <= most
                if len(sessions) <= most:
                    assert set(told._pages.values()) == sessions
                sessions &= set(told._pages.values())
                assert max(Counter(told._pages.values()).values(), default=0) <= MOST_OF_ONE
        told.end()

    asyncio.run(run())


async def test_with_more_sessions_than_pages_each_has_its_turn(monkeypatch):
    monkeypatch.setattr(live_streams, "MOST_STREAMS", 3)
    told = Live()
    for owner in "abcde":
        told.join(owner, nothing)
    assert list(told._pages.values()) == ["c", "d", "e"]
    told.join("a", nothing)
    assert list(told._pages.values()) == ["d", "e", "a"]
    told.end()
