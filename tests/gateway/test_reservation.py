"""A hold, from the moment it was asked for: what the ledger is told, whatever its answer and whenever it comes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from router.core.limits.counters import BOTH, Admission, CounterSet, Hold
from router.core.values import Cell, Settlement, Usage
from router.gateway.reservation import Reservation
from router.ledger.errors import LedgerUnavailable

CELL = Cell("gpu", "local", "chat", "team", "key")
HOLD = Hold("id", CELL, 0.0, 900.0, 10, 100, 5, True)
ADMITTED = Admission(BOTH)
SETTLEMENT = Settlement("id", CELL, 0.0, Usage(10, output=20), 1, 2, False, True)


@dataclass
class Told:
    """A ledger that answers when it is told to, and writes down what it hears."""

    lost: bool = False
    heard: list[str] = field(default_factory=list)
    asked: asyncio.Future[Admission] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def reserve(self, hold: Hold) -> asyncio.Future[Admission]:
        if self.lost:
            raise LedgerUnavailable("it is lost")
        return self.asked

    def settle(self, settlement: Settlement) -> None:
        self.heard.append("settle")

    def record(self, settlement: Settlement, counters: CounterSet) -> None:
        self.heard.append("record")

    def release(self, id: str) -> None:
        self.heard.append("release")


async def test_a_confirmed_hold_is_settled():
    ledger = Told()
    reservation = Reservation(ledger, HOLD)
    assert not reservation.confirmed
    ledger.asked.set_result(ADMITTED)
    assert await reservation.admission() and reservation.confirmed
    reservation.settle(SETTLEMENT)
    assert ledger.heard == ["settle"]


async def test_a_lost_ledger_gets_a_record_later():
    ledger = Told(lost=True)
    reservation = Reservation(ledger, HOLD)
    assert not await reservation.admission() and not reservation.confirmed
    reservation.settle(SETTLEMENT)
    assert ledger.heard == ["record"]


@pytest.mark.parametrize("awaited", [True, False])
async def test_a_ledger_lost_while_it_was_asked(awaited):
    ledger = Told()
    reservation = Reservation(ledger, HOLD)
    ledger.asked.set_exception(LedgerUnavailable("it is lost"))
    if awaited:
        assert not await reservation.admission()
    reservation.settle(SETTLEMENT)
    assert ledger.heard == ["record"]


@pytest.mark.parametrize(("answer", "heard"), [(None, ["settle"]), (LedgerUnavailable("lost"), ["record"])])
async def test_settling_waits_for_the_answer(answer, heard):
    ledger = Told()
    reservation = Reservation(ledger, HOLD)
    reservation.settle(SETTLEMENT)
    assert ledger.heard == []
    if answer is None:
        ledger.asked.set_result(ADMITTED)
    else:
        ledger.asked.set_exception(answer)
    await asyncio.sleep(0)
    assert ledger.heard == heard


async def test_what_was_never_sent_is_released():
    ledger = Told()
    reservation = Reservation(ledger, HOLD)
    ledger.asked.set_result(ADMITTED)
    reservation.release()
    assert ledger.heard == ["release"]


async def test_a_hold_that_is_still_asked_for_is_called_back():
    ledger = Told()
    Reservation(ledger, HOLD).release()
    assert ledger.asked.cancelled() and ledger.heard == []


async def test_without_a_hold_there_is_nothing_to_release():
    ledger = Told(lost=True)
    Reservation(ledger, HOLD).release()
    assert ledger.heard == []
