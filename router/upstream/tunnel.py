"""A connection to a replica through its zone's HTTP proxy, by CONNECT: it passes bytes on and, with TLS, sees none.

Without TLS the proxy reads what it passes on. Either way no request is ever addressed to the proxy itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from router.core.resilience.retry import Fault
from router.system.connection import BaseConnection
from router.upstream.connection import Connection
from router.upstream.errors import UpstreamError
from router.upstream.target import Target

MAX_HEAD_BYTES = 16 * 1024
_END = b"\r\n\r\n"


class _Greeting(BaseConnection):
    """Waits for the proxy's answer to CONNECT."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.answered: asyncio.Future[bytes] = loop.create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self.answered.done():
            return
        if _END in self._head:
            self.answered.set_result(self._head)
        elif len(self._head) > MAX_HEAD_BYTES:
            self.answered.set_exception(ConnectionError("the proxy's answer is too long"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(ConnectionError("the proxy closed the connection"))


async def open_tunnel(target: Target, make: Callable[[], Connection], loop: asyncio.AbstractEventLoop) -> Connection:
    """A connection whose other end is the target. Raises UpstreamError when the proxy refuses, and OSError."""
    proxy = urlsplit(target.proxy)
    secure = proxy.scheme == "https"
    greeting = _Greeting(loop)
    factory = cast(Callable[[], asyncio.Protocol], lambda: greeting)
    made: tuple[Any, Any] = await loop.create_connection(
        factory, proxy.hostname or "", proxy.port or (443 if secure else 80), ssl=target.proxy_tls if secure else None
    )
    transport = made[0]
    try:
        transport.write(_connect(target))
        head, _, rest = (await greeting.answered).partition(_END)
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"] or rest:
            said = b"".join(status).decode("latin-1")
            raise UpstreamError(Fault.REFUSED, f"{target.label}: the proxy answered {said or 'no HTTP'}")
        return await _handed_over(transport, make(), target, loop)
    except BaseException:
        transport.abort()
        raise


def _connect(target: Target) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"CONNECT {host}:{target.port} HTTP/1.1\r\nhost: {host}:{target.port}\r\n\r\n".encode("latin-1")


async def _handed_over(
    transport: Any, connection: Connection, target: Target, loop: asyncio.AbstractEventLoop
) -> Connection:
    if target.tls is None:
        transport.set_protocol(connection)
        connection.connection_made(transport)
        return connection
    secured = await loop.start_tls(
        transport, cast(asyncio.Protocol, connection), target.tls, server_hostname=target.host
    )
    assert secured is not None
    connection.connection_made(secured)
    return connection
