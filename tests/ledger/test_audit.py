"""On every engine: one chain that many write to, and nobody breaks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal

import pytest
from support.audited import chain, checked, note

from router.core.audit.entry import read_entry
from router.ledger.audit import AuditChain, ReceiptRange, open_audit
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import AUDIT_KEY, AUDIT_RECEIPTS_KEY


@pytest.fixture
async def audit(server):
    async with open_audit(server.url) as chain:
        yield chain


async def lines_of(audit: AuditChain) -> list[bytes]:
    return [line async for line in audit.lines()]


async def test_entries_follow_one_another(audit):
    assert await audit.anchor() is None
    first, second = await audit.append(note("gpu")), await audit.append(note("api"))
    assert (first.seq, second.seq, second.prev) == (1, 2, first.hash)
    assert str(await audit.anchor()) == f"2:{second.hash}" and await audit.length() == 2
    assert checked(await lines_of(audit)) == []


async def test_many_that_write_at_once_make_one_chain(server):
    async def write(writer: int) -> None:
        async with open_audit(server.url) as audit:
            for number in range(10):
                await audit.append(note(f"{writer}-{number}"))

    await asyncio.gather(*map(write, range(8)))
    async with open_audit(server.url) as audit:
        lines = await lines_of(audit)
    assert checked(lines) == []
    assert {read_entry(line).subject for line in lines} == {f"{w}-{n}" for w in range(8) for n in range(10)}


async def test_lines_come_in_pieces(audit, server, monkeypatch):
    monkeypatch.setattr("router.ledger.audit.CHUNK", 3)
    lines = chain([note(str(number)) for number in range(8)])
    assert await audit.give_back(b"", lines)
    assert await lines_of(audit) == lines and [line async for line in audit.lines(6)] == lines[6:]


async def test_what_was_lost_is_given_back_where_it_belongs_and_nowhere_else(audit):
    lines = chain([note(str(number)) for number in range(5)])
    assert await audit.give_back(b"", lines[:2])
    assert not await audit.give_back(lines[0], lines[1:]) and not await audit.give_back(b"", lines)
    assert await audit.give_back(lines[1], lines[2:]) and checked(await lines_of(audit)) == []


async def test_of_each_minute_there_is_one_receipt(audit, server):
    first = ReceiptRange("", "60-0")
    made = await audit.append_receipt(note("minute", "egress.receipt"), first)
    assert made is not None and await audit.receipts_made() == "60-0"
    assert await audit.append_receipt(note("minute", "egress.receipt"), first) is None
    assert await audit.length() == 1 and server.client.get(AUDIT_RECEIPTS_KEY) == b"60-0"


async def test_behind_an_end_that_nobody_can_read_it_goes_on_and_that_is_found(audit, server):
    await audit.append(note())
    server.client.rpush(AUDIT_KEY, "{}")
    await audit.append(note())
    await audit.append(note())
    assert [(each.seq, each.problem) for each in checked(await lines_of(audit))] == [
        (2, "it is not an entry of an audit")
    ]


async def test_what_cannot_be_written_says_so(audit, server):
    server.client.set(AUDIT_KEY, "something else")
    with pytest.raises(LedgerUnavailable, match="WRONGTYPE"):
        await audit.append(note())


async def test_who_never_gets_a_turn_says_so(audit, monkeypatch):
    async def too_late(*given) -> bool:
        return False

    monkeypatch.setattr(audit, "_add", too_late)
    with pytest.raises(LedgerUnavailable, match="others keep writing"):
        await audit.append(note())
    with pytest.raises(LedgerUnavailable, match="others keep writing"):
        await audit.append_receipt(note(), ReceiptRange("", "1-0"))


def _write_for_ever(url: str, begun) -> None:
    async def write() -> None:
        async with open_audit(url) as audit:
            while True:
                await audit.append(note("killed"))
                begun.set()

    asyncio.run(write())


async def test_writers_that_are_killed_leave_a_chain_that_goes_on(server):
    spawn = multiprocessing.get_context("spawn")
    for _ in range(3):
        begun = spawn.Event()
        writer = spawn.Process(target=_write_for_ever, args=(server.url, begun))
        writer.start()
        assert await asyncio.to_thread(begun.wait, 60)
        await asyncio.sleep(0.05)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(30)
    async with open_audit(server.url) as audit:
        await audit.append(note("afterwards"))
        lines = await lines_of(audit)
    assert checked(lines) == [] and read_entry(lines[-1]).subject == "afterwards" and len(lines) > 3
