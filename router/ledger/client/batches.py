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
from collections import deque
from typing import Any
from zoneinfo import ZoneInfo

from router.core.cost.volume import quarter_of
from router.core.cost.volume_tracker import Tokens, VolumeTracker
from router.core.limits.counters import NO_COUNTERS, Admission, CounterSet, Hold
from router.core.limits.exhausted import Exhausted
from router.core.limits.slices import USABLE
from router.core.values import Settlement
from router.ledger.client.batch import (
    Batch,
    Count,
    Held,
    Note,
    Operation,
    Packer,
    Release,
    Sender,
    Settle,
    batch_of,
    eligible_tokens,
    without_hold,
)
from router.ledger.client.early_holds import EarlyHolds
from router.ledger.client.in_flight import InFlight, admissions_of
from router.ledger.client.recovery import PART
from router.ledger.client.waiting import BATCH_LIMIT, Reserved, take_operations, take_reserved
from router.ledger.errors import LedgerUnavailable
from router.ledger.journal.log import Log
from router.ledger.record import pack_record
from router.ledger.redis_keys import Calendar, ReservationIds
from router.ledger.scripts import read_scripts
from router.ledger.server.connection import Connection

LONGEST_WAIT = 0.05
"""Seconds that what nobody waits for does, for something to ride with."""
PACE = 0.005
"""Seconds between two batches while many wait: a server on the same machine answers so fast that each would carry few.

A small batch costs some 200 µs of CPU, here and at the server; a reservation waits half of this on average.
"""
MANY, ENOUGH = 4, 24
"""Reservations in one batch from which the next one waits for more, and those that go at once however short ago that
went."""
AGAIN = 0.02
"""Seconds until what waits for slices of others is asked for again."""
REST = 0.25
"""Seconds between two looks at which slices are not used."""
_ADMITTED = {sides: Admission(sides) for sides in (1, 2, 3)}

_log = logging.getLogger(__name__)


class Batches:
    """What requests call, and the batches that come of it, while there is a connection and while there is none.

    `available` says whether reservations can be made now, `why` what is wrong when they cannot. `volume` is what
    decisions ask for the eligible tokens seen.
    """

    _loop: asyncio.AbstractEventLoop

    def __init__(self, timezone: ZoneInfo, log: Log, term_of_slices: int) -> None:
        """`term_of_slices`: milliseconds that the server lends them for."""
        self.available = False
        self.why = "not connected yet"
        self.volume = VolumeTracker(timezone)
        self.exhausted = Exhausted()
        self._ids = ReservationIds()
        self.next_id = self._ids.next_id
        self._calendar = Calendar(timezone)
        self._packer = Packer(self._calendar)
        self._scripts = read_scripts()
        self._logged = log
        self._sender = Sender(log.writer, 0, (), term_of_slices=term_of_slices)
        self._number = 0
        self._connection: Connection | None = None
        self._reserved: list[Reserved] = []
        self._called_back: list[Reserved] = []
        """Those that wait for slices of others, which are called back."""
        self._operations: deque[Operation] = deque()
        self._live: dict[str, Held] = {}
        self._early = EarlyHolds(log)
        self._doubtful: list[Held] = []
        """Of a batch whose answer never came: released once that is possible."""
        self._unanswered: list[dict[int, Tokens]] = []
        """What own batches added to the volume that were only journaled so far."""
        self._flight: InFlight | None = None
        self._left_over = False
        """Whether operations have waited for the batch in flight, which had no room for them."""
        self._scheduled = False
        self._sent_at = 0.0
        self._crowd = 0
        """How many waited for the last batch."""
        self._paced: asyncio.TimerHandle | None = None
        self._timed = False
        self._resting = False
        self._closing = False
        self._failures = 0
        """Attempts to connect since a batch was last answered."""
        self._lost = asyncio.Event()
        self._landed = asyncio.Event()

    async def flush(self) -> None:
        """Waits until all that is queued is written, or the server is lost."""
        while self.available and (self._operations or self._early.due or self._flight is not None):
            self._landed.clear()
            self._send_soon()
            await self._landed.wait()

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

    def _build_batch(self) -> InFlight | None:
        """The next batch, with everything that waits, up to the limit."""
        admitted = self._early.unsent
        reserved = take_reserved(self._reserved, BATCH_LIMIT - len(admitted))
        operations = take_operations(self._operations)
        self._left_over = bool(self._operations)
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
        return InFlight(
            batch=batch,
            reserved=reserved,
            admitted=admitted,
            own=packed.own,
            packed=packed,
            script=self._scripts.commit,
            payload=packed.payload,
        )

    def _one_by_one(
        self, batch: Batch, reserved: list[Reserved], admitted: dict[str, bytes], own: dict[int, Tokens]
    ) -> InFlight:
        """Its holds go with the next batch."""
        self._reserved[:0] = reserved
        self._early.put_back(admitted, batch.shares, self._number + 1)
        parts = self._packer.in_parts(batch, self._sender, PART)
        payload, part = next(parts)
        return InFlight(
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
            operations = take_operations(self._operations)
            batch = batch_of(self._next_number(), operations)
            self._write_down(batch)
            self._doubtful += [operation.held for operation in operations if isinstance(operation, Release)]
            self._unanswered.append(self._packer.own_tokens(operations))

    def _send(self, flight: InFlight) -> None:
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

    def _go_on_or_land(self, flight: InFlight, reply: list[Any]) -> None:
        following = None if flight.packed is not None else next(flight.parts, None)
        if following is None:
            self._on_reply(flight, reply)
            return
        flight.counted += reply[1]
        flight.payload, flight.part = following
        self._send(flight)

    def _on_reply(self, flight: InFlight, reply: list[Any]) -> None:
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
            self._admit(flight.reserved, admissions_of(flight, flight.packed, reply[2], reply[3]), certain=not reply[5])
        self._landed.set()
        if self._reserved or self._left_over:
            self._send_soon()
        elif self._operations or self._early.due:
            self._send_some_time()

    def _admit(self, reserved: list[Reserved], admissions: dict[int, Admission], *, certain: bool) -> None:
        """`certain`: in what is used nothing was only lent to workers that are gone."""
        live = self._live
        for position, (hold, future) in enumerate(reserved):
            admission = admissions.get(position) or _ADMITTED[hold.sides]
            if admission.sides < 0:  # only slices of others are in its way
                self._ask_again(hold, future)
            elif not future.done():
                if admission.sides:
                    live[hold.id] = Held(hold, admission.sides)
                elif certain and admission.verdict is not None:
                    self.exhausted.note(hold, admission.verdict)
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

    # --- without a connection, and with one again

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
        self.exhausted.forget()
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
