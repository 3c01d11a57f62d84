"""A worker's ledger on real servers: lost servers, replays, and what a new worker begins with."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from router.core.limits.counters import NO_COUNTERS
from router.core.values import Cell, Mixture, Row
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import open_report

CLOUD = Cell("openai", "cloud", "chat", "search", "app")
ONCE = Row(CLOUD, 1, input=100, cached=30, output=7, cost=250, eligible_tokens=107, cloud_value=250)


async def rows_of(server) -> list[Row]:
    async with open_report(server.url) as report:
        return await report.days(["2026-05-20"])


async def holds_of(server) -> int:
    return sum(server.client.hlen(key) for key in server.client.keys("be:*:hold:*"))


async def test_workers_see_each_other(new_ledger, hold_of, settlement_of):
    one, other = await new_ledger(), await new_ledger()
    for ledger in (one, other):
        hold = hold_of(ledger)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold))
        await ledger.flush()
    assert other.volume.seen("today", hold.at) == Mixture(140, 60, 14)
    assert one.volume.seen("today", hold.at) == Mixture(70, 30, 7)
    await one.sweep()
    assert one.volume.seen("today", hold.at) == Mixture(140, 60, 14)


async def test_a_new_worker_begins_with_what_was_counted(new_ledger, hold_of, settlement_of):
    one = await new_ledger()
    hold = hold_of(one)
    await one.reserve(hold)
    one.settle(settlement_of(hold))
    await one.flush()
    other = await new_ledger()
    assert other.volume.seen("trailing_24h", hold.at) == Mixture(70, 30, 7)


async def test_old_volume_is_forgotten(server, ledger, hold_of, settlement_of, clock):
    for _ in range(2):
        hold = hold_of(ledger, clock.now)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold))
        await ledger.flush()
        clock.now += 5 * 86_400
    await ledger.sweep()
    assert server.client.hlen("be:{ledger}:volume") == 0


async def test_totals_expire(server, clock, new_ledger, hold_of, settlement_of):
    ledger = await new_ledger()
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    for key in ("day:2026-05-20", f"hour:{int(hold.at) // 3600}"):
        assert 399 * 86_400 < server.client.ttl(f"be:{{ledger}}:{key}") <= 400 * 86_400


async def test_another_time_zone_moves_the_day(server, ledger, hold_of, settlement_of):
    ledger.retime(ZoneInfo("Pacific/Kiritimati"), 10)
    hold = hold_of(ledger, 1_779_278_400.0)  # 12:00 UTC
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    assert server.client.ttl("be:{ledger}:day:2026-05-21") <= 10 * 86_400
    async with open_report(server.url) as report:
        assert await report.timezone() == "Pacific/Kiritimati"
        assert await report.days(["2026-05-21"]) == [ONCE]


async def test_a_frozen_server_is_lost_and_found_again(server, new_ledger, hold_of, settlement_of, eventually):
    ledger = await new_ledger(timeout=1.0)
    settled, refused = hold_of(ledger), hold_of(ledger)
    await ledger.reserve(settled)
    with server.frozen():
        with pytest.raises(LedgerUnavailable, match=r"no answer within 1 s"):
            await ledger.reserve(refused)
        assert not ledger.available
        with pytest.raises(LedgerUnavailable):
            ledger.reserve(hold_of(ledger))
        ledger.settle(settlement_of(settled))
    await eventually(lambda: ledger.available)
    await ledger.flush()
    assert await rows_of(server) == [ONCE]
    assert await holds_of(server) == 0


async def test_a_refused_request_that_went_on_is_recorded(
    server, new_ledger, hold_of, settlement_of, eventually, clock
):
    ledger = await new_ledger(timeout=1.0)
    hold = hold_of(ledger)
    with server.frozen():
        with pytest.raises(LedgerUnavailable):
            await ledger.reserve(hold)
        ledger.record(settlement_of(hold), NO_COUNTERS)
        assert ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)
    await eventually(lambda: ledger.available)
    await ledger.flush()
    clock.now += 2000
    await ledger.sweep()
    assert await rows_of(server) == [structs.replace(ONCE, unheld=1)]
    assert ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)


async def test_an_unreachable_server_is_not_an_error_at_start(tmp_path, new_ledger, hold_of):
    ledger = await new_ledger(f"unix://{tmp_path}/nothing.sock")
    assert not ledger.available
    assert "No such file" in ledger.why
    with pytest.raises(LedgerUnavailable, match="No such file"):
        ledger.reserve(hold_of(ledger))


async def test_a_server_that_cannot_write_is_not_available(server, new_ledger, hold_of, eventually):
    server.client.config_set("maxmemory", 1)
    try:
        ledger = await new_ledger()
        assert not ledger.available
        assert "OOM" in ledger.why
    finally:
        server.client.config_set("maxmemory", 0)
    await eventually(lambda: ledger.available)
    await ledger.reserve(hold_of(ledger))
    server.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerUnavailable, match="OOM"):
            await ledger.reserve(hold_of(ledger))
    finally:
        server.client.config_set("maxmemory", 0)
    await eventually(lambda: ledger.available)


@pytest.mark.parametrize("session_server", ["valkey", "redis"], indirect=True)
async def test_a_replica_cannot_be_used(server, new_ledger):
    server.client.replicaof("127.0.0.1", "1")
    try:
        ledger = await new_ledger()
        assert not ledger.available
        assert "READONLY" in ledger.why
    finally:
        server.client.replicaof("no", "one")


async def test_a_sweep_notices_a_lost_server(server, new_ledger, eventually):
    ledger = await new_ledger(timeout=1.0)
    with server.frozen():
        await ledger.sweep()
        assert "no answer" in ledger.why
        await ledger.sweep()
    await eventually(lambda: ledger.available)


async def test_a_sweep_that_is_refused_loses_the_server(server, ledger, hold_of, clock, eventually):
    await ledger.reserve(hold_of(ledger))
    server.client.set("be:{ledger}:volume", "not a hash")
    await ledger.sweep()
    assert not ledger.available
    assert "WRONGTYPE" in ledger.why
    server.client.delete("be:{ledger}:volume")
    await eventually(lambda: ledger.available)


class Cutter:
    """A proxy that passes commands on, and drops the connection instead of a chosen answer."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.cut_next = False
        self.cuts = 0

    async def serve(self, path: Path) -> asyncio.Server:
        return await asyncio.start_unix_server(self._relay, path)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_unix_connection(self._target)
        back = asyncio.create_task(self._back(there, writer))
        while data := await reader.read(65536):
            onward.write(data)
        onward.close()
        await back

    async def _back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(65536):
            if self.cut_next:
                self.cut_next, self.cuts = False, self.cuts + 1
                break
            writer.write(data)
        writer.close()


