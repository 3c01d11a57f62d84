"""The longest script of the ledger with the largest books that are promised for."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from valkey import Valkey

from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.journal.log import DiskLog
from router.ledger.server.embedded import EmbeddedServer
from tests.support.large import LARGE, LAST_DAY, play, script_times, watch_scripts, write_books


@dataclass(frozen=True)
class Scripts:
    """Milliseconds, as the server measured them."""

    number: int
    longest: float
    p99: float


def measure() -> Scripts:
    """A worker whose every key is new to it is killed, another one recovers, and a page is read."""
    with tempfile.TemporaryDirectory() as name:
        server = EmbeddedServer(Path(name) / "data")
        url = server.start()
        try:
            with Valkey.from_url(url) as client:
                write_books(client, LARGE)
                watch_scripts(client)
                asyncio.run(_play(url, Path(name) / "journal"))
                times = sorted(script_times(client))
        finally:
            server.stop()
    return Scripts(len(times), times[-1], times[int(len(times) * 0.99)])


async def _play(url: str, folder: Path) -> None:
    made: list[GroupCommitLedger] = []

    async def worker(day: int) -> GroupCommitLedger:
        log, now = DiskLog(folder), LAST_DAY[day]
        zone = ZoneInfo("Europe/Berlin")
        ledger = GroupCommitLedger(url, timezone=zone, owned=["local"], log=log, clock=lambda: now)
        made.append(ledger)
        await ledger.start()
        return ledger

    await play(worker, url, LARGE)
    for ledger in made:
        await ledger.close()
