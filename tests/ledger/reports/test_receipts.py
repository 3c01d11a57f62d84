"""Receipts of minutes that are over, from the stream as the server wrote it."""

from __future__ import annotations

import time

import pytest

from router.core.audit.receipts import leaf_of
from router.core.values import Cell, RequestOutcome, Settlement, Usage
from router.ledger.audit import open_audit
from router.ledger.record import batch_blob, pack_record
from router.ledger.redis_keys import REQUESTS_KEY
from router.ledger.reports.export import line_of
from router.ledger.reports.receipts import Covered, minute_of, next_receipt, read_covered
from router.ledger.reports.record_reader import open_records

MINUTE = 29_654_520
"""2026-05-20 10:00 UTC, in minutes since the epoch."""
GPU = Cell("gpu", "local", "chat", "search", "app")


def write(server, minute: int, *names: str) -> None:
    course = [RequestOutcome(name, "restricted", ("phi",), "gate", 200) for name in names]
    packed = [
        pack_record(
            Settlement(f"id-{each.request}", GPU, 60.0 * minute, Usage(input=1), 0, 0, False, False, course=each)
        )
        for each in course
    ]
    server.client.xadd(REQUESTS_KEY, {"n": len(packed), "b": batch_blob(packed)}, id=f"{minute * 60_000 + 500}-*")


@pytest.fixture
async def reader(server):
    async with open_records(server.url) as reader:
        yield reader


async def test_minute_after_minute_until_the_one_that_runs(server, reader):
    write(server, MINUTE, "a", "b")
    write(server, MINUTE, "c")
    write(server, MINUTE + 2, "d")
    write(server, int(time.time() // 60) + 5, "now")
    first = await next_receipt(reader, "")
    assert (first.minute, first.receipt.records, first.lost) == (MINUTE * 60.0, 3, 0)
    second = await next_receipt(reader, first.covered.last)
    assert (second.minute, second.receipt.records) == ((MINUTE + 2) * 60.0, 1)
    assert await next_receipt(reader, second.covered.last) is None


async def test_its_leaves_are_those_of_an_export(server, reader):
    write(server, MINUTE, "a")
    made = await next_receipt(reader, "")
    records = [record async for entry in reader.entries() for record in entry.records]
    assert made.receipt.first == leaf_of(line_of(records[0])).hex() == made.receipt.first
    assert [len(entry.records) async for entry in minute_of(reader, f"{MINUTE * 60_000 + 9}-0")] == [1]


async def test_where_there_is_nothing_there_is_no_receipt(reader):
    assert await next_receipt(reader, "") is None


async def test_records_that_were_dropped_before_they_had_one_are_counted(server, reader):
    for minute in range(6):
        write(server, MINUTE + minute, f"r{minute}")
    covered = (await next_receipt(reader, "")).covered.last
    server.client.xtrim(REQUESTS_KEY, maxlen=2, approximate=False)
    made = await next_receipt(reader, covered)
    assert (made.minute, made.lost) == ((MINUTE + 4) * 60.0, 3)
    assert (await next_receipt(reader, made.covered.last)).lost == 0


async def test_what_was_dropped_before_the_first_receipt_is_no_gap(server, reader):
    for minute in range(3):
        write(server, MINUTE + minute, f"r{minute}")
    server.client.xtrim(REQUESTS_KEY, maxlen=1, approximate=False)
    made = await next_receipt(reader, "")
    assert made.lost == 0 and read_covered(made.covered.last).entries == 3


async def test_what_cannot_be_read_is_left_out_and_told(server, reader):
    write(server, MINUTE, "a")
    server.client.xadd(REQUESTS_KEY, {"b": b"\xc1"}, id=f"{MINUTE * 60_000 + 700}-0")
    made = await next_receipt(reader, "")
    assert (made.receipt.records, made.receipt.left_out) == (1, 1)
    assert await next_receipt(reader, made.covered.last) is None


async def test_how_far_they_are_is_kept_as_text(server):
    assert read_covered("") == Covered() and str(Covered()) == ""
    assert read_covered(str(Covered("5-0", 7))) == Covered("5-0", 7)
    async with open_audit(server.url) as chain:
        assert await chain.lead("one", 5) and not await chain.lead("two", 5)
