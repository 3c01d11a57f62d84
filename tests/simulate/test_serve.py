from __future__ import annotations

import asyncio
import os
import signal

import aiohttp
import pytest
from aiohttp import web

from router.simulate.serve import serve, serve_until_stopped


def application() -> web.Application:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def said(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as got:
        return await got.text()


async def test_it_serves_on_a_free_port_until_the_block_ends() -> None:
    async with serve(application()) as url:
        assert url.startswith("http://127.0.0.1:") and await said(url) == "hello"
    with pytest.raises(aiohttp.ClientConnectorError):
        await said(url)


async def test_a_taken_port_is_an_error() -> None:
    async with serve(application()) as url:
        with pytest.raises(OSError, match="in use"):
            async with serve(application(), port=int(url.rpartition(":")[2])):
                pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(number: signal.Signals) -> None:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_until_stopped(application(), "127.0.0.1", 0, ready.set_result))
    assert await said(await asyncio.wait_for(ready, 10)) == "hello"
    os.kill(os.getpid(), number)
    await asyncio.wait_for(task, 10)


async def test_it_ends_with_the_process_that_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([4711, 4711])
    monkeypatch.setattr("router.simulate.serve.os.getppid", lambda: next(parents, 1))
    await asyncio.wait_for(serve_until_stopped(application(), "127.0.0.1", 0, lambda url: None), 10)
