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
async def serve(app: web.Application, path: str, grace: float = 5.0) -> AsyncIterator[None]:
    """Listen on a socket that only its owner may use; a client that leaves cancels its call, and at the end all have
    `grace` seconds. Raises OSError."""
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=grace)
    await runner.setup()
    mine: tuple[int, int] | None = None
    try:
        before = os.umask(_ONLY_OWNER)
        try:
            await web.UnixSite(runner, path).start()
        finally:
            os.umask(before)
        mine = _identity(path)
        yield
    finally:
        ours = _identity(path) == mine
        await runner.cleanup()
        if ours:
            _remove(path)


def _nothing() -> None:
    pass


async def serve_until_stopped(
    app: web.Application,
    path: str,
    ready: Callable[[], None],
    supervisor: int = 0,
    beat: Callable[[], None] = _nothing,
    grace: float = 5.0,
) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the process that started this one; `beat` while the loop turns.

    With `supervisor`, the process that started that one, the end of both counts, or that the socket is another's.
    """
    parent = os.getppid()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(app, path, grace):
        ready()
        mine = _identity(path)
        while not stop.is_set() and _identity(path) == mine:
            beat()
            if os.getppid() != parent and not (supervisor and _alive(supervisor)):
                return
            try:
                await asyncio.wait_for(stop.wait(), _PARENT_CHECK)
            except TimeoutError:
                continue


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
