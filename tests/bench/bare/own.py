"""The gateway's own HTTP server and client, with nothing between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import uvloop

from router.gateway.buffered_bytes import BufferedBytes
from router.gateway.held_answers import HeldAnswers
from router.gateway.http_connection import Client
from router.gateway.request import Request
from router.upstream.connection import Headers
from router.upstream.errors import UpstreamError
from router.upstream.pool import Pool
from router.upstream.target import Target
from tests.bench.bare.arguments import arguments

_ZONE = "local"
_PERMITTED = frozenset((_ZONE,))
_SECONDS = 60.0


class _Relay:
    """Takes the upstream's answer and gives it to the client as it comes."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self.ended: asyncio.Future[None] = loop.create_future()
        self._client = client
        self._status = 0
        self._lines = b""
        self._body: bytes | None = None

    def on_head(self, status: int, headers: Headers) -> None:
        found = dict(headers)
        self._status = status
        self._lines = b"content-type: %b\r\n" % found[b"content-type"]
        if b"content-length" in found:
            self._body = b""
        else:
            self._client.start(status, self._lines)

    def on_body(self, data: bytes) -> None:
        if self._body is None:
            self._client.write(data)
        else:
            self._body += data

    def on_due(self, now: float) -> float:
        return now

    def on_end(self) -> None:
        if self._body is None:
            self._client.finish()
        else:
            self._client.respond(self._status, self._lines, self._body)
        self.ended.set_result(None)

    def on_lost(self, error: UpstreamError) -> None:
        self.ended.set_exception(error)


class _Handler:
    max_body_bytes = 50_000_000

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self.held = BufferedBytes(256 * 1024 * 1024)
        self.answers = HeldAnswers(256 * 1024 * 1024)
        self._pool = pool
        self._loop = loop

    def admit(self, request: Request) -> bool:
        return True

    async def handle(self, request: Request, client: Client) -> None:
        pool, body = self._pool, request.body
        connection = pool.take_idle() or await pool.connect(_SECONDS)
        relay = _Relay(client, self._loop)
        head = b"%bcontent-length: %d\r\n\r\n" % (pool.head(request.path.removeprefix("/v1")), len(body))
        connection.send(_PERMITTED, head, body, relay, self._loop.time() + _SECONDS)
        await relay.ended

    def opened(self, client: Client, address: str) -> None:
        pass

    def closed(self, client: Client) -> None:
        pass

    def failed(self, error: Exception, request: Request, client: Client) -> None:
        client.abort()


async def _serve(port: int, upstream_port: int) -> None:
    loop = asyncio.get_running_loop()
    pool = Pool(Target("upstream", _ZONE, "127.0.0.1", upstream_port, "/v1"), _SECONDS, loop)
    handler = _Handler(pool, loop)
    make = cast(Callable[[], asyncio.Protocol], lambda: Client(handler, loop))
    server = await loop.create_server(make, "127.0.0.1", port, backlog=2048)
    async with server:
        while True:
            await asyncio.sleep(0.25)
            pool.tick(loop.time())


if __name__ == "__main__":
    asked = arguments()
    uvloop.run(_serve(asked.port, asked.upstream_port))
