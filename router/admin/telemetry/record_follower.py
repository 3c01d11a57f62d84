"""Request records as they are written, for whoever makes something of them: metrics, traces.

Who looks back on the last minutes can be told of those at first: see `Past`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from router.ledger.errors import LedgerUnavailable
from router.ledger.record import Record
from router.ledger.reports.record_reader import RecordReader, open_records, position

PAUSE_SECONDS = 2.0
GATHER_SECONDS = 0.5
CHUNK = 20
"""Entries that are read at once, so that other work of this process gets its turn in between."""

log = logging.getLogger("breakeven.admin")


class Listener(Protocol):
    def hear(self, record: Record) -> None: ...


class Past(Struct, frozen=True):
    """What to do with the records of the last seconds before the start."""

    seconds: float
    take: Callable[[Record], None]


NO_PAST = Past(0, lambda record: None)


class Follower:
    """Begins with what is written from now on, and goes on where it was when the ledger was away meanwhile.

    Of more than `most` records a second only that many are heard, so that looking at them costs little however many
    there are.
    """

    def __init__(
        self, redis: str, listeners: Sequence[Listener], past: Past = NO_PAST, *, most: float = math.inf
    ) -> None:
        self._redis = redis
        self._most = most
        self._past = past
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
            self._after = self._after or await self._look_back(reader)
            self._lost = False
            self.reading.set()
            while True:
                await self._read_on(reader)

    async def _read_on(self, reader: RecordReader) -> None:
        """Until a second brings more than are wanted: the rest of what it brings is passed over."""
        began, heard = time.monotonic(), 0
        async for entry in reader.follow(self._after, chunk=CHUNK, pause=GATHER_SECONDS):
            self._after = entry.id
            for record in entry.records:
                self._tell(record)
            heard += len(entry.records)
            elapsed = time.monotonic() - began
            if elapsed >= 1:
                began, heard = time.monotonic(), 0
            elif heard > self._most:
                await asyncio.sleep(1 - elapsed)
                self._after = await reader.last_id()
                return

    async def _look_back(self, reader: RecordReader) -> str:
        """The id of the last entry that was there at the start."""
        last = await reader.last_id()
        if not self._past.seconds:
            return last
        begin = f"{max(0, int((time.time() - self._past.seconds) * 1000))}-0"
        async for entry in reader.entries(begin, CHUNK):
            if entry.position > position(last):
                break
            for record in entry.records:
                self._past.take(record)
        return last

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
