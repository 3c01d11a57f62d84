"""Group commit: operations that arrive while a batch is in flight join the next one.

So there is at most one round trip at a time, and the cost per request falls as the load rises. A reservation goes
at once unless a batch went within the last milliseconds, and then with all that come until then; settlements ride
with the next reservation, or go alone after a while.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import hiredis
import msgspec
from msgspec import Struct

from router.core.values import Hold, Settlement
from router.core.volume import DAY_QUARTERS, quarter_of
from router.ledger.address import parse_address
from router.ledger.batch import Abandon, Batch, Operation, Packer, Record, Release, eligible_tokens
from router.ledger.connection import Connection, connect
from router.ledger.errors import LedgerUnavailable
from router.ledger.layout import CORRECTABLE_SECONDS, LEASE_BUCKET_SECONDS, TIMEZONE_KEY, Calendar, ReservationIds
from router.ledger.scripts import Script, read_scripts
from router.ledger.volume import Tokens, VolumeTracker
from router.ledger.wire import pack

BATCH_LIMIT = 1000
"""Operations and holds in one call: bounds how long the server is busy, and stays inside Lua's `unpack`."""
KEPT_OPERATIONS = 100_000
"""Operations kept while the server is lost; beyond that the oldest go, and their holds are charged as held."""
LONGEST_WAIT = 0.05
"""Seconds that a settlement waits for a reservation to ride with."""
PACE = 0.005
"""Seconds between two batches: a server on the same machine answers so fast that each would carry one request."""
ENOUGH = 24
"""Reservations that go at once, however short ago the last batch went."""
SWEEP_SECONDS = 15.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.05, 2.0
_KEPT_QUARTERS = 4 * DAY_QUARTERS

_log = logging.getLogger(__name__)

Reserved = tuple[Hold, asyncio.Future[None]]


class _Flight(Struct):
    """The batch that waits for its answer."""

    batch: Batch
    futures: list[asyncio.Future[None]]
    own: dict[int, Tokens]
    script: Script
    payload: bytes


