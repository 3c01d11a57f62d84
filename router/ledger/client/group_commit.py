"""Group commit: operations that arrive while a batch is in flight join the next one.

So there is at most one round trip at a time, and the cost per request falls as the load rises. What somebody waits for
goes at once, unless the last batch shows that others come within milliseconds: then with these. All else rides with
it, or goes once it is as much as a batch takes, or after a while.

Theory of operation::

    wait -> number -> journal -> send -> answered         its holds are answered, and the journal may forget it
                                      -> connection lost  its holds fail, and what it counts stays in the journal
    wait -> number -> journal                             while the server is lost

*Exactly once.* Each batch says which number was applied before it. The server keeps that number for each writer beside
what it counted, changes both in one script, and refuses what is out of turn. So a batch may be sent again whenever its
fate is unknown, and what the server has lost shows as a number that is too low: `recovery` brings it from the journal.

*One in flight.* The next batch is made when the last one was answered, since it says that that one was applied.

*Holds with limits wait for the server*, which alone knows what others hold, and are not journaled. One whose fate is
unknown is doubtful: it is released once the server is back, whether or not it was made. One that only slices of others
are in the way of is asked for again, until they were given back.

*Holds without limits, and those that fit slices of their limits, do not wait*, see `early_holds`: they are admitted
here and go with the next batch. When the fate of one is unknown, it is made again once the server is back, and the next
worker does that for one that was killed. Either way holds come first and then what was journaled, so that a settlement
finds the hold that it replaces.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import hiredis
from msgspec import Struct

from router.core.cost.volume import quarter_of
from router.core.cost.volume_tracker import Tokens, VolumeTracker
from router.core.field_names import escape_name
from router.core.limits.counters import NO_COUNTERS, Admission, CounterSet, Hold, Reached
from router.core.limits.limits import Verdict
from router.core.limits.slices import USABLE
from router.core.resilience.backoff import backoff
from router.core.values import Settlement
from router.ledger.client.batch import (
    COUNTED,
    Batch,
    Count,
    Held,
    Note,
    Operation,
    Packed,
    Packer,
    Release,
    Sender,
    Settle,
    batch_of,
    eligible_tokens,
    without_hold,
)
from router.ledger.client.early_holds import EarlyHolds
from router.ledger.client.recovery import PART, Books, LostBooks
from router.ledger.errors import JournalError, LedgerUnavailable
from router.ledger.journal.entries import noted_of
from router.ledger.journal.log import Log, MemoryLog, Orphan, Reading
from router.ledger.pins import Pins
from router.ledger.record import pack_record
from router.ledger.redis_keys import NO_LATER_TERM, TIMEZONE_KEY, Calendar, ReservationIds
from router.ledger.scripts import Script, read_scripts
from router.ledger.server.address import parse_address
from router.ledger.server.connection import Connection, connect
from router.ledger.server.wire import pack

BATCH_LIMIT = 100
"""Operations, and holds, in one call: bounds how long the server is busy."""
LOOKED_AT_LIMIT = 160
"""Different counters that the holds of one call look at; those of one request are never divided."""
DIFFERENT_LIMIT = 32
"""Different cells that the operations of one call are about: each has sums of its own, for every scope."""
LONGEST_WAIT = 0.05
"""Seconds that what nobody waits for does, for something to ride with."""
PACE = 0.005
"""Seconds between two batches while many wait: a server on the same machine answers so fast that each would carry few.

