"""Receipts are written by one gateway of all, each once."""

from __future__ import annotations

import asyncio

import pytest
from support.audited import checked
from support.control import API, GPU
from support.waiting import until

from router.admin.audit.receipts import ReceiptWriter
from router.core.audit.entry import read_entry
from router.core.audit.receipts import read_receipt
from router.core.values import RequestOutcome, Settlement, Usage
from router.ledger.errors import LedgerUnavailable
from router.ledger.record import batch_blob, pack_record
from router.ledger.redis_keys import AUDIT_KEY, AUDIT_LEASE_KEY, REQUESTS_KEY

MINUTE = 29_654_520


@pytest.fixture
def write(valkey):
    def write(minute: int, *cells) -> None:
        packed = [
            pack_record(
                Settlement(
                    f"{minute}-{n}", cell, 60.0 * minute, Usage(), 0, 0, False, False,
                    course=RequestOutcome(f"r{n}", "public"), local=cell is GPU,
                )
            )
            for n, cell in enumerate(cells)
        ]  # fmt: skip
        valkey.xadd(REQUESTS_KEY, {"n": len(packed), "b": batch_blob(packed)}, id=f"{minute * 60_000}-*")

    return write


def entries(valkey):
    lines = valkey.lrange(AUDIT_KEY, 0, -1)
    assert checked(lines) == []
    return list(map(read_entry, lines))


async def test_a_receipt_for_each_minute_that_has_records(session_valkey, valkey, write):
    write(MINUTE, GPU, API)
    write(MINUTE + 1, API)
    assert await ReceiptWriter(session_valkey, "gw1").write_all() == 2
    first, second = entries(valkey)
    assert (first.action, first.subject, first.via, first.who) == (
        "egress.receipt",
        "2026-05-20T10:00Z",
        "gateway",
        "gw1",
    )
    assert [row[2] for row in read_receipt(first.new).counts] == ["cloud", "local"]
    assert second.subject == "2026-05-20T10:01Z" and await ReceiptWriter(session_valkey).write_all() == 0


async def test_many_gateways_make_one_of_each_also_when_the_lease_passes_on(session_valkey, valkey, write):
    for minute in range(20):
        write(MINUTE + minute, GPU)
    writers = [ReceiptWriter(session_valkey, f"gw{n}") for n in range(4)]

    async def steal() -> None:
        for _ in range(50):
            valkey.delete(AUDIT_LEASE_KEY)
            await asyncio.sleep(0.001)

    for _ in range(3):
        await asyncio.gather(steal(), *(writer.write_all() for writer in writers))
    assert [each.subject for each in entries(valkey)] == [f"2026-05-20T10:{minute:02}Z" for minute in range(20)]


async def test_what_was_dropped_meanwhile_leaves_an_entry(session_valkey, valkey, write):
    writer = ReceiptWriter(session_valkey)
    write(MINUTE, GPU)
    await writer.write_all()
    for minute in range(1, 5):
        write(MINUTE + minute, GPU)
    valkey.xtrim(REQUESTS_KEY, maxlen=1, approximate=False)
    await writer.write_all()
    assert [(each.action, each.new.get("entries")) for each in entries(valkey)[1:]] == [
        ("egress.gap", 3),
        ("egress.receipt", None),
    ]


async def test_it_goes_on_when_the_ledger_is_back(monkeypatch, session_valkey):
    monkeypatch.setattr("router.admin.audit.receipts.PAUSE_SECONDS", 0.001)
    writer, called = ReceiptWriter(session_valkey), []

    async def fail() -> int:
        called.append(1)
        if len(called) < 3:
            raise LedgerUnavailable("away")
        if len(called) == 3:
            raise RuntimeError("a defect")
        return 0

    monkeypatch.setattr(writer, "write_all", fail)
    running = asyncio.create_task(writer.run())
    await until(lambda: len(called) > 4, 30)
    running.cancel()
