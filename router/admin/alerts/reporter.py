"""Sends the report of the week: once for all gateways of a ledger, which claim it as they claim a crossing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from zoneinfo import ZoneInfo

from router.admin.alerts.week import Weeks
from router.admin.alerts.weekly_mail import html_of
from router.admin.errors import ApiError
from router.core.alerts.notices import Notice
from router.core.alerts.policy import WeeklyReport
from router.core.alerts.states import Alert, Move, Phase
from router.core.alerts.weekly import due, text_of
from router.core.values import Plan
from router.ledger.alerts import AlertBook
from router.ledger.errors import LedgerUnavailable

TICK_SECONDS = 60.0
KEY = "report"

log = logging.getLogger("breakeven.alerts")


class Reporter:
    """`plan` is the policy in force; `refused_edit` says whether the file holds another one."""

    def __init__(
        self, book: AlertBook, weeks: Weeks, plan: Callable[[], Plan], refused_edit: Callable[[], bool]
    ) -> None:
        self._book, self._weeks, self._plan, self._refused_edit = book, weeks, plan, refused_edit

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.tick()
            except (LedgerUnavailable, ApiError):
                pass  # it is still due afterwards
            except Exception:  # a defect of ours: the next week must come all the same
                log.exception("report not made")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> bool:
        """Whether this gateway has made one. Raises `LedgerUnavailable`, and ApiError for the same."""
        plan = self._plan()
        alerts = plan.policy.alerts
        if alerts is None or alerts.report is None:
            return False
        look = await self._book.look()
        zone = ZoneInfo(plan.policy.cost.timezone)
        day = due(alerts.report.day, alerts.report.hour, look.now, zone)
        made = look.kept.get(KEY)
        if not day or (made is not None and made.crossing >= day):
            return False
        week = await self._weeks.last(plan, look.now, refused_edit=self._refused_edit())
        notice = Notice(
            id=f"report-{day}",
            at=look.now,
            state="report",
            condition="report",
            severity="warning",
            subject=f"{week.first} to {week.last}",
            title=f"The week from {week.first} to {week.last}",
            text=text_of(week),
            since=look.now,
            html=html_of(week),
        )
        move = Move(KEY, made, _claimed(day, look.now), notice)
        (ours,) = await self._book.write(look, [(move, lanes(alerts.report))])
        return ours


def lanes(report: WeeklyReport) -> tuple[str, ...]:
    """It comes at its hour, whatever hours are quiet."""
    return tuple(dict.fromkeys(report.to))


def _claimed(day: str, now: float) -> Alert:
    return Alert(
        phase=Phase.OK, since=now, crossing=day, condition=KEY, subject="", severity="warning", title="", text=""
    )
