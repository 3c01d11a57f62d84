"""One answer of a backend that is passed on as it comes: what it says is nobody's business here.

A `Passage` is the upstream connection's sink. `head` resolves with the head. A body that is to be looked at is
collected, up to a bound; any other flows from the upstream parser's callback into the client's transport, held up where
the client reads slowly.
"""

from __future__ import annotations

import asyncio
from typing import Final

from router.core.resilience.retry import Fault
from router.gateway.held_answers import HeldAnswers, joined, put_together
from router.gateway.http_connection import Client
from router.gateway.stream_reader import PassageReader
from router.upstream.connection import Connection, Headers
from router.upstream.errors import UpstreamError


class Passage:
    """`first_byte` and `idle` are seconds: until the head, and between two pieces of a body."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        *,
        most: int,
        answers: HeldAnswers,
        owner: str,
        first_byte: float,
        idle: float,
        latest: float,
    ) -> None:
        self.head: Final[asyncio.Future[None]] = loop.create_future()
        self.done: Final[asyncio.Future[None]] = loop.create_future()
        self.status = 0
        self.headers: Headers = []
        self.broken: UpstreamError | None = None
        self._loop = loop
        self._connection = connection
        self._most = most
        self._answers = answers
        self.owner: Final = owner
        """The name of the key that asked."""
        self._idle = idle
        self._latest = latest
        self._due = loop.time() + first_byte
        self._parts: list[bytes | bytearray] = []
        self._size = 0
        self._client: Client | None = None
        self._reader: PassageReader | None = None
        self._over = False

    @property
    def body(self) -> bytes:
        return joined(self._parts)

    # --- the sink

    def on_head(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status if 200 <= status < 600 else 502, headers
        self._due = self._loop.time() + self._idle
        _resolve(self.head)

    def on_body(self, data: bytes) -> None:
        self._due = self._loop.time() + self._idle
        if self._client is not None:
            self._write(self._client, data)
            return
        self._size += len(data)
        put_together(self._parts, data)
        if self._size > self._most:
            self._let_go(UpstreamError(Fault.TOO_LARGE, f"server.max_answer_bytes is {self._most:,}"))
        else:
            self._answers.hold(self, self._size)

    def crowded_out(self) -> None:
        """There is no room for it. What came whole is about to be the client's, and stays."""
        if not self._over:
            self._let_go(UpstreamError(Fault.NO_ROOM, f"this worker keeps {self._answers.most:,} bytes of answers"))

    def _let_go(self, error: UpstreamError) -> None:
        self._connection.abort()
        self._parts = []
        self._answers.hold(self, 0)
        self.on_lost(error)

    def on_due(self, now: float) -> float:
        return min(self._due, self._latest)

    def on_end(self) -> None:
        self._over = True
        _resolve(self.head)
        _resolve(self.done)

    def on_lost(self, error: UpstreamError) -> None:
        self._over = True
        self.broken = error
        _resolve(self.head)
        _resolve(self.done)

    # --- the relay

    async def collect(self) -> bytes:
        """The whole body. Raises UpstreamError."""
        await self.done
        if self.broken is not None:
            raise self.broken
        return self.body

    async def relay(self, client: Client, reader: PassageReader | None = None) -> None:
        """To its end, well or not, see `broken`. What passes is what `reader` makes of it."""
        self._reader = reader
        for part in self._parts:
            self._write(client, bytes(part))
        self._parts = []
        self._answers.hold(self, 0)
        self._client = client
        if not self._over:
            client.on_pause, client.on_resume = self._pause, self._resume
            if client.stalled_since:
                self._pause()
        await self.done
        if reader is not None and (rest := reader.rest()):
            client.write(rest)

    def _write(self, client: Client, data: bytes) -> None:
        if self._reader is not None:
            data = self._reader.feed(data)
        if data:
            client.write(data)

    def _pause(self) -> None:
        if not self._over:
            self._connection.pause()
            self._connection.deadline = self._latest

    def _resume(self) -> None:
        if not self._over:
            self._due = self._loop.time() + self._idle
            self._connection.resume()

    def abandon(self) -> None:
        """Nobody wants the rest, nor what came."""
        self._answers.hold(self, 0)
        if not self._over:
            self._over = True
            self._connection.abort()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
