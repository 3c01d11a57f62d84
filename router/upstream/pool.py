"""The connections of one replica.

A connection is taken out of the idle deque when it is assigned, never later, so that nothing can close a
connection that a request already holds. The youngest idle connection is used first; the others age out. What comes
back is looked at: only a connection that is as it was when new is used again, see `Connection.reusable`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from router.core.resilience.retry import Fault
from router.upstream.connection import Connection
from router.upstream.errors import UpstreamError
from router.upstream.target import Target
from router.upstream.tunnel import open_tunnel

_NO_ADAPTER = "it is starting, or not installed: then run scripts/environment.sh adapter"
IDLE_SECONDS_PLAIN = 4.0
"""Below uvicorn's keep-alive of 5 s, so that vLLM does not close a connection just as it is used."""
IDLE_SECONDS_TLS = 30.0


class Pool:
    def __init__(self, target: Target, connect_timeout: float, loop: asyncio.AbstractEventLoop) -> None:
        self.target = target
        self._connect_timeout = connect_timeout
        self._loop = loop
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._closing = False
        self._heads: dict[str, bytes] = {}
        self._heads_at_root: dict[str, bytes] = {}
        self._idle_seconds = IDLE_SECONDS_PLAIN if target.tls is None else IDLE_SECONDS_TLS

    @property
    def busy(self) -> int:
        return len(self._busy)

    def head(self, path: str, at_root: bool = False) -> bytes:
        """`Target.head`, remembered: there are few paths, the endpoints'."""
        heads = self._heads_at_root if at_root else self._heads
        found = heads.get(path)
        if found is None:
            found = heads[path] = self.target.head(path, at_root)
        return found

    def take_idle(self) -> Connection | None:
        """A connection that is open and unused, now assigned to the caller."""
        while self._idle:
            # Out of the deque in the turn that assigns it: taken out any later, `tick` could close what a request has.
            connection = self._idle.pop()
            if not connection.closed:
                self._busy.add(connection)
                return connection
        return None

    async def connect(self, timeout: float) -> Connection:
        """A new connection, assigned to the caller. `timeout` in seconds; raises UpstreamError."""
        try:
            async with asyncio.timeout(min(timeout, self._connect_timeout)):
                connection = await self._open()
        except TimeoutError:
            raise UpstreamError(Fault.CONNECT_TIMEOUT, self.target.label) from None
        except socket.gaierror as unknown:
            raise UpstreamError(Fault.DNS, f"{self.target.label}: {unknown.strerror}") from None
        except ssl.SSLError as insecure:
            raise UpstreamError(Fault.TLS, f"{self.target.label}: {insecure.reason}") from None
        except (FileNotFoundError, ConnectionRefusedError) as absent:
            said = _NO_ADAPTER if self.target.through_adapter else absent.strerror or absent
            raise UpstreamError(Fault.REFUSED, f"{self.target.label}: {said}") from None
        except OSError as error:
            raise UpstreamError(Fault.REFUSED, f"{self.target.label}: {error.strerror or error}") from None
        self._busy.add(connection)
        return connection

    async def _open(self) -> Connection:
        target, loop = self.target, self._loop
        if target.proxy:
            return await open_tunnel(target, self._make, loop)
        make = cast(Callable[[], asyncio.Protocol], self._make)
        made: tuple[asyncio.BaseTransport, Any]
        if target.unix_path is not None:
            made = await loop.create_unix_connection(make, target.unix_path)
        else:
            made = await loop.create_connection(make, target.host, target.port, ssl=target.tls)
        return cast(Connection, made[1])

    def _make(self) -> Connection:
        return Connection(self.target, self._loop, self._released)

    def _released(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if connection.closed:
            return
        if self._closing or connection.target is not self.target or not connection.reusable:
            connection.abort()
        else:
            self._idle.append(connection)

    def tick(self, now: float) -> None:
        """`now` in loop time: look at what is due, close what idled too long."""
        for connection in [busy for busy in self._busy if busy.deadline < now]:
            connection.look(now)
        while self._idle and (self._idle[0].closed or self._idle[0].idle_since < now - self._idle_seconds):
            self._idle.popleft().abort()

    def close(self) -> None:
        """Idle connections end now, busy ones when their exchange does."""
        self._closing = True
        while self._idle:
            self._idle.popleft().abort()
