"""What the ledger's own connection costs for a batch of commands, and what a library's pipeline would cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import uvloop
import valkey.asyncio as valkey_asyncio

from router.ledger.server.address import parse_address
from router.ledger.server.connection import connect
from router.ledger.server.embedded import EmbeddedServer
from router.ledger.server.wire import pack

COMMANDS = 64
"""In a batch: as many as requests wait for one at full load."""
_BATCHES = 200
_ROUNDS = 7


@dataclass(frozen=True)
class Pipelines:
    """Microseconds of this process's CPU for a batch; medians over the rounds."""

    own: float
    library: float


def measure() -> Pipelines:
    with tempfile.TemporaryDirectory() as name:
        server = EmbeddedServer(Path(name) / "data")
        url = server.start()
        try:
            return uvloop.run(_compare(url))
        finally:
            server.stop()


async def _compare(url: str) -> Pipelines:
    own = await connect(parse_address(url), 5.0, lambda why: None)
    library = valkey_asyncio.Valkey.from_url(url)

    async def by_own() -> None:
        commands = b"".join([pack("INCRBY", f"bench:{number}", 7) for number in range(COMMANDS)])
        await own.run(commands, ignore=COMMANDS - 1)

    async def by_library() -> None:
        pipeline = library.pipeline(transaction=False)
        for number in range(COMMANDS):
            pipeline.incrby(f"bench:{number}", 7)
        await pipeline.execute()

    try:
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(_ROUNDS):  # by turns, so that noise of the machine hits both
            times[0].append(await _cpu(by_own))
            times[1].append(await _cpu(by_library))
        return Pipelines(median(times[0]), median(times[1]))
    finally:
        own.lose("closed")
        await library.aclose()


async def _cpu(batch: Callable[[], Awaitable[None]]) -> float:
    await batch()
    began = time.process_time()
    for _ in range(_BATCHES):
        await batch()
    return (time.process_time() - began) / _BATCHES * 1e6
