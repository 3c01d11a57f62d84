"""Through a zone's proxy: CONNECT, and then what would have been said without one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from support.scripted import ScriptedBackend, completion

from router.core.resilience.retry import Fault
from router.upstream.errors import UpstreamError
from router.upstream.pool import Pool
from router.upstream.target import target_of_url
from tests.upstream.test_connection import ask


@dataclass
class Proxy:
    """Answers CONNECT as told, and passes bytes on when that was 200."""

    reply: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    heads: list[bytes] = field(default_factory=list)
    url: str = ""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.reply)
        if b" 200 " not in self.reply:
            writer.close()
            return
        host, _, port = self.heads[-1].split()[1].decode().rpartition(":")
        beyond_reader, beyond_writer = await asyncio.open_connection(host, int(port))
        for source, sink in ((reader, beyond_writer), (beyond_reader, writer)):
            self.tasks.add(asyncio.create_task(self.copy(source, sink)))

    async def copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
        sink.close()


@pytest.fixture
async def backend() -> AsyncIterator[ScriptedBackend]:
    made = ScriptedBackend()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in made.tasks:
        task.cancel()


def pool_through(proxy: str, url: str) -> Pool:
    target = target_of_url("gpu", "local", url, None, None, proxy)  # type: ignore[arg-type]
    return Pool(target, 1.0, asyncio.get_running_loop())


async def test_requests_go_through_one_tunnel_and_look_the_same(backend: ScriptedBackend, proxy: Proxy) -> None:
    pool = pool_through(proxy.url, backend.url)
    for _ in range(2):
        sink = await ask(pool)
        assert (sink.status, sink.body) == (200, completion())
    authority = backend.url.split("/")[2]
    assert proxy.heads == [f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode()]
    assert all(head.startswith("POST /v1/chat/completions HTTP/1.1") for head in backend.heads)
    pool.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nand more",
        b"nonsense\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000,
    ],
)
async def test_a_proxy_that_refuses_is_a_backend_that_cannot_be_reached(
    reply: bytes, backend: ScriptedBackend, proxy: Proxy
) -> None:
    proxy.reply = reply
    with pytest.raises(UpstreamError) as caught:
        await pool_through(proxy.url, backend.url).connect(2.0)
    assert caught.value.fault is Fault.REFUSED
    assert not backend.heads


async def test_a_proxy_that_is_not_there(backend: ScriptedBackend) -> None:
    with pytest.raises(UpstreamError) as caught:
        await pool_through("http://127.0.0.1:1", backend.url).connect(2.0)
    assert caught.value.fault is Fault.REFUSED
