"""Server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from support.control import ADMIN, API, VIEWER
from support.waiting import until

from router.admin.errors import ApiError
from router.admin.sources.interface import Page, Sources
from router.admin.views import live_events as live
from router.admin.views.live_events import END, LATER, MOST_OF_ONE, MOST_WAITING, Live
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import Record

BROKEN = "version: 1\n"


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    monkeypatch.setattr(live, "POLL_SECONDS", 0.01)


@asynccontextmanager
async def stream(plane, headers: dict[str, str] | None = None) -> AsyncIterator[AsyncIterator[tuple[str, object]]]:
    sent = headers or {"authorization": f"Bearer {VIEWER}"}
    async with plane.client.get(plane.url + "/api/events", headers=sent) as response:
        assert response.status == 200 and response.headers["content-type"] == "text/event-stream"
        yield events(response)


async def events(response) -> AsyncIterator[tuple[str, object]]:
    name = ""
    async for line in response.content:
        field, _, value = line.decode().strip().partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


async def first(stream, wanted: str, holds=lambda data: True):
    async with asyncio.timeout(10):
        async for name, data in stream:
            if name == wanted and holds(data):
                return data
    raise AssertionError(f"the stream ended without {wanted}")


async def test_new_totals_arrive(plane, settle):
    async with stream(plane) as told:
        assert (await first(told, "totals"))["total"]["requests"] == 0
        await settle(API, cost=400)
        totals = await first(told, "totals", lambda data: data["total"]["requests"])
        assert totals["day"] == "2026-11-25" and totals["total"]["cost_micro_usd"] == 400
        assert totals["today_tokens"] == 107


async def test_the_result_of_a_reload_arrives(plane):
    async with stream(plane) as told:
        assert (await first(told, "policy"))["reload"]["adopted"]
        plane.policy.write_text(BROKEN)
        for _ in range(2):
            await asyncio.to_thread(plane.control.desk.look)
        reload = (await first(told, "policy", lambda data: not data["reload"]["adopted"]))["reload"]
        assert reload["problems"]


async def test_new_requests_arrive(start):
    class Growing:
        available = True
        records: list[Record] = []

        async def page(self, query):
            return Page(list(self.records))

    growing = Growing()
    plane = await start(Sources(records=growing))
    async with stream(plane) as told:
        assert await first(told, "requests") == []
        growing.records = [Record(kind="settled", id="1", at=1.0, key="app", team="t", model="m")]
        assert [each["id"] for each in await first(told, "requests", bool)] == ["1"]


async def test_what_cannot_be_read_is_said_and_the_rest_goes_on(start, settings):
    class Lost:
        available = True

        async def page(self, query):
            raise LedgerUnavailable("records are gone")

    async with stream(await start(Sources(records=Lost()))) as told:
        assert (await first(told, "notice"))["message"] == "records are gone"
    lost = msgspec.structs.replace(settings, redis="unix:///nowhere/valkey.sock")
    async with stream(await start(given=lost)) as told:
        assert not (await first(told, "backends"))["ledger"]["available"]
        assert "ledger cannot be read" in (await first(told, "notice"))["message"]


async def test_a_second_page_begins_with_the_present(plane):
    async with stream(plane) as one:
        await first(one, "totals")
        async with stream(plane) as other:
            assert await first(other, "backends")


async def test_a_page_that_signed_out_is_told_no_more(plane):
    page = await plane.sign_in()
    csrf = (await plane.ask("GET", "/api/session", headers=page)).json["csrf"]
    async with stream(plane, page) as told:
        await first(told, "totals")
        await plane.ask("POST", "/sign-out", headers=page | {"x-csrf-token": csrf})
        plane.control.live.tell({"wake": 1})
        async with asyncio.timeout(10):
            async for _ in told:
                pass


async def test_nobody_is_polled_for_when_nobody_looks(plane):
    async with stream(plane) as told:
        await first(told, "totals")
    await until(lambda: plane.control.live._polling is None)


async def test_streams_end_when_the_process_stops(plane):
    async with stream(plane) as told:
        await first(told, "totals")
        plane.control.live.end()
        async with asyncio.timeout(10):
            async for _ in told:
                pass
    assert (await plane.get("/api/events", ADMIN)).code == "ending"


async def test_only_changes_are_told(plane):
    told = Live()
    queue = told.join(plane.control, "somebody")
    told.tell({"a": 1})
    told.tell({"a": 1})
    told.tell({"a": 2})
    assert [queue.get_nowait() for _ in range(queue.qsize())] == [
        b"event: a\ndata: 1\n\n",
        b"event: a\ndata: 2\n\n",
    ]
    told.end()


async def test_a_page_that_does_not_keep_up_is_let_go(plane):
    told = Live()
    queue = told.join(plane.control, "somebody")
    for number in range(MOST_WAITING + 1):
        told.tell({"a": number})
    assert queue.get_nowait() == live.END and queue.empty()
    told.leave(queue)


def given(queue) -> list[bytes]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_the_oldest_page_of_a_session_gives_way_and_does_not_come_back_at_once(plane):
    told = Live()
    pages = [told.join(plane.control, "somebody") for _ in range(MOST_OF_ONE)]
    other = told.join(plane.control, "somebody else")
    newest = told.join(plane.control, "somebody")
    assert given(pages[0])[-2:] == [LATER, END]
    assert all(END not in given(page) for page in (*pages[1:], other, newest))
    told.leave(newest)
    told.join(plane.control, "somebody")
    assert END not in given(pages[1])
    told.end()


async def test_with_too_many_in_all_those_who_have_most_give_way(plane, monkeypatch):
    monkeypatch.setattr(live, "MOST_STREAMS", 4)
    told = Live()
    many = [told.join(plane.control, "many") for _ in range(3)]
    few = told.join(plane.control, "few")
    told.join(plane.control, "new")
    assert given(many[0])[-1] == END and END not in given(many[1]) and END not in given(few)
    told.end()
    with pytest.raises(ApiError):
        told.join(plane.control, "late")


async def test_a_session_is_one_owner_and_a_token_is_one_at_each_address(plane, monkeypatch):
    monkeypatch.setattr(live, "MOST_OF_ONE", 1)
    async with stream(plane) as older, stream(plane, await plane.sign_in()) as page, stream(plane) as newer:
        async with asyncio.timeout(10):
            async for _ in older:
                pass
        await first(newer, "totals")
        await first(page, "totals")
