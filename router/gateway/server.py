"""The listening socket of one worker, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import cast

from router.gateway.client_timeouts import CHECK_SECONDS, STALLED_SECONDS, end_if_late
from router.gateway.http_connection import PARTING_SECONDS, Client
from router.gateway.routes import Routes
from router.gateway.worker_state import WorkerState

BACKLOG = 2048
ACCEPT_SECONDS = 0.3
"""How long connections that have begun are still accepted at the end: a round trip to far clients."""
HANDSHAKE_SECONDS = 10.0
"""For TLS to begin; a connection counts from then on."""
ANSWER_SECONDS = 1.0
"""For what is answered last: nobody waits for room or a start until the very end, and what is cut gets its 503 out."""


def _nothing(_: socket.socket) -> None:
    pass


class Server:
    """`turn_away` lets no new connection of a listener begin, where the system can do that. Without `tls` it is plain
    HTTP."""

    def __init__(
        self,
        service: Routes,
        state: WorkerState,
        loop: asyncio.AbstractEventLoop,
        turn_away: Callable[[socket.socket], None] = _nothing,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._service = service
        self._state = state
        self._loop = loop
        self._turn_away = turn_away
        self._tls = tls
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.TimerHandle | None = None

    async def start(self, listener: socket.socket) -> None:
        make = cast(Callable[[], asyncio.Protocol], self._make)
        self._listener = listener
        # A client that leaves the end of TLS unanswered is let go by its connection, see `Client.close`: that looks at
        # whether it has read what was written, which this timeout does not.
        tls = self._tls
        self._server = await self._loop.create_server(
            make,
            sock=listener,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=None if tls is None else STALLED_SECONDS,
        )
        self._tick()

    def _make(self) -> Client:
        return Client(self._service, self._loop)

    async def _close_listener(self) -> None:
        if self._server is None or self._listener is None:
            return
        self._turn_away(self._listener)
        await asyncio.sleep(ACCEPT_SECONDS)
        self._server.close()

    def _tick(self) -> None:
        now = self._loop.time()
        limits = self._state.plan.policy.server
        for client in list(self._service.clients):
            end_if_late(client, limits, now)
        self._ticker = self._loop.call_later(CHECK_SECONDS, self._tick)

    async def drain(self, grace: float) -> None:
        """Running answers have `grace` seconds to finish; every request that was sent before a connection closes is
        answered, those that wait for room or a start with 503 where that would take longer.

        First no new connection begins, while those that have begun are still accepted; every answer from now on closes
        its connection. A connection that says nothing for PARTING_SECONDS is then closed.
        """
        # The order keeps every request whole. Answers say that their connection closes before any listener does, so
        # that nobody comes back here. The kernel turns new connections away before the listener closes, because that
        # resets those that wait to be accepted. Silent connections stay for as long as a request may be on its way to
        # them. Only what is left after the grace is cut, and told so while that is possible.
        self._service.end(self._loop.time() + grace - min(ANSWER_SECONDS, grace / 2))
        if self._ticker is not None:
            self._ticker.cancel()
        for client in list(self._service.clients):
            client.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._close_listener()
                await asyncio.sleep(PARTING_SECONDS - ACCEPT_SECONDS)
                for client in list(self._service.clients):
                    client.drain()
                await self._service.deserted()
        if self._server is not None:
            self._server.close()
        for client in list(self._service.clients):
            self._service.cut(client)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._service.deserted()
        for client in list(self._service.clients):
            client.abort()
        self._service.close()
