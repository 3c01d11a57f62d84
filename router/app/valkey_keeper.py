"""Keeps the embedded server running."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from router.core.resilience.backoff import backoff
from router.ledger.errors import EmbeddedServerError
from router.ledger.server.embedded import EmbeddedServer, Fsync

LOOK_SECONDS = 0.1
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0

log = logging.getLogger("breakeven.supervisor")


class ValkeyKeeper:
    """Starts the server, starts it again when it ends, and stops it.

    All in one thread of its own, because the server ends with the thread that started it.
    """

    def __init__(self, data_dir: Path, fsync: Fsync = "everysec") -> None:
        self._server = EmbeddedServer(data_dir, fsync=fsync)
        self._thread = ThreadPoolExecutor(1, "embedded-server")

    async def start(self) -> str:
        """The URL, once it answers. Raises EmbeddedServerError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._server.start)

    async def watch(self) -> None:
        """Until cancelled. Meanwhile workers find the ledger lost, and reach it again on their own."""
        failures = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._server.running:
                continue
            log.error("the embedded Valkey ended, starting it again", extra={"pid": self._server.pid})
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._server.start_again)
                failures = 0
            except EmbeddedServerError as error:
                log.error("the embedded Valkey does not start", extra={"why": str(error)})
                failures += 1
                await asyncio.sleep(backoff(failures, FIRST_PAUSE, LONGEST_PAUSE))

    async def stop(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._server.stop)
        self._thread.shutdown()
