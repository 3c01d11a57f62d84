"""The ledger in one process's memory: what tests need, and the plainest statement of its rules.

Nothing is kept, nothing is shared with other processes, and every operation takes effect at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from router.core.bookings import Booking
from router.core.cost.volume import quarter_of
from router.core.cost.volume_tracker import VolumeTracker
from router.core.limits.amounts import held_by, used_by
from router.core.limits.counters import LOCAL, NO_COUNTERS, Admission, CounterSet, Hold
from router.core.limits.counting import Counting
from router.core.limits.exhausted import Exhausted
from router.core.pins import Pin
from router.core.values import Cell, Row, Settlement, Usage
from router.ledger.client.batch import Held, eligible_tokens
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import VERSION, Record, batch_blob, pack_record, unpack_records
from router.ledger.redis_keys import ID_BUCKET_DIGITS, LEASE_BUCKET_SECONDS, Calendar, ReservationIds
from router.ledger.reports.totals import merge


class MemoryPins:
    """The interface of `ledger.pins.Pins`. `pins` and how long each is kept are there to be looked at."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.pins: dict[str, Pin] = {}
        self.seconds: dict[str, float] = {}
        self.bookings: dict[str, Booking] = {}
        self._ledger = ledger

    def _need(self) -> None:
        if not self._ledger.available:
            raise LedgerUnavailable(self._ledger.why)

    async def find(self, ids: Collection[str]) -> Mapping[str, Pin]:
        self._need()
        return {id: self.pins[id] for id in ids if id in self.pins}

    async def remember(self, ids: Iterable[str], pin: Pin, seconds: float) -> None:
        self._need()
        for id in ids:
            self.pins[id] = self.pins.get(id, pin).labelled(pin.levels, pin.tags)
            self.seconds[id] = seconds

    async def forget(self, ids: Iterable[str]) -> None:
        self._need()
        for id in ids:
            self.pins.pop(id, None)

    async def book(self, id: str, booking: Booking, seconds: float) -> None:
        self._need()
        self.bookings[id] = booking

    async def take_booking(self, id: str) -> Booking | None:
        self._need()
        return self.bookings.pop(id, None)


