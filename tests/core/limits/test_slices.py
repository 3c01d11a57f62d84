"""Slices of limits: what fits is admitted here, and what the next batch says of it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from router.core.limits.counters import BOTH, CLOUD, LOCAL, CounterSet, Hold, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.limits.slices import BUSY, MOST_COUNTERS, WINDOW, Share, Slices, counters_in
from router.core.values import Cell

MORNING = 1_779_267_600.0
PERIODS = Periods(ZoneInfo("Europe/Berlin"))
MONEY = Limit("key:app", "all", "", "usd", "day", 1000)
COUNT = Limit("global", "cloud", "", "requests", "minute", 50)


def counters(*limits: Limit) -> CounterSet:
    return counters_of(limits, MORNING, PERIODS)


APP = counters(COUNT, MONEY)


def hold(counters: CounterSet = APP, cost: int = 10, sides: int = BOTH, risk: int = 0) -> Hold:
    cell = Cell("openai", "cloud", "chat", "search", "app")
    return Hold("1", cell, MORNING, 900.0, 1, 1, cost, True, counters, sides, local_cost=cost // 2, cost_at_risk=risk)


def admit(slices: Slices, hold: Hold, now: float = 0.0) -> bool:
    if not slices.fits(hold, now):
        return False
    slices.take(hold)
    return True


def said(shares: list[Share]) -> list[tuple[str, int, int, int, int]]:
    return [(each.slice.counter.limit.measure, each.taken, each.held, each.back, each.wish) for each in shares]


@pytest.fixture
def lent() -> Slices:
    """With 5 requests and 60 nano-USD, for a second."""
    slices = Slices()
    for _ in range(BUSY):
        assert not slices.fits(hold(), 0.0)
    slices.answered(slices.ask(0.0), [5, 100, 1, 60, 100, 1], until=1.0)
    return slices


def test_nothing_is_asked_for_until_it_is_busy():
    slices = Slices()
    for _ in range(BUSY - 1):
        assert not slices.fits(hold(), 0.0)
    assert slices.ask(0.0) == []


def test_what_was_asked_for_lately_is_the_wish():
    slices = Slices()
    for _ in range(BUSY + 1):
        slices.fits(hold(cost=7), 0.0)
    assert said(slices.ask(0.1)) == [("requests", 0, 0, 0, BUSY + 1), ("usd", 0, 0, 0, 7 * (BUSY + 1))]
    slices.fits(hold(cost=7), WINDOW)
    assert said(slices.ask(WINDOW))[1][4] == 7 * (BUSY + 1)
    slices.fits(hold(cost=7), 3 * WINDOW)
    assert slices.ask(3 * WINDOW) == []


def test_one_that_a_batch_on_its_way_speaks_of_is_not_forgotten(lent):
    lent.rest(WINDOW)
    shares = lent.ask(WINDOW)
    lent.rest(9 * WINDOW)
    lent.put_back(shares)
    assert lent.due and [each[3] for each in said(lent.ask(9 * WINDOW))] == [each.back for each in shares]
    lent.answered(shares, [0, 0, 1] * len(shares), until=0.0)
    lent.rest(9 * WINDOW)
    assert not lent.any


def test_what_fits_all_slices_is_admitted_and_told(lent):
    assert admit(lent, hold(cost=50))
    assert not admit(lent, hold(cost=11))
    assert admit(lent, hold(cost=10))
    assert said(lent.ask(0.0)) == [("requests", 2, 2, 0, BUSY + 3), ("usd", 60, 60, 0, 111)]


def test_of_a_slice_of_several_the_busy_say_how_large_it_should_be():
    slices = Slices()
    team = Limit("team:search", "all", "", "usd", "day", 1000)
    rare, busy = counters(MONEY, team), counters(team)
    for each in (rare, *[busy] * BUSY):
        slices.fits(hold(each), 0.0)
    shares = slices.ask(0.0)
    assert [(each.slice.counter.limit.scope, each.wish) for each in shares] == [("team:search", 10 * (BUSY + 1))]


def test_a_slice_ends(lent):
    assert lent.fits(hold(), 1.0) and not lent.fits(hold(), 1.1)
    for _ in range(BUSY):
        lent.fits(hold(), 1.1)
    assert [share.back for share in lent.ask(1.1)] == [5, 60]


def test_what_is_counted_on_the_other_side_takes_nothing(lent):
    assert admit(lent, hold(cost=50, sides=LOCAL))
    assert [(share.taken, share.held) for share in lent.ask(0.0)] == [(0, 0), (25, 25)]
    assert not lent.fits(hold(cost=50, sides=CLOUD), 0.0)


def test_what_ended_before_it_was_sent_is_not_held_but_the_slice_is_used_up(lent):
    assert admit(lent, hold(cost=50, risk=8))
    lent.undo(hold(cost=50, risk=8))
    [_, money] = lent.ask(0.0)
    assert (money.taken, money.held, money.risk) == (50, 0, 0)


def test_what_was_taken_while_the_answer_was_on_its_way_is_not_lent_twice(lent):
    assert lent.fits(hold(), 0.0)
    shares = lent.ask(0.0)
    assert admit(lent, hold(cost=40))
    lent.answered(shares, [5, 100, 1, 60, 100, 1], until=1.0)
    assert not lent.fits(hold(cost=21), 0.0) and lent.fits(hold(cost=20), 0.0)


def test_more_than_it_may_be_is_given_back(lent):
    assert lent.fits(hold(), 0.0)
    shares = lent.ask(0.0)
    lent.answered(shares, [5, 2, 1, 60, 0, 0], until=1.0)
    assert lent.due and not lent.fits(hold(cost=1), 0.0)
    assert [share.back for share in lent.ask(0.0)] == [3, 60] and not lent.due


def test_what_a_batch_could_not_say_the_next_one_does(lent):
    assert admit(lent, hold(cost=50))
    lent.put_back(lent.ask(0.0))
    assert lent.due
    assert [(share.taken, share.held) for share in lent.ask(0.0)] == [(1, 1), (50, 50)]


def test_what_was_not_used_lately_is_given_back_and_forgotten(lent):
    lent.rest(WINDOW / 2)
    assert not lent.due
    lent.rest(WINDOW)
    shares = lent.ask(WINDOW)
    assert [share.back for share in shares] == [5, 60]
    lent.answered(shares, [0, 0, 1, 0, 0, 1], until=1.0)
    lent.rest(10 * WINDOW)
    assert not lent.any and not lent.fits(hold(), 0.0)


def test_what_is_over_is_forgotten_under_load_too(lent):
    minutes = [counters_of((COUNT,), MORNING + 60 * n, PERIODS) for n in range(20)]
    for n, each in enumerate(minutes):
        lent.fits(hold(each), 60.0 * n)
        lent.rest(60.0 * n)
        lent.ask(60.0 * n)
    assert len(lent._slices) <= 3 and len(lent._sets) <= 3


def test_another_amount_of_the_same_limit_takes_the_slice_back(lent):
    other = counters(COUNT, Limit("key:app", "all", "", "usd", "day", 500))
    assert not lent.fits(hold(other), 0.0)
    assert [share.back for share in lent.ask(0.0)] == [60]


def test_at_the_end_everything_is_given_back_and_nothing_outlives_a_lost_server(lent):
    lent.end()
    assert [share.back for share in lent.ask(0.0)] == [5, 60]
    lent.lose()
    assert not lent.any and not lent.due


def test_a_batch_speaks_of_so_many_counters(lent):
    lent.ask(0.0)
    sets = [counters(Limit(f"key:{n}", "all", "", "usd", "day", 1000)) for n in range(MOST_COUNTERS + 9)]
    for each in sets:
        for _ in range(BUSY):
            lent.fits(hold(each), 0.0)
    assert len(lent.ask(0.0)) == MOST_COUNTERS


def test_a_slice_that_ended_holds_up_the_other_side_too(lent):
    """It also said that the counter had not reached its soft limit."""
    assert not lent.fits(hold(cost=2, sides=LOCAL), 1.1)


@pytest.mark.parametrize("risk", [0, 8])
def test_what_ended_on_one_side_leaves_the_counters_of_the_other_alone(lent, risk):
    assert admit(lent, hold(cost=50, sides=LOCAL, risk=risk))
    lent.undo(hold(cost=50, sides=LOCAL, risk=risk))
    assert [(share.taken, share.held, share.risk) for share in lent.ask(0.0)] == [(0, 0, 0), (25, 0, 0)]


def test_what_one_batch_cannot_give_back_the_next_one_does():
    slices = Slices()
    for number in range(MOST_COUNTERS + 1):
        mine = counters(Limit(f"key:{number}", "all", "", "usd", "day", 1000))
        for _ in range(BUSY):
            slices.fits(hold(mine), 0.0)
        slices.answered(slices.ask(0.0), [60, 100, 1], until=1.0)
    slices.rest(WINDOW)
    assert len(slices.ask(WINDOW)) == MOST_COUNTERS and slices.due


def test_of_a_limit_that_was_changed_the_slice_is_given_back(lent):
    assert not lent.fits(hold(counters(COUNT, Limit("key:app", "all", "", "usd", "day", 2000))), 0.0)
    assert lent.due and [share.back for share in lent.ask(0.0)] == [60]


def test_the_counters_that_a_batch_speaks_of(lent):
    assert lent.fits(hold(), 0.0)
    assert [counter.limit for counter in counters_in(lent.ask(0.0))] == [COUNT, MONEY]
