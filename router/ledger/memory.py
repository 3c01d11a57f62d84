"""The ledger in one process's memory: for tests, and the plainest statement of its rules.

Nothing is kept, nothing is shared with other processes, and every operation takes effect at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from router.core.values import Cell, Hold, Row, Settlement, Usage
from router.core.volume import quarter_of
from router.ledger.batch import eligible_tokens
from router.ledger.errors import LedgerUnavailable
from router.ledger.layout import ID_BUCKET_DIGITS, LEASE_BUCKET_SECONDS, Calendar, ReservationIds
from router.ledger.report import merge
from router.ledger.volume import VolumeTracker


class MemoryLedger:
    """The interface of `router.ledger.commit.Ledger`, and `rows` to read it. `available` may be set, for tests."""

    def __init__(self, *, timezone: ZoneInfo, clock: Callable[[], float] = time.time) -> None:
        self.available = True
        self.why = ""
        self.volume = VolumeTracker(timezone)
        self.next_id = ReservationIds().next_id
        self.holds: dict[str, Hold] = {}
        self._charged: dict[str, Hold] = {}
        self._recorded: set[str] = set()
        self._totals: dict[tuple[str, Cell], Counter[str]] = {}
        self._calendar = Calendar(timezone)
        self._clock = clock

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def flush(self) -> None:
        pass

    def retime(self, timezone: ZoneInfo, retain_days: int) -> None:
        self._calendar = Calendar(timezone)
        self.volume.retime(timezone)

    def reserve(self, hold: Hold) -> asyncio.Future[None]:
        if not self.available:
            raise LedgerUnavailable(self.why)
        self.holds[hold.id] = hold
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def settle(self, settlement: Settlement) -> None:
        if self._lift(settlement.id):
            self._count(settlement)

    def release(self, id: str) -> None:
        self._lift(id)

    def record(self, settlement: Settlement) -> None:
        self._lift(settlement.id)
        if settlement.id not in self._recorded:
            self._recorded.add(settlement.id)
            self._count(settlement)

    async def sweep(self) -> None:
        now = int(self._clock() // LEASE_BUCKET_SECONDS)
        for hold in [hold for hold in self.holds.values() if int(hold.id[:ID_BUCKET_DIGITS]) <= now]:
            del self.holds[hold.id]
            if hold.id not in self._recorded:
                self._charged[hold.id] = hold
                self._charge(hold, 1)

    def rows(self, days: Iterable[str]) -> list[Row]:
        """Totals of each cell over some days, as `Report.days` reads them."""
        wanted = set(days)
        return merge(Row(cell, **totals) for (day, cell), totals in self._totals.items() if day in wanted)

    def _lift(self, id: str) -> bool:
        """Removes the hold, or takes back its charge; whether there was one of them."""
        if self.holds.pop(id, None) is not None:
            return True
        charged = self._charged.pop(id, None)
        if charged is None:
            return False
        self._charge(charged, -1)
        return True

    def _charge(self, hold: Hold, sign: int) -> None:
        totals = self._totals_at(hold.at, hold.cell)
        totals.update(
            requests=sign, input=sign * hold.input, output=sign * hold.output, cost=sign * hold.cost, unsettled=sign
        )
        if hold.eligible:
            self._see(hold.at, (sign * hold.input, 0, sign * hold.output))

    def _count(self, settlement: Settlement) -> None:
        usage: Usage = settlement.usage
        self._totals_at(settlement.at, settlement.cell).update(
            requests=1,
            errors=int(settlement.error),
            input=usage.input,
            cached=usage.cached,
            output=usage.output,
            cost=settlement.cost,
            counterfactual=settlement.counterfactual,
            estimated=int(usage.estimated),
        )
        if settlement.eligible:
            self._see(settlement.at, eligible_tokens(settlement))

    def _totals_at(self, at: float, cell: Cell) -> Counter[str]:
        return self._totals.setdefault((self._calendar.slot(at).day, cell), Counter())

    def _see(self, at: float, tokens: tuple[int, int, int]) -> None:
        self.volume.add(quarter_of(at), tokens)
