"""Running an application: for a test, or until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

_PARENT_CHECK = 0.5
_SHUTDOWN = 0.05
"""Seconds that open requests get; 0 would mean for ever to aiohttp."""


@asynccontextmanager
async def serve(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """The base URL, without a path, of the running application; port 0 takes a free one. Raises OSError."""
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        where, bound = runner.addresses[0][:2]
        yield f"http://[{where}]:{bound}" if ":" in where else f"http://{where}:{bound}"
    finally:
        await runner.cleanup()


async def serve_until_stopped(app: web.Application, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the process that started this one; `ready` gets the base URL."""
    parent = os.getppid()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(app, host, port) as url:
        ready(url)
        await _until_stopped(stop, parent)


async def _until_stopped(stop: asyncio.Event, parent: int) -> None:
    while os.getppid() == parent:
        try:
            await asyncio.wait_for(stop.wait(), _PARENT_CHECK)
            return
        except TimeoutError:
            continue
