from zoneinfo import ZoneInfo

import pytest

from router.core.values import Cell, Row
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import day_end, day_range, day_start, group, merge, open_report, total

GPU = Row(Cell("gpu", "local", "chat", "search", "app"), 1, 0, 10, 1, 5, 0, 300, 1, 0)
CLOUD = Row(Cell("openai", "cloud", "chat", "sales", "app"), 2, 1, 20, 2, 6, 400, 0, 0, 1)
NOWHERE = Cell("", "", "", "", "")


def test_a_range_has_both_its_ends():
    assert day_range("2026-02-27", "2026-03-01") == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert day_range("2026-02-27", "2026-02-27") == ["2026-02-27"]


@pytest.mark.parametrize(
    ("day", "timezone", "hours"),
    [
        ("2026-05-20", "Europe/Berlin", 24),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-08", "America/Havana", 23),  # has no midnight
    ],
)
def test_a_day_is_as_long_as_it_is(day, timezone, hours):
    zone = ZoneInfo(timezone)
    assert day_end(day, zone) - day_start(day, zone) == hours * 3600


def test_rows_of_a_cell_are_merged():
    assert merge([CLOUD, GPU, GPU]) == [Row(GPU.cell, 2, 0, 20, 2, 10, 0, 600, 2, 0), CLOUD]


def test_rows_are_grouped_by_one_dimension():
    assert group([CLOUD, GPU], "team") == [
        Row(Cell("", "", "", "sales", ""), 2, 1, 20, 2, 6, 400, 0, 0, 1),
        Row(Cell("", "", "", "search", ""), 1, 0, 10, 1, 5, 0, 300, 1, 0),
    ]
    assert group([CLOUD, GPU], "key") == [Row(Cell("", "", "", "", "app"), 3, 1, 30, 3, 11, 400, 300, 1, 1)]


def test_a_total_has_no_cell():
    assert total([CLOUD, GPU]) == Row(NOWHERE, 3, 1, 30, 3, 11, 400, 300, 1, 1)
    assert total([]) == Row(NOWHERE)


async def test_an_hour_can_be_read(server, ledger, hold_of, settlement_of):
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    async with open_report(server.url) as report:
        hour = int(hold.at // 3600)
        assert await report.hours([hour - 1, hour, hour + 1]) == await report.days(["2026-05-20"])
        assert await report.hours([hour + 1]) == []
        assert await report.timezone() == "Europe/Berlin"


async def test_an_empty_ledger_names_no_time_zone(server):
    async with open_report(server.url) as report:
        assert await report.timezone() is None


async def test_a_refusal_is_an_unavailable_ledger(server):
    server.client.set("be:{ledger}:day:2026-05-20", "not a hash")
    async with open_report(server.url) as report:
        with pytest.raises(LedgerUnavailable, match="WRONGTYPE"):
            await report.days(["2026-05-20"])
