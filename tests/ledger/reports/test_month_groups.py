"""A year by key: months that are over are added up once, and again when one of their days is corrected."""

from __future__ import annotations

import pytest
from support.rented import rent_book
from support.totals import packed_totals

from router.core.cost.net import net_of
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.values import Cell
from router.ledger.redis_keys import pack_cell
from router.ledger.reports import month_groups
from router.ledger.reports.account import read_account
from router.ledger.reports.month_groups import PastMonths, read_groups
from router.ledger.reports.periods import DAY_SUMS
from router.ledger.reports.totals import day_range, open_report
from router.ledger.reports.totals_by_dimension import Look

TODAY = "2026-05-20"
DAYS = day_range("2026-02-20", TODAY)
WITH_TRAFFIC = DAYS[::3]
OWNED = frozenset({"local"})
BY_KEY = Look(("key",))


def of(**wanted) -> Look:
    """By key, of these names."""
    return Look(
        ("key",), {name: frozenset({value} if isinstance(value, str) else value) for name, value in wanted.items()}
    )


def write(server, day: str, key: str, tokens: int) -> None:
    for backend, zone in (("gpu", "local"), ("api", "cloud")):
        cell = pack_cell(Cell(backend, zone, "chat", "search", key))
        figures = (1, 0, tokens, 0, 0, tokens if zone == "cloud" else 0, tokens, 0, 0, 0, 2 * tokens)
        server.client.hset(f"be:{{ledger}}:day:{day}", cell, packed_totals(figures))


@pytest.fixture
async def report(server):
    for number, day in enumerate(WITH_TRAFFIC):
        write(server, day, "app", 100 + number)
        write(server, day, "bot", 7)
    entries = tuple(RentEntry(day, RentState.BUSY, 1000, 1000) for day in WITH_TRAFFIC)
    async with rent_book(server.url) as book:
        await book.accrue({("gpu", 0): Accrual(Meter(), Meter(1), entries)}, 86_400)
    async with open_report(server.url) as report:
        yield report


async def found(report, past: PastMonths, look: Look = BY_KEY) -> dict:
    account, _ = await read_account(report, DAYS, Look(("backend",), look.wanted), TODAY, OWNED)
    groups = await read_groups(report, look, TODAY, account, past)
    return {
        name: (sum(row.input for row in rows), net_of(rows, OWNED, rent))
        for name, (rows, rent) in groups.by(lambda row: row.cell.key).items()
    }


async def plainly(report, look: Look = BY_KEY) -> dict:
    account, _ = await read_account(report, DAYS, look, TODAY, OWNED)
    tokens: dict[str, int] = {}
    for row in (row for rows in account.rows for row in rows):
        tokens[row.cell.key] = tokens.get(row.cell.key, 0) + row.input
    return {name: (tokens[name], net) for name, net in account.by(lambda row: row.cell.key).items()}


@pytest.mark.parametrize("look", [BY_KEY, of(key="bot"), of(key={"bot", "app"}), of(team="nobody")])
async def test_it_is_what_an_account_says(report, look):
    past, expected = PastMonths(), await plainly(report, look)
    assert [await found(report, past, look) for _ in range(3)] == [expected] * 3
    assert bool(expected) is (look != of(team="nobody"))


async def test_months_that_are_over_are_read_once(report, monkeypatch):
    read: list[str] = []
    add_days = month_groups._add_days

    async def noted(report, look, today, days, groups) -> None:
        read.extend(days)
        await add_days(report, look, today, days, groups)

    monkeypatch.setattr(month_groups, "_add_days", noted)
    past = PastMonths()
    for _ in range(2):  # at first nothing is kept of a day yet, so nothing tells whether it was corrected
        await found(report, past)
    read.clear()
    await found(report, past)
    assert {day[:7] for day in read} == {"2026-02", "2026-05"}
    await found(report, past, of(key="app"))
    assert {day[:7] for day in read} == {"2026-02", "2026-03", "2026-04", "2026-05"}


async def test_a_month_is_added_up_again_when_a_day_of_it_is_corrected(report, server):
    past = PastMonths()
    for _ in range(3):
        before = await found(report, past)
    day = next(day for day in WITH_TRAFFIC if day.startswith("2026-03"))
    write(server, day, "bot", 1007)
    server.client.delete(DAY_SUMS + day)  # as a correction does
    after = await found(report, past)
    assert after["bot"][0] == before["bot"][0] + 2000
    assert after == await plainly(report) == await found(report, past)


async def test_rent_that_changes_is_shared_anew(report, server):
    past = PastMonths()
    for _ in range(3):
        before = await found(report, past)
    day = next(day for day in WITH_TRAFFIC if day.startswith("2026-04"))
    server.client.hset(f"be:{{ledger}}:rent:{day}", "gpu|0|busy|nano", 5000)
    after = await found(report, past)
    assert after["app"][1].rent > before["app"][1].rent
    assert after == await plainly(report)


def test_no_more_months_are_remembered_than_fit(monkeypatch):
    monkeypatch.setattr(month_groups, "MOST_MONTHS", 2)
    past = PastMonths()
    groups = [month_groups.Groups({}, {}) for _ in range(3)]
    for number, each in enumerate(groups):
        past.keep(number, "state", each)
    assert [past.find(number, "state") for number in range(3)] == [None, None, groups[2]]
    assert past.find(2, "another") is None
