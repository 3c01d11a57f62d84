"""The unix socket, until told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

_PARENT_CHECK = 0.5
_ONLY_OWNER = 0o177


@asynccontextmanager
async def serve(app: web.Application, path: str) -> AsyncIterator[None]:
    """Listen on a socket that only its owner may use; a client that leaves cancels its call. Raises OSError."""
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        before = os.umask(_ONLY_OWNER)
        try:
            await web.UnixSite(runner, path).start()
        finally:
            os.umask(before)
        yield
    finally:
        await runner.cleanup()
        _remove(path)


async def serve_until_stopped(app: web.Application, path: str, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the process that started this one."""
    parent = os.getppid()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(app, path):
        ready()
        while os.getppid() == parent and not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), _PARENT_CHECK)
            except TimeoutError:
                continue


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
