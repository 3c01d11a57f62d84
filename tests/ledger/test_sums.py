"""Totals by one dimension."""

from __future__ import annotations

import msgspec
import pytest

from router.core.values import Cell, Row
from router.ledger.report import open_report
from router.ledger.sums import sum_fields, tally_of, unpack_tally

GPU = Row(Cell("gpu", "local", "chat", "search", "app"), 1, 0, 10, 1, 5, 0, 300, 1, 0)
API = Row(Cell("api", "cloud", "chat", "search", "100%|<b>"), 2, 1, 20, 2, 6, 400, 0, 0, 1)
DAY = "2026-05-20"


def figures(row: Row) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.astuple(row)[1:])


def test_a_cell_counts_once_in_every_dimension():
    assert sum_fields(API.cell) == ["b|api|cloud", "m|chat|cloud", "t|search|cloud", "k|100%25%7C<b>|cloud"]


def test_what_was_written_is_read():
    flat = [part for row in (GPU, API) for field in sum_fields(row.cell) for part in (field.encode(), figures(row))]
    assert unpack_tally(flat) == tally_of([GPU, API])


def test_a_tally_keeps_the_zone_and_one_name():
    tally = tally_of([GPU, API])
    assert [row.cell for row in tally["key"]] == [
        Cell("", "local", "", "", "app"),
        Cell("", "cloud", "", "", "100%|<b>"),
    ]
    assert tally["model"][0] == msgspec.structs.replace(GPU, cell=Cell("", "local", "chat", "", ""))


async def test_sums_are_read_where_there_are_some_and_cells_elsewhere(server):
    server.client.hset("be:{ledger}:sum:2026-05-20", "b|gpu|local", figures(GPU))
    server.client.hset("be:{ledger}:day:2026-05-20", "api|cloud|chat|search|app", figures(API))
    server.client.hset("be:{ledger}:day:2026-05-21", "api|cloud|chat|search|app", figures(API))
    server.client.hset("be:{ledger}:sumhour:7", "b|gpu|local", figures(GPU))
    async with open_report(server.url) as report:
        summed, counted, nothing = await report.day_tallies([DAY, "2026-05-21", "2026-05-22"])
        assert [row.cell.backend for row in summed["backend"]] == ["gpu"]
        assert [row.cell.backend for row in counted["backend"]] == ["api"]
        assert nothing == tally_of([])
        assert await report.hour_tallies([7, 8]) == [summed, nothing]


async def test_days_and_hours_one_by_one(server):
    server.client.hset("be:{ledger}:day:2026-05-20", "gpu|local|chat|search|app", figures(GPU))
    server.client.hset("be:{ledger}:hour:9", "gpu|local|chat|search|app", figures(GPU))
    async with open_report(server.url) as report:
        assert await report.each_day(["2026-05-19", DAY]) == [[], [GPU]]
        assert await report.each_hour([9, 10]) == [[GPU], []]


async def test_the_volume_by_quarter(server, ledger, hold_of, settlement_of):
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    async with open_report(server.url) as report:
        volume = await report.volume()
        assert {quarter: mix.total for quarter, mix in volume.items()} == {int(hold.at // 900): pytest.approx(107)}