class Ledger:
    """Reserve, settle, release, on one connection.

    `available` says whether reservations can be made now, `why` what is wrong when they cannot. `volume` is what
    decisions ask for the eligible tokens seen.
    """

    def __init__(
        self,
        url: str,
        *,
        timezone: ZoneInfo,
        timeout: float = 1.0,
        retain_days: int = 400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ValueError for a URL that cannot be used; the text has no secrets."""
        self.available = False
        self.why = "not connected yet"
        self.volume = VolumeTracker(timezone)
        self.next_id = ReservationIds().next_id
        self._address = parse_address(url)
        self._timeout = timeout
        self._clock = clock
        self._retain_days = retain_days
        self._calendar = Calendar(timezone)
        self._packer = Packer(self._calendar, retain_days)
        self._scripts = read_scripts()
        self._connection: Connection | None = None
        self._reserved: list[Reserved] = []
        self._operations: deque[Operation] = deque()
        self._flight: _Flight | None = None
        self._scheduled = False
        self._sent_at = 0.0
        self._paced: asyncio.TimerHandle | None = None
        self._timed = False
        self._closing = False
        self._failures = 0
        self._lost = asyncio.Event()
        self._tried = asyncio.Event()
        self._landed = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Connects, or gives up at first: then `available` is False and connecting goes on in the background."""
        self._loop = asyncio.get_running_loop()
        self._tasks = (asyncio.create_task(self._stay_connected()), asyncio.create_task(self._sweep_on()))
        await self._tried.wait()

    async def close(self) -> None:
        """Writes what is queued, if the server answers, and disconnects."""
        self._closing = True
        await self.flush()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            self._connection.lose("closed")
        if self._operations:
            _log.error("ledger closed with %d operations unwritten", len(self._operations))

    async def flush(self) -> None:
        """Waits until all that is queued is written, or the server is lost."""
        while self.available and (self._operations or self._flight is not None):
            self._landed.clear()
            self._send_soon()
            await self._landed.wait()

    def retime(self, timezone: ZoneInfo, retain_days: int) -> None:
        """A new policy: days begin and end elsewhere, or totals are kept for another time."""
        self._retain_days = retain_days
        self._calendar = Calendar(timezone)
        self._packer = Packer(self._calendar, retain_days)
        self.volume.retime(timezone)
        if self._connection is not None:
            self._connection.send(self._name_timezone(), _ignore)

    def reserve(self, hold: Hold) -> asyncio.Future[None]:
        """Holds the worst case of a request. `hold.id` comes from `next_id`.

        Raises `LedgerUnavailable`: at once while the server is lost, else when awaited. Cancelling the wait is safe:
        a hold that was made all the same is released.
        """
        if not self.available:
            raise LedgerUnavailable(self.why)
        future: asyncio.Future[None] = self._loop.create_future()
        self._reserved.append((hold, future))
        if self._flight is None and (not self._scheduled or len(self._reserved) == ENOUGH):
            self._send_soon()
        return future

    def settle(self, settlement: Settlement) -> None:
        """What really happened replaces the hold, which must have been confirmed. Settling twice changes nothing."""
        if settlement.eligible:
            self.volume.add(quarter_of(settlement.at), eligible_tokens(settlement))
        self._queue(settlement)

    def release(self, id: str) -> None:
        """Nothing happened: the hold goes without being counted."""
        self._queue(Release(id))

    def record(self, settlement: Settlement) -> None:
        """Counts, once, a request that went on although `reserve` raised `LedgerUnavailable`."""
        if settlement.eligible:
            self.volume.add(quarter_of(settlement.at), eligible_tokens(settlement))
        self._queue(Record(settlement))

    def _queue(self, operation: Operation) -> None:
        self._operations.append(operation)
        if not self._timed:
            self._timed = True
            self._loop.call_later(LONGEST_WAIT, self._time_is_up)
            self._forget_oldest()

    def _time_is_up(self) -> None:
        self._timed = False
        if not self._scheduled and self._operations:
            self._send_batch()

    def _send_soon(self) -> None:
        wait = self._sent_at + PACE - self._loop.time()
        if wait <= 0 or len(self._reserved) >= ENOUGH or self._closing:
            if self._paced is not None:
                self._paced.cancel()
                self._paced = None
            elif self._scheduled:
                return
            self._loop.call_soon(self._send_batch)
        elif not self._scheduled:
            self._paced = self._loop.call_later(wait, self._send_batch)
        self._scheduled = True

    def _send_batch(self) -> None:
        self._scheduled = False
        self._paced = None
        if self._flight is not None or self._connection is None:
            return
        self._flight = self._board()
        if self._flight is not None:
            self._send(self._flight)

    def _board(self) -> _Flight | None:
        """The next batch, with everything that waits, up to the limit."""
        reserved = [(hold, future) for hold, future in self._reserved[:BATCH_LIMIT] if not future.done()]
        del self._reserved[:BATCH_LIMIT]
        waiting = self._operations
        operations = [waiting.popleft() for _ in range(min(len(waiting), BATCH_LIMIT))]
        if not reserved and not operations:
            return None
        batch = Batch(operations, [hold for hold, _ in reserved])
        futures = [future for _, future in reserved]
        packed = self._packer.together(batch)
        if packed is None:
            own = self._packer.own_tokens(batch)
            return _Flight(batch, futures, own, self._scripts.each, self._packer.one_by_one(batch))
        return _Flight(batch, futures, packed.own, self._scripts.commit, packed.payload)

    def _send(self, flight: _Flight) -> None:
        assert self._connection is not None
        self._sent_at = self._loop.time()
        self._connection.send(flight.script.run(flight.payload), self._answered)

    def _answered(self, reply: Any) -> None:
        flight, connection = self._flight, self._connection
        if flight is None or connection is None or isinstance(reply, LedgerUnavailable):
            return  # `_on_lost` follows
        if type(reply) is list:
            self._land(flight, reply)
        elif reply is None:
            flight.script, flight.payload = self._scripts.each, self._packer.one_by_one(flight.batch)
            self._send(flight)
        elif str(reply).startswith("NOSCRIPT"):
            connection.send(flight.script.load() + flight.script.run(flight.payload), self._answered, ignore=1)
        else:
            connection.lose(str(reply))

    def _land(self, flight: _Flight, counted: list[int]) -> None:
        self._flight = None
        self._failures = 0
        if flight.own or counted:
            self.volume.answered(flight.own, counted)
        for hold, future in zip(flight.batch.holds, flight.futures, strict=True):
            if future.done():
                self._queue(Release(hold.id))
            else:
                future.set_result(None)
        self._landed.set()
        if self._reserved or len(self._operations) >= BATCH_LIMIT:
            self._send_soon()
        elif self._operations and not self._timed:
            self._timed = True
            self._loop.call_later(LONGEST_WAIT, self._time_is_up)

    def _on_lost(self, why: str) -> None:
        """Reservations fail; everything else waits for the next connection.

        The batch in flight may have been done, or may yet be, so its holds are abandoned.
        """
        self.available, self.why, self._connection = False, why, None
        failed = self._reserved
        self._reserved = []
        if self._flight is not None:
            failed = [*zip(self._flight.batch.holds, self._flight.futures, strict=True), *failed]
            self._operations.extendleft(Abandon(hold.id) for hold in self._flight.batch.holds)
            self._operations.extendleft(reversed(self._flight.batch.operations))
            self._flight = None
        for _, future in failed:
            if not future.done():
                future.set_exception(LedgerUnavailable(why))
        self._landed.set()
        self._lost.set()
        if not self._closing:
            _log.error("ledger lost: %s", why)

    def _forget_oldest(self) -> None:
        excess = len(self._operations) - KEPT_OPERATIONS
        if excess <= 0:
            return
        forgotten = Batch([self._operations.popleft() for _ in range(excess)], ())
        self.volume.answered(self._packer.own_tokens(forgotten), ())
        _log.error("ledger lost for long: %d operations forgotten, their holds will be charged", excess)

    async def _stay_connected(self) -> None:
        while True:
            self._lost.clear()
            try:
                await self._connect()
                self._tried.set()
                await self._lost.wait()
            except LedgerUnavailable as error:
                self.available, self.why = False, str(error)
                self._tried.set()
            self._failures += 1
            await asyncio.sleep(random.uniform(0, min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**self._failures)))

    async def _connect(self) -> None:
        connection = await connect(self._address, self._timeout, self._on_lost)
        try:
            await self._prepare(connection)
        except hiredis.ReplyError as error:
            connection.lose(str(error))
            raise LedgerUnavailable(f"{self._address.name}: {error}") from None
        self._connection, self.available, self.why = connection, True, ""
        _log.info("ledger reached: %s", self._address.name)
        self._send_soon()

    async def _prepare(self, connection: Connection) -> None:
        """Writes before anything else, so that a server that cannot is not taken for available."""
        await connection.run(self._name_timezone())
        for script in (self._scripts.commit, self._scripts.each, self._scripts.expire):
            await connection.run(script.load())
        await self._sweep(connection)

    def _name_timezone(self) -> bytes:
        return pack("SET", TIMEZONE_KEY, self._calendar.timezone.key)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Charges the holds of past leases as held, and takes over what all workers have counted."""
        if self._connection is not None:
            try:
                await self._sweep(self._connection)
            except LedgerUnavailable:
                pass  # `_on_lost` has seen it
            except hiredis.ReplyError as error:
                if self._connection is not None:
                    self._connection.lose(str(error))

    async def _sweep(self, connection: Connection) -> None:
        more = 1
        while more:
            more, charged, counted = await self._expire(connection)
            if charged:
                _log.warning("%d reservations were not settled by their lease and were charged as held", charged)
        self.volume.load(counted)

    async def _expire(self, connection: Connection) -> Any:
        now = self._clock()
        oldest = quarter_of(now) - _KEPT_QUARTERS
        fields = (CORRECTABLE_SECONDS, self._retain_days * 86_400, int(now // LEASE_BUCKET_SECONDS), oldest)
        script, payload = self._scripts.expire, msgspec.msgpack.encode(fields)
        try:
            return await connection.run(script.run(payload))
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        await connection.run(script.load())
        return await connection.run(script.run(payload))


def _ignore(reply: object) -> None:
    pass
