from __future__ import annotations

import msgspec
from support.totals import packed_totals

from router.admin.telemetry.rising_totals import RisingRent, RisingTotals
from router.core.values import Cell, Row
from router.ledger.reports.totals import open_report


async def test_what_was_shown_never_falls(valkey, session_valkey):
    rising = RisingTotals()
    cell = Cell("api", "cloud", "chat", "search", "app")

    async def read(cost: int) -> int:
        row = Row(cell, requests=1, cost=cost)
        packed = packed_totals(msgspec.structs.astuple(row)[1:])
        valkey.hset("be:{ledger}:day:2026-11-25", "api|cloud|chat|search|app", packed)
        async with open_report(session_valkey) as report:
            totals = await rising.read(report, "2026-11-25")
        return totals["api", "cloud", "chat", "search"]["cost"]

    assert [await read(cost) for cost in (100, 40, 90, 130)] == [100, 100, 100, 130]


async def test_rent_rises_over_the_days(session_valkey, rent):
    rising = RisingRent()

    async def read(today: str) -> dict[tuple[str, str], tuple[int, int]]:
        async with open_report(session_valkey) as report:
            return await rising.read(report, today)

    await rent({"busy": 1}, "2026-11-24")
    await rent({"busy": 10}, "2026-11-25")
    assert await read("2026-11-25") == {("gpu", "busy"): (1000, 10_000)}
    await rent({"busy": 5, "idle": 7}, "2026-11-26")
    assert await read("2026-11-28") == {("gpu", "busy"): (2000, 15_000), ("gpu", "idle"): (1000, 7_000)}
    assert await read("2026-11-29") == await read("2026-11-28")
