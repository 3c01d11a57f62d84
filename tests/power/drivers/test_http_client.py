from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from router.power.drivers import http_client
from router.power.drivers.http_client import HttpClient, NoAnswerError, Refused


async def answer(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/elsewhere":
            return web.Response(status=302, headers={"location": "/"})
        case "/never":
            await asyncio.sleep(600)
        case "/long":
            return web.Response(body=b"x" * 5000)
    body = await request.read()
    return web.Response(body=request.method.encode() + b" " + body, headers={"X-Kind": "Test"})


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()
    await client.close()


async def test_an_answer_is_told_as_it_is(url: str, client: HttpClient) -> None:
    answered = await client.ask("PATCH", f"{url}/", 10, body=b"{}")
    assert (answered.status, answered.body, answered.headers["x-kind"]) == (200, b"PATCH {}", "Test")


async def test_nobody_is_followed(url: str, client: HttpClient) -> None:
    assert (await client.ask("GET", f"{url}/elsewhere", 10)).status == 302


async def test_no_proxy_of_the_environment_is_used(
    url: str, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await client.ask("GET", f"{url}/", 10)).status == 200


async def test_what_is_too_long_is_cut_off(url: str, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "MOST_BYTES", 1000)
    assert (await client.ask("GET", f"{url}/long", 10)).body == b"x" * 1000


async def test_what_does_not_answer_says_why(url: str, client: HttpClient) -> None:
    with pytest.raises(NoAnswerError, match=r"no answer within 0\.1 s"):
        await client.ask("GET", f"{url}/never", 0.1)
    with pytest.raises(Refused, match="no connection: "):
        await client.ask("GET", "http://127.0.0.1:9/", 10)
    with pytest.raises(NoAnswerError, match="the connection was lost"):
        await client.ask("GET", "http://[::1", 10)