A small batch costs some 200 µs of CPU, here and at the server; a reservation waits half of this on average.
"""
MANY, ENOUGH = 4, 24
"""Reservations in one batch from which the next one waits for more, and those that go at once however short ago that
went."""
WATCH_SECONDS = 1.0
"""Between two looks at whether the server still has our books."""
SWEEPS = 15
"""Looks for each sweep."""
TIDIES = 3600
"""Looks for each time that the journal is tidied."""
AGAIN = 0.02
"""Seconds until what waits for slices of others is asked for again."""
REST = 0.25
"""Seconds between two looks at which slices are not used."""
LENT_SECONDS = 3.0
"""Beyond `timeout`, that the server lends slices for: of a worker that is gone they are charged after that, until what
it admitted was brought in."""
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 2.0
_ADMITTED = {sides: Admission(sides) for sides in (1, 2, 3)}

_log = logging.getLogger(__name__)

Reserved = tuple[Hold, "asyncio.Future[Admission]"]


class _InFlight(Struct):
    """The batch that waits for its answer."""

    batch: Batch
    reserved: list[Reserved]
    admitted: dict[str, bytes]
    own: dict[int, Tokens]
    packed: Packed | None
    """None when it goes operation by operation."""
    script: Script
    payload: bytes
    parts: Iterator[tuple[bytes, int]] = iter(())
    """What is still to be sent of it, when it goes operation by operation."""
    part: int = 0
    """What the server has of it once `payload` is applied."""
    counted: list[int] = []


class GroupCommitLedger:
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
        retain_requests: int = 200_000,
        owned: Iterable[str] = (),
        log: Log | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ValueError for a URL that cannot be used; the text has no secrets."""
        self.available = False
        self.why = "not connected yet"
        self.volume = VolumeTracker(timezone)
        self.pins = Pins(self._transact)
        self._ids = ReservationIds()
        self.next_id = self._ids.next_id
        self._address = parse_address(url)
        self._timeout = timeout
        self._clock = clock
        self._calendar = Calendar(timezone)
        self._packer = Packer(self._calendar)
        self._scripts = read_scripts()
        self._logged = log or MemoryLog()
        self._sender = Sender(self._logged.writer, 0, (), term_of_slices=int(1000 * (LENT_SECONDS + timeout)))
        self._adopt(retain_days, retain_requests, owned)
        self._number = 0
        self._connection: Connection | None = None
        self._reserved: list[Reserved] = []
        self._called_back: list[Reserved] = []
        """Those that wait for slices of others, which are called back."""
        self._operations: deque[Operation] = deque()
        self._live: dict[str, Held] = {}
        self._early = EarlyHolds(self._logged)
        self._former: dict[str, int] = {}
        """By retired writer, the last of its batches that these books were seen to have: they never become more."""
        self._doubtful: list[Held] = []
        """Of a batch whose answer never came: released once that is possible."""
        self._books_lost = False
        """Whether they remain to be brought back, whichever attempt to connect finds the time for it."""
        self._unanswered: list[dict[int, Tokens]] = []
        """What own batches added to the volume that were only journaled so far."""
        self._flight: _InFlight | None = None
        self._scheduled = False
        self._sent_at = 0.0
        self._crowd = 0
        """How many waited for the last batch."""
        self._paced: asyncio.TimerHandle | None = None
        self._timed = False
        self._resting = False
        self._closing = False
        self._failures = 0
        self._lost = asyncio.Event()
        self._tried = asyncio.Event()
        self._landed = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Connects, or gives up at first: then `available` is False and connecting goes on in the background."""
        self._loop = asyncio.get_running_loop()
        self._tasks = (asyncio.create_task(self._stay_connected()), asyncio.create_task(self._watch_on()))
        await self._tried.wait()

    async def close(self) -> None:
        """Writes what is queued, to the journal at least, and disconnects."""
        self._closing = True
        self._early.slices.end()
        await self.flush()
        self._journal_waiting()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            self._connection.lose("closed")
        known = not self._early.noted and not self._early.uncertain
        self._logged.close(applied=known and self._sender.last >= self._logged.last)

    async def flush(self) -> None:
        """Waits until all that is queued is written, or the server is lost."""
        while self.available and (self._operations or self._early.due or self._flight is not None):
            self._landed.clear()
            self._send_soon()
            await self._landed.wait()

    def retime(
        self, timezone: ZoneInfo, retain_days: int, *, retain_requests: int = 200_000, owned: Iterable[str] = ()
    ) -> None:
        """A new policy: days begin and end elsewhere, totals are kept for another time, other zones are owned."""
        self._calendar = Calendar(timezone)
        self._packer = Packer(self._calendar)
        self._adopt(retain_days, retain_requests, owned)
        self.volume.retime(timezone)
        if self._connection is not None:
            self._connection.send(self._name_timezone(), _ignore)

    def _adopt(self, retain_days: int, retain_requests: int, owned: Iterable[str]) -> None:
        self._retain_requests = retain_requests
        self._sender.retained = retain_days * 86_400
        self._sender.owned = tuple(sorted(map(escape_name, owned)))

    # --- what requests call

    def reserve(self, hold: Hold) -> asyncio.Future[Admission]:
        """Holds the worst case of a request, against every limit or none. `hold.id` comes from `next_id`.

        Raises `LedgerUnavailable`: at once while the server is lost, else when awaited. Cancelling the wait is safe:
        a hold that was made all the same is released. Without limits the answer is there already, mostly.
        """
        if not self.available:
            raise LedgerUnavailable(self.why)
        future: asyncio.Future[Admission] = self._loop.create_future()
        if self._early.admits(hold, self._loop.time(), self._packer, self._number + 1):
            self._live[hold.id] = Held(hold, hold.sides)
            self._send_some_time()
            future.set_result(_ADMITTED[hold.sides])
            return future
        self._reserved.append((hold, future))
        if self._flight is None and (not self._scheduled or len(self._reserved) == ENOUGH):
            self._send_soon()
        return future

    def settle(self, settlement: Settlement) -> None:
        """What really happened replaces the hold, which must have been admitted. Settling twice changes nothing."""
        held = self._live.pop(settlement.id, None)
        if held is not None:
            self._see(settlement)
            sent = not self._early.forget(held.hold)
            self._queue(Settle(held, settlement, pack_record(settlement), sent))

    def release(self, id: str) -> None:
        """Nothing happened: the hold goes without being counted."""
        held = self._live.pop(id, None)
        if held is not None and not self._early.forget(held.hold):
            self._queue(Release(held))

    def record(self, settlement: Settlement, counters: CounterSet) -> None:
        """Counts a request that went on although `reserve` raised `LedgerUnavailable`; to be called once for it."""
        self._live.pop(settlement.id, None)
        self._see(settlement)
        self._queue(Count(settlement, counters, pack_record(settlement, "unheld")))

    def attempt(self, settlement: Settlement, counters: CounterSet) -> None:
        """Counts what an attempt that failed may have cost, beside its request; `settlement.requests` is 0."""
        self._queue(Count(settlement, counters, pack_record(settlement, "attempt"), 0))

    def correct(self, booked: Settlement, real: Settlement) -> None:
        """Takes back what was booked of a request, and counts what it took; to be called once for it. Limits of its
        day and month follow."""
        self._see(booked, taken_back=True)
        self._see(real)
        self._queue(Count(without_hold(booked), NO_COUNTERS, pack_record(booked, "withdrawn"), 0, taken_back=True))
        self._queue(Count(without_hold(real), NO_COUNTERS, pack_record(real, "final"), 0))

    def note(self, record: bytes) -> None:
        """Writes a record of a request that was refused, see `record.pack_refused`."""
        self._queue(Note(record))

    def _see(self, settlement: Settlement, *, taken_back: bool = False) -> None:
        if settlement.eligible:
            uncached, cached, output = eligible_tokens(settlement)
            tokens = (-uncached, -cached, -output) if taken_back else (uncached, cached, output)
            self.volume.add(quarter_of(settlement.at), tokens)

    # --- batches

    def _queue(self, operation: Operation) -> None:
        self._operations.append(operation)
        self._send_some_time()

    def _send_some_time(self) -> None:
        """Nobody waits for it."""
        if not self._timed:
            self._timed = True
            self._loop.call_later(LONGEST_WAIT, self._time_is_up)
        if self._flight is None and self._is_full():
            self._send_soon()

    def _is_full(self) -> bool:
        return len(self._operations) >= BATCH_LIMIT or self._early.is_full

    def _time_is_up(self) -> None:
        self._timed = False
        if self._connection is None:
            self._journal_waiting()
        elif not self._scheduled and (self._operations or self._early.due):
            self._send_batch()

    def _rest_slices(self) -> None:
        self._resting = False
        self._early.slices.rest(self._loop.time())
        if self._early.slices.due:
            self._send_some_time()
        self._mind_slices()

    def _mind_slices(self) -> None:
        if self._early.slices.any and not self._resting and not self._closing:
            self._resting = True
            self._loop.call_later(REST, self._rest_slices)

    def _send_soon(self) -> None:
        wait = self._sent_at + PACE - self._loop.time() if self._crowd >= MANY else 0.0
        if wait <= 0 or len(self._reserved) >= ENOUGH or self._is_full() or self._closing:
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
        self._flight = self._build_batch()
        if self._flight is not None:
            self._send(self._flight)
        elif self._reserved:
            # Of as many as one batch takes, none waits any more: those behind them do.
            self._send_soon()

    def _build_batch(self) -> _InFlight | None:
        """The next batch, with everything that waits, up to the limit."""
        admitted = self._early.unsent
        reserved = self._take_reserved(BATCH_LIMIT - len(admitted))
        operations = self._take_operations()
        if not reserved and not operations and not self._early.due:
            return None
        shares = self._early.gone(self._loop.time())
        holds = [hold for hold, _ in reserved]
        batch = batch_of(self._next_number(), operations, holds, list(admitted.items()), shares)
        # Before it is sent: a worker killed between the two leaves a journal that is one batch ahead, which is
        # brought in. The other way round the server would be ahead, and nobody could bring back what it loses then.
        self._write_down(batch)
        self._sender.lease = int(1000 * self._ids.lease)
        packed = self._packer.together(batch, self._sender)
        if packed is None:
            return self._one_by_one(batch, reserved, admitted, self._packer.own_tokens(operations))
        return _InFlight(
            batch=batch,
            reserved=reserved,
            admitted=admitted,
            own=packed.own,
            packed=packed,
            script=self._scripts.commit,
            payload=packed.payload,
        )

    def _take_reserved(self, most: int) -> list[Reserved]:
        """Those that still wait for it, as many as one call takes."""
        waiting = self._reserved
        taken, number, looked_at = [], 0, 0
        known: set[int] = set()
        for each in waiting:
            counters = each[0].counters
            if id(counters) not in known:
                looked_at += len(counters.all)
                known.add(id(counters))
            if number >= most or (looked_at > LOOKED_AT_LIMIT and number):
                break
            number += 1
            if not each[1].done():
                taken.append(each)
        del waiting[:number]
        return taken

    def _one_by_one(
        self, batch: Batch, reserved: list[Reserved], admitted: dict[str, bytes], own: dict[int, Tokens]
    ) -> _InFlight:
        """Its holds go with the next batch."""
        self._reserved[:0] = reserved
        self._early.put_back(admitted, batch.shares, self._number + 1)
        parts = self._packer.in_parts(batch, self._sender, PART)
        payload, part = next(parts)
        return _InFlight(
            batch=batch,
            reserved=[],
            admitted={},
            own=own,
            packed=None,
            script=self._scripts.each,
            payload=payload,
            parts=parts,
            part=part,
        )

    def _take_operations(self) -> list[Operation]:
        waiting = self._operations
        taken: list[Operation] = []
        cells: set[int] = set()
        while waiting and len(taken) < BATCH_LIMIT and len(cells) < DIFFERENT_LIMIT:
            operation = waiting.popleft()
            taken.append(operation)
            if isinstance(operation, COUNTED):
                cells.add(id(operation.settlement.cell))
            elif isinstance(operation, Release):
                cells.add(id(operation.held.hold.cell))
        return taken

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _write_down(self, batch: Batch) -> None:
        # The first that asks for slices is there in any case: once this worker is gone, its journal is what shows that
        # all it admitted out of them was brought in.
        if batch.records or (batch.shares and not self._logged.last):
            self._logged.append(batch.number, batch.blob)

    def _journal_waiting(self) -> None:
        """While the server is lost: what waits is numbered and journaled, to be sent when it is found again."""
        while self._operations:
            operations = self._take_operations()
            batch = batch_of(self._next_number(), operations)
            self._write_down(batch)
            self._doubtful += [operation.held for operation in operations if isinstance(operation, Release)]
            self._unanswered.append(self._packer.own_tokens(operations))

    def _send(self, flight: _InFlight) -> None:
        assert self._connection is not None
        self._sent_at = self._loop.time()
        self._connection.send(flight.script.run(flight.payload), self._answered)

    # --- answers

    def _answered(self, reply: Any) -> None:
        flight, connection = self._flight, self._connection
        if flight is None or connection is None or isinstance(reply, LedgerUnavailable):
            return  # `_on_lost` follows
        if type(reply) is list:
            if reply[0] == 1:
                self._go_on_or_land(flight, reply)
            else:
                connection.lose("the server's books are not the ones that were written to last")
        elif reply is None:
            self._flight = flight = self._one_by_one(flight.batch, flight.reserved, flight.admitted, flight.own)
            self._send(flight)
        elif str(reply).startswith("NOSCRIPT"):
            connection.send(flight.script.load() + flight.script.run(flight.payload), self._answered, ignore=1)
        else:
            connection.lose(str(reply))

    def _go_on_or_land(self, flight: _InFlight, reply: list[Any]) -> None:
        following = None if flight.packed is not None else next(flight.parts, None)
        if following is None:
            self._on_reply(flight, reply)
            return
        flight.counted += reply[1]
        flight.payload, flight.part = following
        self._send(flight)

    def _on_reply(self, flight: _InFlight, reply: list[Any]) -> None:
        # All in one turn of the loop. Whoever is told of an admission runs in a later one, and the batch that it
        # begins says that this one was applied; it would be out of turn if it could be made before `last` is.
        self._flight = None
        self._failures = 0
        self._early.answered_at = self._loop.time()
        self._sender.last, self._sender.part = flight.batch.number, 0
        self._logged.acknowledged(flight.batch.number)
        counted = flight.counted + reply[1] if flight.counted else reply[1]
        if flight.own or counted:
            self.volume.answered(flight.own, counted)
        if flight.packed is not None:
            self._crowd = len(flight.reserved)
            self._early.slices.answered(flight.batch.shares, reply[4], self._sent_at + USABLE)
            self._mind_slices()
            self._admit(flight.reserved, _admissions(flight, flight.packed, reply[2], reply[3]))
        self._landed.set()
        if self._reserved:
            self._send_soon()
        elif self._operations or self._early.due:
            self._send_some_time()

    def _admit(self, reserved: list[Reserved], admissions: dict[int, Admission]) -> None:
        live = self._live
        for position, (hold, future) in enumerate(reserved):
            admission = admissions.get(position) or _ADMITTED[hold.sides]
            if admission.sides < 0:  # only slices of others are in its way
                self._ask_again(hold, future)
            elif not future.done():
                if admission.sides:
                    live[hold.id] = Held(hold, admission.sides)
                future.set_result(admission)
            elif admission.sides:  # it was cancelled on the way, and nobody else would let go of what the server holds
                self._queue(Release(Held(hold, admission.sides)))

    def _ask_again(self, hold: Hold, future: asyncio.Future[Admission]) -> None:
        if not self._called_back:
            self._loop.call_later(AGAIN, self._ask_those_again)
        self._called_back.append((hold, future))

    def _ask_those_again(self) -> None:
        self._reserved[:0] = self._called_back
        self._called_back = []
        if self._reserved and self._flight is None:
            self._send_soon()

    # --- the connection

    def _on_lost(self, why: str) -> None:
        """Reservations fail; everything else goes to the journal until there is a connection again.

        The batch in flight may have been applied: what it counts is in the journal, its holds are doubtful, or, where
        nobody waited for them, uncertain.
        """
        # All in one turn, too: a reservation made in between would stand in a list that nobody sends or fails any more.
        self.available, self.why, self._connection = False, why, None
        failed = [*self._called_back, *self._reserved]
        self._called_back = []
        self._reserved = []
        self._early.lose(None if self._flight is None else self._flight.admitted)
        if self._flight is not None:
            flight, self._flight = self._flight, None
            failed = [*flight.reserved, *failed]
            self._doubtful += [Held(hold, hold.sides) for hold, _ in flight.reserved]
            self._doubtful += [each.held for each in flight.batch.operations if isinstance(each, Release)]
            self._unanswered.append(flight.own)
        for _, future in failed:
            if not future.done():
                future.set_exception(LedgerUnavailable(why))
        self._landed.set()
        self._lost.set()
        if not self._closing:
            _log.error("ledger lost: %s", why)
        self._journal_waiting()

    async def _stay_connected(self) -> None:
        while True:
            self._lost.clear()
            try:
                await self._connect()
                self._tried.set()
                await self._lost.wait()
            except LedgerUnavailable as error:
                self._still_lost(str(error))
                self._tried.set()
            self._failures += 1
            await asyncio.sleep(backoff(self._failures, _FIRST_BACKOFF, _LONGEST_BACKOFF, random.random()))

    def _still_lost(self, why: str) -> None:
        """Said again only when the reason is another one."""
        if self.available or why != self.why:
            _log.error("ledger not reached: %s", why)
        self.available, self.why = False, why

    async def _connect(self) -> None:
        connection = await connect(self._address, self._timeout, self._on_lost)
        books = Books(connection, self._scripts, self._packer, self._clock)
        try:
            await self._prepare(connection, books)
        except (hiredis.ReplyError, LostBooks, JournalError, ValueError) as error:
            connection.lose(str(error))
            raise LedgerUnavailable(f"{self._address.name}: {error}") from None
        self.available, self.why = True, ""
        self._early.answered_at = self._loop.time()
        _log.info("ledger reached: %s", self._address.name)
        self._send_soon()

    async def _prepare(self, connection: Connection, books: Books) -> None:
        """Writes before anything else, so that a server that cannot is not taken for available."""
        await connection.run(self._name_timezone())
        await books.load_scripts()
        acknowledged, epoch = self._sender.last, self._sender.epoch
        opened = await books.open(self._sender, knows_older=bool(epoch) or self._logged.has_entries)
        if opened.new or (epoch and (opened.epoch != epoch or opened.last < acknowledged)):
            self._books_lost = True
        if opened.former:
            _log.warning("ledger: the books are of an earlier version, and are brought to this one")
            await books.upgrade(self._sender)
        await books.hold(self._sender, [self._live[id] for id in self._early.uncertain if id in self._live])
        await self._bring_own(books)
        await self._bring_others(books)
        if self._books_lost and epoch:
            _log.error("ledger: the server had lost its books; they were brought back from the journal")
            await books.hold_again(self._sender, self._ids, self._live.values())
        await books.until_trusted(opened)
        await books.end_slices({self._sender.writer: self._sender.term})
        await self._sweep(books)
        await self._bring_own(books)
        self._books_lost = False
        self._resume(connection)

    async def _bring_own(self, books: Books) -> None:
        """Until nothing is left, for more is journaled meanwhile."""
        self._journal_waiting()
        while self._sender.last < self._logged.last:
            await books.bring(self._sender, self._logged)
            self._journal_waiting()

    async def _bring_others(self, books: Books) -> None:
        """What workers that are gone have journaled, and the server has not."""
        brought = 0
        ended: list[str] = []
        for orphan in self._logged.orphans():
            try:
                brought += await self._bring_orphan(books, orphan)
                ended.append(orphan.writer)
                orphan.retire()
            finally:
                orphan.close()
        applied = await books.applied()
        for former in self._logged.retired():
            ended.append(former.writer)
            last = applied.get(former.writer, 0)
            if last < self._former.get(former.writer, last + 1):
                if any(True for _ in former.entries(last)):
                    brought += await self._bring_other(books, former)
                else:
                    self._former[former.writer] = last
        # Each time of all: books that lost their last writes do not know it any more.
        await books.end_slices(dict.fromkeys(ended, NO_LATER_TERM))
        if brought:
            _log.warning("ledger: %d batches of workers that are gone were brought in", brought)

    async def _bring_orphan(self, books: Books, orphan: Orphan) -> int:
        sender = await self._opened(books, orphan)
        # Before a batch goes in parts, its holds are made, or noted for the next one: those that are left have ended.
        last = sender.last + 1 if sender.part else sender.last
        await books.make_holds(sender, [noted_of(payload) for payload in orphan.holds(last)])
        return await books.bring(sender, orphan)

    async def _bring_other(self, books: Books, reading: Reading) -> int:
        return await books.bring(await self._opened(books, reading), reading)

    async def _opened(self, books: Books, reading: Reading) -> Sender:
        sender = Sender(reading.writer, self._sender.retained, self._sender.owned)
        await books.open(sender, knows_older=True)
        return sender

    def _resume(self, connection: Connection) -> None:
        """From here on batches go to the server again.

        In the very turn in which `_bring_own` found nothing left. What is journaled between the two would have a number
        that the next batch passes over, and would count for applied although it never was.
        """
        for own in self._unanswered:
            self.volume.answered(own, ())
        self._unanswered = []
        for held in self._doubtful:
            self._operations.append(Release(held, doubtful=True))
        self._doubtful = []
        self._early.uncertain.clear()
        self._connection = connection
        for commands in self.pins.take_waiting():
            connection.send(_transaction(commands), _ignore, ignore=len(commands) + 1)

    async def _transact(self, commands: Sequence[bytes]) -> list[Any]:
        """Commands beside the batches. Raises `LedgerUnavailable`, also when the server refuses them."""
        connection = self._connection
        if connection is None:
            raise LedgerUnavailable(self.why)
        try:
            replies: list[Any] = await connection.run(_transaction(commands), ignore=len(commands) + 1)
        except hiredis.ReplyError as error:
            raise LedgerUnavailable(str(error)) from None
        for reply in replies:
            if type(reply) is hiredis.ReplyError:
                raise LedgerUnavailable(str(reply))
        return replies

    def _name_timezone(self) -> bytes:
        return pack("SET", TIMEZONE_KEY, self._calendar.timezone.key)

    async def _watch_on(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            looks += 1
            self._logged.catch_up()
            if self._connection is not None:
                await self._look(self._connection)
            if looks % SWEEPS == 0:
                await self.sweep()
            if looks % TIDIES == 0:
                await asyncio.to_thread(self._logged.tidy)

    async def _look(self, connection: Connection) -> None:
        try:
            if not await Books(connection, self._scripts, self._packer, self._clock).stand(self._sender):
                connection.lose("the server's books are not the ones that were written to last")
        except LedgerUnavailable:
            pass  # `_on_lost` has seen it
        except hiredis.ReplyError as error:
            connection.lose(str(error))

    async def sweep(self) -> None:
        """Charges the holds of past leases as held, and takes over what all workers have counted."""
        connection = self._connection
        if connection is not None:
            try:
                await self._sweep(Books(connection, self._scripts, self._packer, self._clock))
            except LedgerUnavailable:
                pass  # `_on_lost` has seen it
            except hiredis.ReplyError as error:
                connection.lose(str(error))

    async def _sweep(self, books: Books) -> None:
        charged, counted = await books.sweep(self._sender, self._retain_requests)
        if charged:
            _log.warning("%d reservations were not settled by their lease and were charged as held", charged)
        self.volume.load(counted)


def _admissions(
    flight: _InFlight, packed: Packed, verdicts: Sequence[int], reached: Sequence[int]
) -> dict[int, Admission]:
    """By position in the batch's holds, for those that are not simply admitted."""
    if not verdicts and not reached:
        return {}
    soft = {}
    for i in range(0, len(reached), 3):
        counter = packed.counters[reached[i] - 1]
        soft[counter.key, counter.field] = Reached(counter.limit, reached[i + 1], reached[i + 2])
    judged = {}
    for i in range(0, len(verdicts), 6):
        number, sides, full, *figures = verdicts[i : i + 6]
        judged[packed.limited[number - 1]] = sides, Verdict(packed.counters[full - 1].limit, *figures)
    admissions = {}
    for position in packed.limited:
        hold = flight.batch.holds[position]
        sides, verdict = judged.get(position, (hold.sides, None))
        warnings = tuple([soft[c.key, c.field] for c in hold.counters.all if (c.key, c.field) in soft])
        if verdict is not None or warnings:
            admissions[position] = Admission(sides, verdict, warnings)
    return admissions


def _transaction(commands: Sequence[bytes]) -> bytes:
    return b"".join((pack("MULTI"), *commands, pack("EXEC")))


def _ignore(reply: object) -> None:
    pass
