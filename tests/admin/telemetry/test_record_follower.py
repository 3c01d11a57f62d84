"""Following the records: from now on, over losses of the ledger, and whatever a listener does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.waiting import until

from router.admin.telemetry import record_follower as module
from router.admin.telemetry.record_follower import Follower, Past
from router.core.values import RequestOutcome
from router.ledger.record import Record, batch_blob, pack_refused
from router.ledger.server.embedded import EmbeddedServer


class Heard:
    def __init__(self) -> None:
        self.requests: list[str] = []

    def hear(self, record: Record) -> None:
        self.requests.append(record.request)


class Broken:
    def hear(self, record: Record) -> None:
        raise RuntimeError("a defect")


def write(valkey, *requests: str) -> None:
    packed = [
        pack_refused(at=1.0, key="k", team="t", model="m", course=RequestOutcome(reason="r", status=400, request=r))
        for r in requests
    ]
    valkey.xadd("be:{ledger}:requests", {"n": len(packed), "b": batch_blob(packed)})


@asynccontextmanager
async def following(url: str, *listeners, **options) -> AsyncIterator[Follower]:
    follower = Follower(url, listeners, **options)
    running = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_is_written_from_now_on_in_order(valkey, session_valkey):
    write(valkey, "before")
    heard = Heard()
    async with following(session_valkey, heard) as follower:
        await follower.reading.wait()
        write(valkey, "one", "two")
        write(valkey, "three")
        await until(lambda: len(heard.requests) == 3)
    assert heard.requests == ["one", "two", "three"]


async def test_a_listener_that_fails_is_not_the_others_problem(valkey, session_valkey, caplog):
    heard = Heard()
    async with following(session_valkey, Broken(), heard) as follower:
        await follower.reading.wait()
        write(valkey, "one")
        write(valkey, "two")
        await until(lambda: len(heard.requests) == 2)
    assert "a record was not taken" in caplog.text


async def test_a_ledger_that_was_away_is_followed_where_it_was_left(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.05)
    from valkey import Valkey

    heard, server = Heard(), EmbeddedServer(tmp_path)
    url = server.start()
    try:
        async with following(url, heard) as follower:
            await follower.reading.wait()
            with Valkey.from_url(url) as client:
                write(client, "one")
                await until(lambda: heard.requests == ["one"])
            server.stop()
            await until(lambda: "not followed until the ledger is back" in caplog.text)
            server.start()
            with Valkey.from_url(url) as client:
                write(client, "two")
            await until(lambda: heard.requests == ["one", "two"])
    finally:
        server.stop()
    assert caplog.text.count("not followed until the ledger is back") == 1


async def test_without_listeners_nothing_is_followed():
    await asyncio.wait_for(Follower("unix:///nowhere.sock", []).run(), 60)


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x91\x01"])
async def test_an_entry_of_another_form_is_passed_over(garbage, valkey, session_valkey):
    heard = Heard()
    async with following(session_valkey, heard) as follower:
        await follower.reading.wait()
        valkey.xadd("be:{ledger}:requests", {"n": 1, "b": garbage})
        write(valkey, "one")
        await until(lambda: heard.requests == ["one"])


async def test_what_looks_back_is_told_of_the_last_minutes_once(valkey, session_valkey):
    now = time.time()
    for request, ago in (("long ago", 500), ("lately", 50), ("just now", 1)):
        packed = pack_refused(
            at=1.0, key="k", team="t", model="m", course=RequestOutcome(reason="r", status=400, request=request)
        )
        entry = {"n": 1, "b": batch_blob([packed])}
        valkey.xadd("be:{ledger}:requests", entry, id=f"{int((now - ago) * 1000)}-1")
    heard, recalled = Heard(), Heard()
    async with following(session_valkey, heard, past=Past(100, recalled.hear)) as follower:
        await follower.reading.wait()
        write(valkey, "new")
        await until(lambda: heard.requests == ["new"])
    assert recalled.requests == ["lately", "just now"]


async def test_of_a_flood_only_some_is_heard_and_then_what_comes_next(valkey, session_valkey):
    heard = Heard()
    async with following(session_valkey, heard, most=50) as follower:
        await follower.reading.wait()
        with valkey.pipeline() as pipe:
            for n in range(400):
                write(pipe, *(f"{n}.{i}" for i in range(10)))
            pipe.execute()
        await until(lambda: len(heard.requests) > 50)

        def comes_through() -> bool:
            write(valkey, "later")
            return "later" in heard.requests

        await until(comes_through)
    assert len([request for request in heard.requests if request != "later"]) < 4000
