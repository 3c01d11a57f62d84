from __future__ import annotations

from zoneinfo import ZoneInfo

from support.simulating import MONDAY

from router.core.cost.volume_tracker import VolumeTracker
from router.core.values import Cell, Settlement, Usage
from router.simulate.books import HOUR, Books

CELL = Cell("api", "cloud", "chat", "team", "key")
HOME = Cell("gpu", "local", "chat", "team", "key")


def books() -> Books:
    return Books(VolumeTracker(ZoneInfo("UTC")))


def done(cell: Cell, at: float = MONDAY, **fields: bool) -> Settlement:
    return Settlement("", cell, at, Usage(100, 40, 0, 10), 5, 7, False, **{"eligible": True, **fields})


def test_totals_are_as_the_ledger_has_them():
    kept = books()
    for each in (done(CELL), done(CELL), done(HOME, local=True), done(HOME, eligible=False, captive=True, local=True)):
        kept.settle(each)
    cloud, home = kept.rows()

    assert (cloud.requests, cloud.input, cloud.cached, cloud.output, cloud.cost) == (2, 200, 80, 20, 10)
    assert (cloud.eligible_tokens, cloud.cloud_value) == (220, 10)
    assert (home.requests, home.cloud_value, home.captive, home.captive_tokens, home.captive_cost) == (2, 7, 1, 110, 5)
    assert kept.hours[int(MONDAY // HOUR)] == {"chat": (330, 17, 1)}
    assert kept.volume.seen("today", MONDAY).total == 330
    kept.settle(done(CELL, eligible=False))
    assert kept.hours[int(MONDAY // HOUR)] == {"chat": (330, 17, 1)}, "nothing that both sides could have served"


def test_the_last_day_is_what_a_price_is_made_of_and_older_hours_are_forgotten():
    kept = books()
    for hour in range(60):
        kept.settle(done(CELL, MONDAY + HOUR * hour))

    assert sum(row.eligible_tokens for row in kept.last_day(MONDAY + HOUR * 59)) == 24 * 110
    assert len(kept.hours) == 27


def test_a_limit_is_told_with_the_first_time_that_it_ran_out():
    kept = books()
    kept.ran_out("key app: usd_per_day", 10.0, refused=True)
    kept.ran_out("key app: usd_per_day", 20.0, refused=False)
    [found] = kept.exhausted.values()

    assert (found.first, found.requests, found.refused) == (10.0, 2, 1)
