"""Server-sent events."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import msgspec
import pytest
from support.control import ADMIN, API, VIEWER
from support.waiting import until

from router.admin.sources.interface import Page, Sources
from router.admin.views import live_events, live_streams
from router.admin.views.live_streams import FULL, MOST_OF_ONE
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import Record

BROKEN = "version: 1\n"


@pytest.fixture(autouse=True)
def _eager(monkeypatch):
    monkeypatch.setattr(live_streams, "POLL_SECONDS", 0.01)


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


async def test_a_session_is_one_owner_and_a_token_is_one_at_each_address(plane, monkeypatch):
    monkeypatch.setattr(live_streams, "MOST_OF_ONE", 1)
    async with stream(plane) as older, stream(plane, await plane.sign_in()) as page, stream(plane) as newer:
        async with asyncio.timeout(10):
            async for _ in older:
                pass
        await first(newer, "totals")
        await first(page, "totals")


async def test_a_page_that_reads_no_more_is_let_go(plane, monkeypatch):
    """Its connection is open, and nothing more fits into it."""
    monkeypatch.setattr(live_events, "SLOWEST_SECONDS", 0.05)
    host, port = plane.url.removeprefix("http://").split(":")
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.to_thread(stalled.connect, (host, int(port)))
        stalled.sendall(f"GET /api/events HTTP/1.1\r\nhost: {host}:{port}\r\n".encode())
        stalled.sendall(f"authorization: Bearer {VIEWER}\r\n\r\n".encode())
        await until(lambda: plane.control.live._pages)
        plane.control.live.tell({"much": "x" * 2_000_000})
        await until(lambda: not plane.control.live._pages)
        assert plane.control.live._polling is None
        assert await asyncio.to_thread(received, stalled) < 2_000_000


def received(connection: socket.socket) -> int:
    """Bytes until the connection's end."""
    number = 0
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            number += len(data)
    return number


async def test_a_thousand_pages_stall_nobody_and_leave_nothing_behind(plane, monkeypatch):
    """Of 125 people with eight each. Beyond what is kept open at once older ones give way, and come back later."""
    monkeypatch.setattr(live_streams, "POLL_SECONDS", 0.5)
    monkeypatch.setattr(live_streams, "MOST_STREAMS", 512)
    live, connector = plane.control.live, aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client,
        asyncio.timeout(120),
    ):
        opened = []
        for number in range(1000 // MOST_OF_ONE):
            cookie = {"cookie": plane.session_of("viewer", f"viewer-{number}")}
            pages = (client.get(plane.url + "/api/events", headers=cookie) for _ in range(MOST_OF_ONE))
            opened += await asyncio.gather(*pages)
        assert [page.status for page in opened] == [200] * 1000
        open_by = Counter(live._pages.values())
        assert len(open_by) == 125 and sum(open_by.values()) == 512 and max(open_by.values()) <= MOST_OF_ONE
        reading = [asyncio.create_task(page.read()) for page in opened[:MOST_OF_ONE]]
        ended, others = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
        assert all(FULL.encode() in told.result() and b"\nretry: " in told.result() for told in ended)
        live.tell({"news": 1})
        assert (await plane.get("/api/spend")).status == 200
        for told in others:
            told.cancel()
        for page in opened:
            page.close()
        await until(lambda: not live._pages and live._polling is None, 60)
        assert (await plane.get("/api/session")).status == 200
