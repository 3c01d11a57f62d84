from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from support.scripted import ScriptedBackend

from router.upstream.pool import Pool
from router.upstream.target import Target


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on; its transports differ from asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def backend() -> AsyncIterator[ScriptedBackend]:
    made = ScriptedBackend()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def pool(backend: ScriptedBackend) -> Pool:
    port = int(backend.url.split(":")[2].split("/")[0])
    return Pool(Target("gpu", "local", "127.0.0.1", port, "/v1"), 10.0, asyncio.get_running_loop())
