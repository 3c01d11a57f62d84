"""The embedded server is started again when it ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from valkey import Valkey

from router.app.valkey_keeper import ValkeyKeeper
from router.ledger.errors import EmbeddedServerError
from router.ledger.server.embedded import EmbeddedServer, running_url


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[ValkeyKeeper]:
    made = ValkeyKeeper(tmp_path)
    yield made
    await made.stop()


def kill(url: str) -> None:
    with Valkey.from_url(url) as client:
        os.kill(client.info("server")["process_id"], signal.SIGKILL)


async def test_it_comes_back_on_the_same_socket_with_its_data(keeper, tmp_path, monkeypatch):
    again = asyncio.Event()
    loop, start_again = asyncio.get_running_loop(), EmbeddedServer.start_again

    def seen(server: EmbeddedServer) -> None:
        start_again(server)
        loop.call_soon_threadsafe(again.set)

    monkeypatch.setattr(EmbeddedServer, "start_again", seen)
    url = await keeper.start()
    watching = asyncio.create_task(keeper.watch())
    for value in (b"first", b"second"):
        with Valkey.from_url(url) as client:
            client.set("kept", value)
        kill(url)
        await asyncio.wait_for(again.wait(), 20)
        again.clear()
        with Valkey.from_url(url) as client:
            assert client.get("kept") == value
    assert running_url(tmp_path) == url
    with pytest.raises(EmbeddedServerError, match="in use by another"):
        EmbeddedServer(tmp_path, timeout=0.05).start()
    watching.cancel()


async def test_it_is_tried_again_when_it_does_not_start(keeper, monkeypatch, caplog):
    monkeypatch.setattr("router.app.valkey_keeper.FIRST_PAUSE", 0.01)
    tried, enough = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail(server: EmbeddedServer) -> None:
        tried.append(server)
        if len(tried) == 3:
            loop.call_soon_threadsafe(enough.set)
        raise EmbeddedServerError("no space")

    url = await keeper.start()
    monkeypatch.setattr(EmbeddedServer, "start_again", fail)
    watching = asyncio.create_task(keeper.watch())
    kill(url)
    await asyncio.wait_for(enough.wait(), 20)
    assert "no space" in [getattr(record, "why", "") for record in caplog.records]
    watching.cancel()


async def test_the_server_syncs_as_it_is_told(tmp_path):
    keeper = ValkeyKeeper(tmp_path, "always")
    with Valkey.from_url(await keeper.start()) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
    await keeper.stop()