class MemoryLedger:
    """The interface of `GroupCommitLedger`, and `rows` to read it. `available` may be set, for tests."""

    def __init__(
        self, *, timezone: ZoneInfo, owned: Iterable[str] = ("local",), clock: Callable[[], float] = time.time
    ) -> None:
        self.available = True
        self.why = ""
        self.volume = VolumeTracker(timezone)
        self.exhausted = Exhausted()
        self.pins = MemoryPins(self)
        self.next_id = ReservationIds().next_id
        self.holds: dict[str, Held] = {}
        self.counting = Counting()
        self.counters = self.counting.kept
        self.records: list[Record] = []
        """Request records, in the order of the stream."""
        self._charged: dict[str, Held] = {}
        self._totals: dict[tuple[str, Cell], Tally[str]] = {}
        self._calendar = Calendar(timezone)
        self._owned = frozenset(owned)
        self._clock = clock

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def flush(self) -> None:
        pass

    def retime(
        self, timezone: ZoneInfo, retain_days: int, *, retain_requests: int = 0, owned: Iterable[str] = ("local",)
    ) -> None:
        self._calendar = Calendar(timezone)
        self._owned = frozenset(owned)
        self.volume.retime(timezone)

    def reserve(self, hold: Hold) -> asyncio.Future[Admission]:
        if not self.available:
            raise LedgerUnavailable(self.why)
        admission = self.counting.admission(hold)
        if admission.sides:
            self.holds[hold.id] = Held(hold, admission.sides)
            self.counting.hold(hold, admission.sides)
        elif admission.verdict is not None:
            self.exhausted.note(hold, admission.verdict)
        future: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        future.set_result(msgspec.structs.replace(admission, warnings=self.counting.reached(hold.counters)))
        return future

    def settle(self, settlement: Settlement) -> None:
        held = self._lift(settlement.id)
        if held is not None:
            self._count(settlement, held.hold.counters)
            self._tell(pack_record(settlement))

    def release(self, id: str) -> None:
        self._lift(id)

    def record(self, settlement: Settlement, counters: CounterSet) -> None:
        self._lift(settlement.id)
        self._count(settlement, counters)
        self._totals_at(settlement.at, settlement.cell).update(unheld=1)
        self._tell(pack_record(settlement, "unheld"))

    def attempt(self, settlement: Settlement, counters: CounterSet) -> None:
        self._count(settlement, counters)
        self._tell(pack_record(settlement, "attempt"))

    def correct(self, booked: Settlement, real: Settlement) -> None:
        """Counters, which the scripts have follow, stay as they are here."""
        totals = self._totals_at(booked.at, booked.cell)
        before, self._totals[self._calendar.slot(booked.at).day, booked.cell] = totals, Tally()
        self._count(booked, NO_COUNTERS)
        taken = self._totals_at(booked.at, booked.cell)
        if booked.eligible:
            uncached, cached, output = eligible_tokens(booked)
            self._see(booked.at, (-2 * uncached, -2 * cached, -2 * output))
        before.subtract(taken)
        self._totals[self._calendar.slot(booked.at).day, booked.cell] = before
        self._tell(pack_record(booked, "withdrawn"))
        self._count(real, NO_COUNTERS)
        self._tell(pack_record(real, "final"))

    def note(self, record: bytes) -> None:
        self._tell(record)

    async def sweep(self) -> None:
        now = int(self._clock() // LEASE_BUCKET_SECONDS)
        for id in [id for id in self.holds if int(id[:ID_BUCKET_DIGITS]) <= now]:
            held = self._charged[id] = self.holds.pop(id)
            self.counting.hold(held.hold, held.sides, -1)
            self._charge(held, 1)

    # --- totals

    def rows(self, days: Iterable[str]) -> list[Row]:
        """Totals of each cell over some days, as `Report.days` reads them."""
        wanted = set(days)
        return merge(Row(cell, **totals) for (day, cell), totals in self._totals.items() if day in wanted)

    def _lift(self, id: str) -> Held | None:
        """Removes the hold, or takes back its charge; None when there was neither."""
        held = self.holds.pop(id, None)
        if held is not None:
            self.counting.hold(held.hold, held.sides, -1)
            return held
        held = self._charged.pop(id, None)
        if held is not None:
            self._charge(held, -1)
        return held

    def _charge(self, held: Held, sign: int) -> None:
        hold, cell = held.hold, _cell(held)
        cost = hold.local_cost if held.sides == LOCAL else hold.cost
        totals = self._totals_at(hold.at, cell)
        totals.update(
            requests=sign, input=sign * hold.input, output=sign * hold.output, cost=sign * cost, unsettled=sign
        )
        tokens, own = sign * (hold.input + hold.output), cell.zone in self._owned
        if hold.eligible:
            totals.update(eligible_tokens=tokens, cloud_value=0 if own else sign * cost)
        elif hold.captive:
            totals.update(captive=sign, captive_tokens=tokens, captive_cost=sign * cost)
        self.counting.use(hold.counters, own, _amounts(held), sign)
        if hold.eligible:
            self._see(hold.at, (sign * hold.input, 0, sign * hold.output))
        self.records.append(
            Record(
                "held" if sign > 0 else "lifted",
                hold.id,
                hold.at,
                cell.key,
                cell.team,
                cell.model,
                cell.backend,
                cell.zone,
                hold.input,
                output=hold.output,
                cost=cost,
                eligible=hold.eligible,
                request=hold.request,
                version=VERSION,
                captive=hold.captive,
                local=own,
            )
        )

    def _tell(self, record: bytes) -> None:
        self.records += unpack_records(batch_blob([record]))

    def _count(self, settlement: Settlement, counters: CounterSet) -> None:
        usage: Usage = settlement.usage
        totals = self._totals_at(settlement.at, settlement.cell)
        totals.update(
            requests=settlement.requests,
            errors=int(settlement.error),
            input=usage.input,
            cached=usage.cached,
            output=usage.output,
            cost=settlement.cost,
            counterfactual=settlement.counterfactual,
            estimated=int(usage.estimated),
        )
        if settlement.eligible:
            value = settlement.counterfactual if settlement.local else settlement.cost
            totals.update(eligible_tokens=usage.input + usage.output, cloud_value=value)
        elif settlement.captive:
            totals.update(
                captive=settlement.requests, captive_tokens=usage.input + usage.output, captive_cost=settlement.cost
            )
        self.counting.use(counters, settlement.local, used_by(settlement), 1)
        if settlement.eligible:
            self._see(settlement.at, eligible_tokens(settlement))

    def _totals_at(self, at: float, cell: Cell) -> Tally[str]:
        return self._totals.setdefault((self._calendar.slot(at).day, cell), Tally())

    def _see(self, at: float, tokens: tuple[int, int, int]) -> None:
        self.volume.add(quarter_of(at), tokens)


def _amounts(held: Held) -> tuple[int, ...]:
    """What is held, by measure."""
    return held_by(held.hold, held.sides == LOCAL)


def _cell(held: Held) -> Cell:
    """Where it is charged if nobody settles it."""
    local = held.hold.local_cell
    return local if held.sides == LOCAL and local is not None else held.hold.cell
