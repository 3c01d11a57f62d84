"""A gateway in this process, between two scripted backends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvloop
from support.gateway import POLICY, Clock, Gateway, start_gateway, stop_gateway
from support.scripted import ScriptedBackend

from router.gateway.origin_guard import NoGuard

Backends = dict[str, ScriptedBackend]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on; its transports differ from asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    made = {"gpu": ScriptedBackend(), "api": ScriptedBackend()}
    for backend in made.values():
        await backend.start()
    yield made
    for backend in made.values():
        await backend.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def serve(tmp_path: Path, backends: Backends, clock: Clock) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """`await serve()` or `await serve(policy)`; `guard` as in `Service`."""
    started: list[Gateway] = []

    async def start(policy: str = POLICY, guard: type[NoGuard] = NoGuard) -> Gateway:
        urls = {name: backend.url for name, backend in backends.items()}
        started.append(await start_gateway(tmp_path, policy, urls, clock, guard=guard))
        return started[-1]

    yield start
    for gateway in started:
        await stop_gateway(gateway)


@pytest.fixture
async def gateway(serve: Callable[..., Awaitable[Gateway]]) -> Gateway:
    return await serve()
