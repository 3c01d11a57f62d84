"""Days and hours that the ledger counts in."""

from __future__ import annotations

from router.ledger.reports.periods import days_before, hours_before


def test_a_day_is_over_once_there_is_a_later_one():
    yesterday, today = days_before("2026-05-21", ["2026-05-20", "2026-05-21"])
    assert (yesterday.is_over, today.is_over) == (True, False)
    assert (yesterday.cells, yesterday.sums) == ("be:{ledger}:day:2026-05-20", "be:{ledger}:summed:2026-05-20")


def test_so_is_an_hour():
    seven, eight = hours_before(8, [7, 8])
    assert (seven.is_over, eight.is_over) == (True, False)
    assert (seven.cells, seven.sums) == ("be:{ledger}:hour:7", "be:{ledger}:summed:hour:7")
