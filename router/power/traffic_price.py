"""Tells workers what the cloud charges for the traffic of the last day, each request at its own cheapest route.

`strategy: breakeven` compares with it where no units are switched. Every gateway of a ledger tells it, and all say the
same, so it needs no lease.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from router.core.cost.breakeven import price_of_traffic
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import PowerLink
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look
from router.ledger.shared_status import tell_price

TICK_SECONDS = 30.0
_HOUR = 3600
_DAY_HOURS = 24
_BY_BACKEND = Look(("backend",), names=False)

log = logging.getLogger("breakeven.price")


class TrafficPrice:
    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        """Raises ValueError for a URL that cannot be used."""
        self._link = PowerLink(url)
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self.tell()
                except LedgerUnavailable:
                    pass  # workers go on with what they heard, for a while
                except Exception:  # a defect of ours: the next look must come all the same
                    log.exception("price of the traffic not told")
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._link.close()

    async def tell(self) -> None:
        """Raises `LedgerUnavailable`."""
        connection = await self._link.connection()
        hour = int(self._clock() // _HOUR)
        tallies = await Report(connection).hours_by(_BY_BACKEND, range(hour - _DAY_HOURS + 1, hour + 1), hour)
        await tell_price(connection, price_of_traffic(row for tally in tallies for row in tally.rows))
