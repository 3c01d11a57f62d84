"""Conditions are looked at, and what has changed is written once, however many look."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from support.alerting import observation, plan_with

from router.admin.alerts.watcher import Watcher
from router.admin.errors import ApiError
from router.core.alerts.observation import Observation, Seen
from router.ledger.alerts import AlertsAt
from router.ledger.errors import LedgerUnavailable

PLAN = plan_with("http://127.0.0.1:9/x", "  clear: 0s\n")


class Played:
    name = "limit"

    def __init__(self, *seen: Observation, every: float = 0.0) -> None:
        self.seen: Sequence[Observation] | None = seen
        self.every = every
        self.looks = 0

    async def look(self, plan: Any, alerts: Any, now: float) -> Sequence[Observation] | None:
        self.looks += 1
        return self.seen


async def test_what_is_seen_is_told_once(book):
    played = Played(observation())
    watcher = Watcher(book, [played], lambda: PLAN)
    assert [move.after.phase for move in await watcher.tick()] == ["firing"]
    assert await watcher.tick() == []
    assert [each.state for each in await book.told(9)] == ["firing"]
    played.seen = None
    assert await watcher.tick() == []
    played.seen = ()
    assert [move.notice.state for move in await watcher.tick()] == ["resolved"]


async def test_two_gateways_that_look_at_once_tell_it_once(session_valkey, valkey):
    books = [AlertsAt(session_valkey) for _ in range(2)]
    watchers = [Watcher(book, [Played(observation())], lambda: PLAN) for book in books]
    for _ in range(5):
        await asyncio.gather(*(watcher.tick() for watcher in watchers))
    assert len(await books[0].told(9)) == 1 and (await books[0].lanes(["ops"]))["ops"].waiting == 1
    for each in books:
        each.close()


async def test_some_are_looked_at_less_often(book):
    played = Played(every=3600)
    watcher = Watcher(book, [played], lambda: PLAN)
    await watcher.tick()
    await watcher.tick()
    assert played.looks == 1


async def test_one_that_fails_keeps_no_other_from_being_looked_at(book):
    class Failing(Played):
        name = "backend_down"

        async def look(self, plan: Any, alerts: Any, now: float) -> Sequence[Observation] | None:
            raise self.error

    for error in (ApiError(503, "ledger_lost", "away"), RuntimeError("a defect")):
        failing, played = Failing(), Played(observation(key=str(error)))
        failing.error = error
        assert len(await Watcher(book, [failing, played], lambda: PLAN).tick()) >= 1


async def test_without_alerts_nobody_looks(book):
    played = Played(observation())
    plan = plan_with("http://127.0.0.1:9/x")
    plan = type(plan)(
        **{name: getattr(plan, name) for name in plan.__struct_fields__}
        | {"policy": plan.policy.model_copy(update={"alerts": None})}
    )
    assert await Watcher(book, [played], lambda: plan).tick() == [] and played.looks == 0


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), RuntimeError("a defect")])
async def test_after_an_error_it_looks_again(book, error, monkeypatch):
    monkeypatch.setattr("router.admin.alerts.watcher.TICK_SECONDS", 0.01)
    played = Played(observation(Seen.GOOD))
    failed = asyncio.Event()

    async def look(plan: Any, alerts: Any, now: float) -> Sequence[Observation]:
        played.looks += 1
        if played.looks == 1:
            raise error
        failed.set()
        return ()

    played.look = look
    running = asyncio.create_task(Watcher(book, [played], lambda: PLAN).run())
    await asyncio.wait_for(failed.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
