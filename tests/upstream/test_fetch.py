from __future__ import annotations

import asyncio

import pytest
from support.scripted import answer, raw, silence

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


async def test_a_probe_that_is_cancelled_closes_its_connection(pool, backend):
    backend.default = silence()
    task = asyncio.create_task(fetch(pool, "/health", 9.0))
    await backend.asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert pool.busy == 0
    await asyncio.wait_for(backend.left.wait(), 5)