@pytest.mark.parametrize("session_server", ["valkey", "redis"], indirect=True)
async def test_a_batch_with_an_unknown_outcome_is_replayed_without_counting_twice(
    server, new_ledger, hold_of, settlement_of, eventually, tmp_path
):
    cutter = Cutter(server.url.removeprefix("unix://"))
    async with await cutter.serve(tmp_path / "cut.sock"):
        ledger = await new_ledger(f"unix://{tmp_path}/cut.sock")
        settled, released, refused = (hold_of(ledger) for _ in range(3))
        await asyncio.gather(ledger.reserve(settled), ledger.reserve(released))
        cutter.cut_next = True
        ledger.settle(settlement_of(settled))
        ledger.release(released.id)
        ledger.record(settlement_of(hold_of(ledger), cost=1), NO_COUNTERS)
        with pytest.raises(LedgerUnavailable, match="connection lost"):
            await ledger.reserve(refused)
        await eventually(lambda: ledger.available)
        await ledger.flush()
        assert cutter.cuts == 1
        (row,) = await rows_of(server)
        assert (row.requests, row.cost, row.unsettled) == (2, 251, 0)
        assert await holds_of(server) == 0
        assert ledger.volume.seen("today", settled.at) == Mixture(140, 60, 14)
        await ledger.close()


async def test_the_embedded_server_keeps_totals_over_a_restart(start_embedded, tmp_path, clock, hold_of, settlement_of):
    with start_embedded(tmp_path) as server:
        ledger = GroupCommitLedger(server.url, timezone=ZoneInfo("Europe/Berlin"), clock=clock)
        await ledger.start()
        settled, open_hold = hold_of(ledger), hold_of(ledger)
        await asyncio.gather(ledger.reserve(settled), ledger.reserve(open_hold))
        ledger.settle(settlement_of(settled))
        await ledger.close()
    with start_embedded(tmp_path) as server:
        assert await rows_of(server) == [ONCE]
        assert await holds_of(server) == 1


async def test_settlements_survive_a_restart_of_the_server(
    start_embedded, tmp_path, clock, hold_of, settlement_of, eventually
):
    with start_embedded(tmp_path) as server:
        ledger = GroupCommitLedger(server.url, timezone=ZoneInfo("Europe/Berlin"), clock=clock)
        await ledger.start()
        hold = hold_of(ledger)
        await ledger.reserve(hold)
    await eventually(lambda: not ledger.available)
    ledger.settle(settlement_of(hold))
    with start_embedded(tmp_path) as server:
        await eventually(lambda: ledger.available)
        await ledger.close()
        assert await rows_of(server) == [ONCE]
