"""Holds that nobody waits for, without a server: what is admitted, and where it goes. test_group_commit has one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from router.core.limits.counters import Hold, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.limits.slices import BUSY
from router.core.values import Cell
from router.ledger.client.batch import Packer
from router.ledger.client.early_holds import LATELY, UNSENT_LIMIT, EarlyHolds
from router.ledger.journal.log import MemoryLog
from router.ledger.redis_keys import Calendar

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = 1_779_267_600.0
DAILY = counters_of((Limit("key:app", "all", "", "usd", "day", 5_000_000),), MORNING, Periods(BERLIN))


class Journaling(MemoryLog):
    """One that takes holds, until it is told not to."""

    takes_holds = True

    def __init__(self) -> None:
        super().__init__()
        self.takes = True
        self.noted: list[tuple[int, bytes]] = []

    def hold(self, number: int, payload: bytes, *, moved: bool = False) -> bool:
        if self.takes:
            self.noted.append((number, payload.split()[0]))
        return self.takes


@pytest.fixture
def log() -> Journaling:
    return Journaling()


@pytest.fixture
def early(log: Journaling) -> EarlyHolds:
    holds = EarlyHolds(log)
    holds.answered_at = 0.0
    return holds


def hold_of(id: str = "00000001a", **fields) -> Hold:
    return Hold(id, Cell("openai", "cloud", "chat", "search", "app"), MORNING, 900.0, 10, 5, 40, True, **fields)


def ask(early: EarlyHolds, id: str = "00000001a", now: float = 0.0, **fields) -> bool:
    return early.admits(hold_of(id, **fields), now, Packer(Calendar(BERLIN)), 7)


def lend(early: EarlyHolds, amount: int) -> None:
    """As the server answers once enough has been asked for."""
    for _ in range(BUSY):
        assert not ask(early, counters=DAILY)
    early.slices.answered(early.gone(0.0), [amount, amount, 1], until=1.0)


def test_what_is_admitted_is_in_the_journal_for_the_next_batch(early, log):
    assert ask(early)
    assert log.noted == [(7, b"00000001a")] and early.noted and list(early.unsent) == ["00000001a"]


def test_nothing_is_admitted_that_may_be_refused_or_lost(early, log):
    assert not ask(early, counters=DAILY)
    assert not ask(early, now=2 * LATELY)
    log.takes = False
    assert not ask(early)
    assert not early.unsent and not early.noted


def test_what_fits_its_slices_does_not_wait(early, log):
    lend(early, 100)
    assert [ask(early, f"0000000{n}", counters=DAILY) for n in range(3)] == [True, True, False]
    [share] = early.gone(0.0)
    assert (share.taken, share.held) == (80, 80)


def test_what_ended_before_it_was_sent_is_taken_but_not_held(early):
    lend(early, 100)
    assert ask(early, counters=DAILY) and early.forget(hold_of(counters=DAILY))
    [share] = early.gone(0.0)
    assert (share.taken, share.held) == (40, 0)


def test_where_holds_cannot_be_written_down_no_slices_are_asked_for(early, log):
    log.takes_holds = False
    for _ in range(BUSY):
        assert not ask(early, counters=DAILY)
    assert early.gone(0.0) == []


def test_slices_are_lost_with_the_server(early):
    lend(early, 100)
    early.lose(None)
    assert not ask(early, counters=DAILY)


def test_no_more_than_a_batch_takes(early):
    assert [ask(early, f"0000000{n}") for n in range(UNSENT_LIMIT + 1)] == [True] * UNSENT_LIMIT + [False]
    assert early.is_full


def test_one_that_ends_before_it_was_sent_is_forgotten(early):
    assert ask(early) and early.forget(hold_of()) and not early.forget(hold_of())
    early.gone(0.0)
    assert not early.noted


def test_what_a_batch_could_not_take_is_written_down_for_the_next_one(early, log):
    ask(early)
    taken = early.unsent
    shares = early.gone(0.0)
    ask(early, "00000001b")
    early.put_back(taken, shares, 8)
    assert log.noted[-1] == (8, b"00000001a") and list(early.unsent) == ["00000001a", "00000001b"]


def test_of_a_lost_server_it_is_not_known_what_it_has(early):
    ask(early)
    early.lose(None)
    assert early.uncertain == {"00000001a"} and not early.unsent
    early.noted = False
    early.lose(["00000001b"])
    assert early.uncertain == {"00000001a", "00000001b"} and early.noted
