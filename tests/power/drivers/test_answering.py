from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import TypeAdapter

from router.core.backend_kinds import Backend
from router.power.drivers.answering import Answering
from router.power.drivers.http_client import HttpClient


class Engine:
    def __init__(self) -> None:
        self.health = 200
        self.models: Any = {"data": [{"id": "a"}, {"id": "b"}]}
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/health":
            return web.Response(status=self.health)
        return self.models if isinstance(self.models, web.Response) else web.json_response(self.models)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    app = web.Application()
    app.router.add_get("/{path:.*}", engine.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    engine.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield engine
    await runner.cleanup()


async def told(*urls: str, kind: str = "vllm", **fields: Any) -> tuple[int, str]:
    given = {"zone": "local", "kind": kind, "urls": list(urls), "serves": {"x": "a", "y": {"model": "b"}}} | fields
    client = HttpClient()
    try:
        return await Answering(TypeAdapter(Backend).validate_python(given), client).count()
    finally:
        await client.close()


async def test_it_answers_when_it_is_healthy_and_serves_all(engine: Engine) -> None:
    assert await told(engine.url) == (1, "")
    assert sorted(engine.asked) == ["/health", "/v1/models"]
    assert await told(f"{engine.url}/", engine.url) == (2, "")


async def test_what_is_no_vllm_has_no_health(engine: Engine) -> None:
    assert await told(engine.url, kind="openai") == (1, "")
    assert engine.asked == ["/v1/models"]


async def test_what_it_lacks_is_told(engine: Engine) -> None:
    engine.models = {"data": [{"id": "b"}, {"id": "c"}]}
    assert await told(engine.url) == (0, "it does not serve a (it serves b, c)")
    for answer, why in (
        ({"data": 1}, "/models gave no list of models"),
        (web.Response(status=401), "/models answered 401"),
    ):
        engine.models = answer
        assert await told(engine.url) == (0, why)
    engine.health = 503
    assert await told(engine.url) == (0, "/health answered 503")


async def test_each_address_is_asked(engine: Engine) -> None:
    count, why = await told(engine.url, "http://127.0.0.1:9/v1")
    assert count == 1 and why.startswith("it does not answer yet: no connection")


async def test_its_key_is_shown(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_KEY", "k")
    backend = {"zone": "local", "kind": "vllm", "url": engine.url, "serves": {"x": "a"}, "api_key": "env:GPU_KEY"}
    answering = Answering(TypeAdapter(Backend).validate_python(backend), HttpClient())
    assert answering.headers == {"authorization": "Bearer k"} and answering.addresses == 1
