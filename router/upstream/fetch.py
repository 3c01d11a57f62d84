"""Small GET requests to a replica, over its own pool, for probes."""

from __future__ import annotations

import asyncio

from router.core.resilience.retry import Fault
from router.upstream.connection import Headers
from router.upstream.errors import UpstreamError
from router.upstream.pool import Pool

MAX_BYTES = 4 * 1024 * 1024


class _Collector:
    """A sink that keeps the whole answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[tuple[int, bytes]] = loop.create_future()
        self._status = 0
        self._body = bytearray()

    def on_head(self, status: int, headers: Headers) -> None:
        self._status = status

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_BYTES:
            raise ValueError("the answer to a probe is too large")

    def on_due(self, now: float) -> float:
        return now

    def on_end(self) -> None:
        if not self.done.done():
            self.done.set_result((self._status, bytes(self._body)))

    def on_lost(self, error: UpstreamError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


async def fetch(pool: Pool, path: str, timeout: float, at_root: bool = True) -> tuple[int, bytes]:
    """Status and body of GET `path`, see `Target.get`, within `timeout` seconds. Raises UpstreamError."""
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout
    connection = pool.take_idle() or await pool.connect(timeout)
    sink = _Collector(loop)
    connection.send(
        frozenset((pool.target.zone,)),
        pool.target.get(path, at_root),
        b"",
        sink,
        until,
    )
    try:
        async with asyncio.timeout_at(until):
            return await sink.done
    except TimeoutError:
        raise UpstreamError(Fault.FIRST_BYTE_TIMEOUT, path) from None
    finally:
        if not sink.done.done() or sink.done.cancelled():
            connection.abort()
