"""Days that are over, added up before anybody asks, so that no page of many days has to wait for that.

The ledger keeps what was added up of a day (`ledger.reports.totals_by_dimension`) from the first time that somebody
asks; here that is asked for days in the background, one at a time, the latest first, with pauses that leave the
server to requests. Of several gateways on a ledger each looks, and the first one does it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from router.admin.ledger_session import days_back, timezone_of
from router.core.cost.volume import day_before, day_of
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import day_range, open_report
from router.ledger.reports.totals_by_dimension import KEPT_LOOKS, of_teams, open_from

DAYS = 400
"""As many as a page can show."""
PAUSE_SECONDS = 900.0
"""Until it looks for the next day that is over, and for corrected ones."""
START_SECONDS = 2.0
SHARE = 0.1
"""Of the time that adding up takes, pauses included: the server does nothing else meanwhile."""

log = logging.getLogger("breakeven.admin")


class PastDays:
    """`redis` is the ledger's URL; `plan` tells what is in force, `clock` seconds since the epoch. Each of
    the `teams` has members who sign in, and see its spend alone."""

    def __init__(self, redis: str, plan: Callable[[], Plan], clock: Callable[[], float], teams: frozenset[str]) -> None:
        self._redis = redis
        self._plan = plan
        self._clock = clock
        self._looks = [*KEPT_LOOKS, *of_teams(teams)]
        self._done: dict[str, bytes] = {}
        """By day, the mark of what was added up, which goes with a correction."""

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.sleep(START_SECONDS)
        while True:
            try:
                await self.add_up()
            except LedgerUnavailable as error:
                log.debug("past days are added up once the ledger is back", extra={"why": str(error)})
            except Exception:  # a defect of ours, which costs pages their time and nothing else
                log.exception("a past day was not added up")
            await asyncio.sleep(PAUSE_SECONDS)

    async def add_up(self) -> int:
        """What is missing of all days; of how many there was something. Raises LedgerUnavailable."""
        async with open_report(self._redis) as report:
            timezone = await timezone_of(report, self._plan().policy.cost.timezone)
            open_since = open_from(day_of(self._clock(), timezone))
            last = day_before(open_since)
            days = day_range(days_back(last, DAYS), last)
            marks = dict(zip(days, await report.marks(days), strict=True))
        self._done = {day: mark for day, mark in self._done.items() if marks.get(day) == mark}
        missing = [day for day in reversed(days) if marks[day] != b"" and day not in self._done]
        for day in missing:
            began = monotonic()
            await self._add_up_one(day, open_since)
            await asyncio.sleep((monotonic() - began) * (1 / SHARE - 1))
        return len(missing)

    async def _add_up_one(self, day: str, open_since: str) -> None:
        async with open_report(self._redis) as report:
            await report.add_up(self._looks, [day], open_since)
            (mark,) = await report.marks([day])
        if mark:
            self._done[day] = mark
