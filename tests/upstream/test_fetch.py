from __future__ import annotations

import asyncio
import gzip

import pytest
from support.scripted import answer, drip, raw, silence

from router.core.resilience.retry import Fault
from router.upstream import fetch as fetching
from router.upstream.errors import UpstreamError
from router.upstream.fetch import fetch


async def test_an_answer_is_read_whole_and_its_connection_kept(pool, backend):
    backend.default = answer(200, b"fine")
    for _ in range(2):
        assert await fetch(pool, "/health", 5.0) == (200, b"fine")
    assert len(backend.writers) == 1 and pool.busy == 0
    assert backend.requests[0]["path"] == "/health"


async def test_an_error_is_an_answer(pool, backend):
    backend.default = answer(503, b"no")
    assert await fetch(pool, "/health", 5.0) == (503, b"no")


TROUBLES = {
    "silence": (silence(), Fault.FIRST_BYTE_TIMEOUT),
    "a closed connection": (raw(b""), Fault.RESET_BEFORE_HEAD),
    "garbage": (raw(b"\x00\x01\r\n"), Fault.BAD_RESPONSE),
    "an answer that is too large": (answer(200, b"x" * 200), Fault.BAD_RESPONSE),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_troubles_are_told_and_leave_nothing_behind(pool, backend, monkeypatch, trouble):
    monkeypatch.setattr(fetching, "MAX_BYTES", 100)
    backend.default, fault = TROUBLES[trouble]
    with pytest.raises(UpstreamError) as caught:
        await fetch(pool, "/health", 0.2)
    assert caught.value.fault is fault
    assert pool.busy == 0 and pool.take_idle() is None


HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "a head": (drip(HEAD, b"x-more: " + b"x" * 1000 + b"\r\n", 0), Fault.BAD_RESPONSE),
    "promises": (drip(b"", b"HTTP/1.1 100 Continue\r\nx-more: y\r\n\r\n", 0), Fault.BAD_RESPONSE),
    "a body": (drip(HEAD + b"\r\n", b"x" * 10_000, 0), Fault.BAD_RESPONSE),
    "chunks": (drip(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000, 0), Fault.BAD_RESPONSE),
    "a byte at a time": (drip(HEAD + b"content-length: 1000\r\n\r\n", b"x"), Fault.FIRST_BYTE_TIMEOUT),
}


@pytest.mark.parametrize(("behaviour", "fault"), ENDLESS.values(), ids=ENDLESS.keys())
async def test_what_does_not_end_is_left(pool, backend, monkeypatch, behaviour, fault):
    monkeypatch.setattr(fetching, "MAX_BYTES", 100_000)
    backend.default = behaviour
    with pytest.raises(UpstreamError) as caught:
        await fetch(pool, "/health", 1.0 if fault is Fault.FIRST_BYTE_TIMEOUT else 60.0)
    assert caught.value.fault is fault
    assert pool.busy == 0 and pool.take_idle() is None


async def test_connecting_is_part_of_the_time(pool, backend, monkeypatch):
    backend.default, connect, loop = silence(), pool.connect, asyncio.get_running_loop()
    sent: list[float] = []

    async def slowly(timeout: float):
        await asyncio.sleep(0.3)
        connection = await connect(timeout)
        monkeypatch.setattr(connection, "send", lambda *sending: sent.append(sending[4]), raising=True)
        return connection

    monkeypatch.setattr(pool, "connect", slowly)
    began = loop.time()
    with pytest.raises(UpstreamError):
        await fetch(pool, "/health", 0.5)
    assert sent == [pytest.approx(began + 0.5, abs=0.1)]


async def test_what_is_elsewhere_or_compressed_is_told_as_it_came(pool, backend):
    small = gzip.compress(b"x" * 1_000_000)
    backend.default = answer(302, b"", "location: http://127.0.0.1:1/\r\n")
    assert await fetch(pool, "/health", 5.0) == (302, b"")
    backend.default = answer(200, small, "content-encoding: gzip\r\n")
    assert await fetch(pool, "/health", 5.0) == (200, small)
    assert len(backend.requests) == 2


async def test_a_probe_that_is_cancelled_closes_its_connection(pool, backend):
    backend.default = silence()
    task = asyncio.create_task(fetch(pool, "/health", 9.0))
    await backend.asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert pool.busy == 0
    await asyncio.wait_for(backend.left.wait(), 5)
