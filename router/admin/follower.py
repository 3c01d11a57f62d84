"""Request records as they are written, for whoever makes something of them: metrics, traces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from router.ledger.errors import LedgerUnavailable
from router.ledger.reader import open_records
from router.ledger.records import Record

PAUSE_SECONDS = 2.0

log = logging.getLogger("breakeven.admin")


class Listener(Protocol):
    def hear(self, record: Record) -> None: ...


class Follower:
    """Begins with what is written from now on, and goes on where it was when the ledger was away meanwhile."""

    def __init__(self, redis: str, listeners: Sequence[Listener]) -> None:
        self._redis = redis
        self._listeners = listeners
        self._after = ""
        self._lost = False
        self.reading = asyncio.Event()
        """Set while the ledger is read: what is written from now on will be heard."""

    async def run(self) -> None:
        """Until cancelled."""
        while self._listeners:
            try:
                await self._follow()
            except LedgerUnavailable as error:
                self._say_lost(str(error))
            except Exception:  # a defect of ours, after which the next records must be heard all the same
                log.exception("records not followed")
            self.reading.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self) -> None:
        async with open_records(self._redis) as reader:
            self._after = self._after or await reader.last_id()
            self._lost = False
            self.reading.set()
            async for entry in reader.follow(self._after):
                self._after = entry.id
                for record in entry.records:
                    self._tell(record)

    def _tell(self, record: Record) -> None:
        for listener in self._listeners:
            try:
                listener.hear(record)
            except Exception:  # one listener's defect is not the others'
                log.exception("a record was not taken")

    def _say_lost(self, why: str) -> None:
        if not self._lost:
            self._lost = True
            log.warning("records are not followed until the ledger is back", extra={"why": why})
