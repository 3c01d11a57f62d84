from __future__ import annotations

import msgspec
from msgspec.structs import astuple, replace
from support.engines import Server

from router.core.values import Cell, Row
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.totals import open_report
from router.power.demand import hours_to_look_at, read_totals

HOUR = 3600.0


def test_the_hour_before_is_looked_at_too_and_no_more_than_counts():
    assert hours_to_look_at(0.0, 10.5 * HOUR) == [9, 10]
    assert hours_to_look_at(10.1 * HOUR, 10.5 * HOUR) == [9, 10]
    assert hours_to_look_at(8.9 * HOUR, 10.5 * HOUR) == [7, 8, 9, 10]
    assert hours_to_look_at(1.0, 100.5 * HOUR)[0] == 93
    assert hours_to_look_at(99 * HOUR, 10.5 * HOUR) == [9, 10], "a clock that was set back"


async def test_totals_are_read_by_hour_and_model(server):
    cloud, gpu = (Row(Cell(name, "zone", "chat", "team", "key")) for name in ("openai", "gpu"))
    count(server, 10, replace(cloud, eligible_tokens=100, cloud_value=7))
    count(server, 10, replace(gpu, eligible_tokens=50, cloud_value=5, captive=2))
    count(server, 10, replace(gpu, cell=replace(gpu.cell, model="other"), eligible_tokens=1))
    async with open_report(server.url) as report:
        assert await read_totals(report, [10, 11]) == {10: {"chat": (150, 12, 2), "other": (1, 0, 0)}, 11: {}}


def count(server: Server, hour: int, row: Row) -> None:
    """As the ledger keeps it."""
    _, *figures = astuple(row)
    packed = b"\xdd" + len(figures).to_bytes(4, "big") + b"".join(map(msgspec.msgpack.encode, figures))
    server.client.hset(f"be:{{ledger}}:hour:{hour}", pack_cell(row.cell), packed)
