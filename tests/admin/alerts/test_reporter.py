"""The report of the week is made once, by whichever gateway comes first."""

from __future__ import annotations

import asyncio

import pytest
from support.alerting import plan_with
from support.control import API, NOON

from router.admin.alerts import reporter as module
from router.admin.alerts.reporter import Reporter
from router.admin.alerts.week import Weeks
from router.admin.errors import ApiError
from router.admin.ledger_session import LedgerSession
from router.admin.sources.interface import NoBudgets
from router.ledger.alerts import AlertsAt, AlertsLook

DAY = 86_400.0
PLAN = plan_with("http://127.0.0.1:9/x", "  report: {day: wed, hour: 8, to: [ops]}\n")


class At(AlertsAt):
    """The ledger's book at another time than the server's."""

    now = NOON

    async def look(self) -> AlertsLook:
        look = await super().look()
        return AlertsLook(self.now, look.kept, look.packed)


@pytest.fixture
async def reporters(session_valkey, valkey, clock, monkeypatch):
    monkeypatch.setattr("router.ledger.alerts.LATE_SECONDS", 1e9)
    books = [At(session_valkey) for _ in range(2)]
    weeks = Weeks(LedgerSession(session_valkey, clock), NoBudgets())
    yield [Reporter(book, weeks, lambda: PLAN, lambda: False) for book in books], books
    for each in books:
        each.close()


async def test_two_gateways_make_one(reporters, settle):
    (one, other), (book, _) = reporters
    await settle(API, NOON - DAY, cost=30_000_000)
    assert sorted(await asyncio.gather(one.tick(), other.tick())) == [False, True]
    assert not await one.tick()
    (notice,) = await book.told(9)
    assert (notice.id, notice.state, notice.subject) == ("report-2026-11-25", "report", "2026-11-18 to 2026-11-24")
    assert "$30" in notice.text and "<h1>" in notice.html
    message = await book.take("ops", "me", 60, 0)
    assert message is not None and message.subject == "The week from 2026-11-18 to 2026-11-24"


async def test_the_next_week_has_one_of_its_own(reporters, settle):
    (one, _), (book, _) = reporters
    assert await one.tick()
    book.now = NOON + DAY
    assert not await one.tick()
    book.now = NOON + 7 * DAY
    assert await one.tick()


async def test_without_a_report_in_the_policy_none_is_made(book):
    plan = plan_with("http://127.0.0.1:9/x")
    assert not await Reporter(book, None, lambda: plan, lambda: False).tick()


@pytest.mark.parametrize("error", [ApiError(503, "ledger_lost", "away"), RuntimeError("a defect")])
async def test_after_an_error_it_is_still_due(book, monkeypatch, error):
    monkeypatch.setattr(module, "TICK_SECONDS", 0.01)
    tried = asyncio.Event()
    reporter = Reporter(book, None, lambda: PLAN, lambda: False)
    results = [error]

    async def tick() -> bool:
        if results:
            raise results.pop()
        tried.set()
        return True

    monkeypatch.setattr(reporter, "tick", tick)
    running = asyncio.create_task(reporter.run())
    await asyncio.wait_for(tried.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
