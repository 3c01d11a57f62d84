"""Days and hours that are over, added up before anybody asks, so that no page of many has to wait for that.

The ledger keeps what was added up of each (`ledger.reports.totals_by_dimension`) from the first time that somebody
asks; here that is asked for in the background, one at a time, hours before days and the latest first, with pauses that
leave the server to requests. Of several gateways on a ledger each looks, and the first one does it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from zoneinfo import ZoneInfo

from router.admin.ledger_session import HOUR_SECONDS, days_back, timezone_of
from router.core.cost.volume import day_before, day_of
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.periods import Period, days_before, hours_before
from router.ledger.reports.totals import day_range, open_report
from router.ledger.reports.totals_by_dimension import KEPT_LOOKS, Look, of_teams

DAYS = 400
"""As many as a page can show."""
HOURS = 7 * 24
"""The same, all traffic by backend."""
PAUSE_SECONDS = 900.0
"""Until it looks for what is over by then, and for what was corrected."""
START_SECONDS = 2.0
SHARE = 0.1
"""Of the time that adding up takes, pauses included: the server does nothing else meanwhile."""

_OF_HOURS = (Look(("backend",), names=False),)

log = logging.getLogger("breakeven.admin")


class PastTotals:
    """`redis` is the ledger's URL; `plan` tells what is in force, `clock` seconds since the epoch. Each of
    the `teams` has members who sign in, and see its spend alone."""

    def __init__(self, redis: str, plan: Callable[[], Plan], clock: Callable[[], float], teams: frozenset[str]) -> None:
        self._redis = redis
        self._plan = plan
        self._clock = clock
        self._of_days = [*KEPT_LOOKS, *of_teams(teams)]
        self._done: dict[Period, bytes] = {}
        """The mark of what was added up, which goes with a correction."""

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.sleep(START_SECONDS)
        while True:
            try:
                await self.add_up()
            except LedgerUnavailable as error:
                log.debug("past totals are added up once the ledger is back", extra={"why": str(error)})
            except Exception:  # a defect of ours, which costs pages their time and nothing else
                log.exception("past totals were not added up")
            await asyncio.sleep(PAUSE_SECONDS)

    async def add_up(self) -> int:
        """What is missing of all hours and days; of how many there was something. Raises LedgerUnavailable."""
        async with open_report(self._redis) as report:
            hours, days = _over(self._clock(), await timezone_of(report, self._plan().policy.cost.timezone))
            over = [*hours, *days]
            marks = dict(zip(over, await report.marks(over), strict=True))
        self._done = {period: mark for period, mark in self._done.items() if marks.get(period) == mark}
        missing = [period for period in over if marks[period] != b"" and period not in self._done]
        for period in missing:
            began = monotonic()
            await self._add_up_one(_OF_HOURS if period in hours else self._of_days, period)
            await asyncio.sleep((monotonic() - began) * (1 / SHARE - 1))
        return len(missing)

    async def _add_up_one(self, looks: Sequence[Look], period: Period) -> None:
        async with open_report(self._redis) as report:
            await report.add_up(looks, [period])
            (mark,) = await report.marks([period])
        if mark:
            self._done[period] = mark


def _over(now: float, timezone: ZoneInfo) -> tuple[list[Period], list[Period]]:
    """Hours and days, the latest of each first."""
    present, today = int(now // HOUR_SECONDS), day_of(now, timezone)
    yesterday = day_before(today)
    hours = hours_before(present, range(present - 1, present - 1 - HOURS, -1))
    return hours, days_before(today, reversed(day_range(days_back(yesterday, DAYS), yesterday)))
