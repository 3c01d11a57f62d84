"""Batches on real servers: what waits for them, what does not, and what goes with which."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec import structs
from support.lent import end_slices, lent_to_others

from router.core.limits.counters import NO_COUNTERS, CounterSet, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.values import Cell, Mixture, Row
from router.ledger.client import batches
from router.ledger.client.batches import MANY
from router.ledger.client.early_holds import UNSENT_LIMIT
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.client.waiting import BATCH_LIMIT, DIFFERENT_LIMIT
from router.ledger.journal.hold_file import MOST_BYTES, read_holds
from router.ledger.journal.log import DiskLog
from router.ledger.reports.limits import standings
from router.ledger.reports.totals import open_report

CLOUD = Cell("openai", "cloud", "chat", "search", "app")
BERLIN = ZoneInfo("Europe/Berlin")
ONCE = Row(CLOUD, 1, input=100, cached=30, output=7, cost=250, eligible_tokens=107, cloud_value=250)


async def rows_of(server) -> list[Row]:
    async with open_report(server.url) as report:
        return await report.days(["2026-05-20"])


async def holds_of(server) -> int:
    return sum(server.client.hlen(key) for key in server.client.keys("be:*:hold:*"))


async def test_concurrent_reservations_share_round_trips(server, ledger, hold_of, settlement_of):
    before = server.script_calls()
    holds = [hold_of(ledger) for _ in range(200)]
    await asyncio.gather(*(ledger.reserve(hold) for hold in holds))
    for hold in holds:
        ledger.settle(settlement_of(hold))
    await ledger.flush()
    assert server.script_calls() - before <= 4
    assert [row.requests for row in await rows_of(server)] == [200]
    assert await holds_of(server) == 0


async def test_more_than_a_batch_holds(server, ledger, hold_of, settlement_of):
    holds = [hold_of(ledger) for _ in range(2500)]
    await asyncio.gather(*(ledger.reserve(hold) for hold in holds))
    assert await holds_of(server) == 2500
    for hold in holds:
        ledger.settle(settlement_of(hold))
    await ledger.flush()
    assert [row.requests for row in await rows_of(server)] == [2500]


async def test_settlements_go_without_being_asked(server, ledger, hold_of, settlement_of, eventually):
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    await eventually(lambda: server.client.exists("be:{ledger}:day:2026-05-20"))


async def test_what_a_batch_had_no_room_for_goes_with_the_next_at_once(
    ledger, hold_of, settlement_of, eventually, monkeypatch
):
    """Settlements of many keys: what waits for longer than the others would be in no journal meanwhile."""
    cells = [structs.replace(CLOUD, key=f"key{n}") for n in range(3 * DIFFERENT_LIMIT)]
    holds = [hold_of(ledger, cell=cell) for cell in cells]
    await asyncio.gather(*(ledger.reserve(hold) for hold in holds))
    monkeypatch.setattr(batches, "LONGEST_WAIT", 3600.0)
    for hold in holds:
        ledger.settle(settlement_of(hold))
    await ledger.reserve(hold_of(ledger))
    await eventually(lambda: not ledger._operations)


async def test_settlements_ride_with_the_next_reservation(server, ledger, hold_of, settlement_of):
    first, second = hold_of(ledger), hold_of(ledger)
    await ledger.reserve(first)
    before = server.script_calls()
    ledger.settle(settlement_of(first))
    await ledger.reserve(second)
    assert server.script_calls() - before == 1
    assert await rows_of(server) == [ONCE]


async def test_own_settlements_count_at_once_and_once(ledger, hold_of, settlement_of):
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    assert ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)
    await ledger.flush()
    assert ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)


async def test_a_cancelled_reservation_is_released(server, ledger, hold_of, eventually):
    waiting = ledger.reserve(hold_of(ledger))
    await asyncio.sleep(0)  # it is on its way
    waiting.cancel()
    await ledger.reserve(hold_of(ledger))
    await ledger.flush()
    assert await holds_of(server) == 1


async def test_a_reservation_cancelled_before_it_was_sent_never_is(server, ledger, hold_of):
    ledger.reserve(hold_of(ledger)).cancel()
    await ledger.reserve(hold_of(ledger))
    assert await holds_of(server) == 1


async def test_reservations_behind_a_whole_batch_that_was_cancelled_are_answered(ledger, hold_of):
    gone = [ledger.reserve(hold_of(ledger)) for _ in range(BATCH_LIMIT)]
    last = ledger.reserve(hold_of(ledger))
    for each in gone:
        each.cancel()
    async with asyncio.timeout(5):
        assert (await last).sides == 3


async def test_forgotten_scripts_are_loaded_again(server, ledger, hold_of, settlement_of):
    for _ in range(3):
        server.client.script_flush()
        hold = hold_of(ledger)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold))
        ledger.settle(settlement_of(hold))
        await ledger.flush()
        server.client.script_flush()
        await ledger.sweep()
    assert [row.requests for row in await rows_of(server)] == [3]
    assert ledger.available


def limited(at: float, amount: int = 5_000_000, soft: float = 1.0) -> CounterSet:
    """Beyond the soft limit nothing is lent."""
    return counters_of((Limit("key:app", "all", "", "usd", "day", amount, soft),), at, Periods(BERLIN))


@pytest.fixture
async def worker(server, clock, tmp_path):
    """With a journal, as every worker that has a data directory."""
    log = DiskLog(tmp_path / "journal")
    ledger = GroupCommitLedger(server.url, timezone=BERLIN, timeout=5.0, owned=["local"], log=log, clock=clock)
    await ledger.start()
    await ledger.flush()
    ledger._early.answered_at = float("inf")  # however busy this machine is
    yield ledger
    await ledger.close()


def noted(path: Path, number: int = 0) -> list[bytes]:
    """What the next worker would find, if the last applied batch had this number."""
    (file,) = path.glob("journal/*/holds")
    return read_holds(file.parent, number)


async def test_without_limits_nobody_waits_for_the_server(server, worker, hold_of, eventually):
    before = server.script_calls()
    hold = hold_of(worker)
    asked = worker.reserve(hold)
    assert asked.done() and asked.result().sides == hold.sides
    assert server.script_calls() == before
    await eventually(lambda: server.script_calls() == before + 1)
    assert await holds_of(server) == 1


async def test_what_does_not_wait_is_written_down_before_it_goes(worker, hold_of, tmp_path):
    hold = hold_of(worker)
    assert worker.reserve(hold).done()
    assert [payload.split()[0].decode() for payload in noted(tmp_path)] == [hold.id]
    await worker.flush()
    assert noted(tmp_path, worker._sender.last) == []


async def test_a_hold_that_ends_before_it_was_sent_never_is(server, worker, hold_of, settlement_of):
    before = server.script_calls()
    for _ in range(3):
        hold = hold_of(worker)
        assert worker.reserve(hold).done()
        worker.settle(settlement_of(hold))
        worker.settle(settlement_of(hold))
    await worker.flush()
    assert server.script_calls() == before + 1
    assert not server.client.keys("be:*:hold:*")
    assert [row.requests for row in await rows_of(server)] == [3]


async def test_one_that_was_released_before_is_forgotten_with_the_next_batch(server, worker, hold_of, tmp_path):
    hold = hold_of(worker)
    assert worker.reserve(hold).done()
    worker.release(hold.id)
    await worker.flush()
    assert noted(tmp_path, worker._sender.last) == [] and await holds_of(server) == 0


async def test_with_limits_the_server_is_asked(worker, hold_of):
    asked = worker.reserve(hold_of(worker, counters=limited(worker._clock())))
    assert not asked.done()
    assert (await asked).sides == 3


async def test_a_server_that_has_not_answered_lately_is_asked(worker, hold_of):
    before = worker._early.answered_at = worker._loop.time() - 1
    asked = worker.reserve(hold_of(worker))
    assert not asked.done()
    assert (await asked).sides == 3
    assert worker._early.answered_at > before + 0.9


async def test_without_a_journal_the_server_is_asked(ledger, hold_of):
    ledger._early.answered_at = float("inf")
    assert not ledger.reserve(hold_of(ledger)).done()


async def test_a_hold_too_long_for_the_journal_is_asked_for(server, worker, hold_of):
    asked = worker.reserve(hold_of(worker, cell=Cell("openai", "cloud", "m" * MOST_BYTES, "search", "app")))
    assert not asked.done()
    await asked
    assert await holds_of(server) == 1


async def test_more_than_a_batch_takes_is_asked_for(server, worker, hold_of, settlement_of):
    holds = [hold_of(worker) for _ in range(UNSENT_LIMIT + 200)]
    asked = [worker.reserve(hold) for hold in holds]
    assert [each.done() for each in asked] == [True] * UNSENT_LIMIT + [False] * 200
    await asyncio.gather(*asked)
    assert await holds_of(server) == len(holds)
    for hold in holds:
        worker.settle(settlement_of(hold))
    await worker.flush()
    assert await holds_of(server) == 0
    assert [row.requests for row in await rows_of(server)] == [len(holds)]


async def test_beside_what_goes_one_by_one_they_go_with_the_next_batch(
    server, worker, hold_of, settlement_of, tmp_path
):
    hold, ended = hold_of(worker), hold_of(worker)
    assert worker.reserve(hold).done() and worker.reserve(ended).done()
    worker.settle(settlement_of(ended))
    worker.attempt(settlement_of(hold_of(worker), id="", requests=0), NO_COUNTERS)
    worker._send_batch()
    assert [payload.split()[0].decode() for payload in noted(tmp_path, worker._number)] == [hold.id]
    await worker.flush()
    assert await holds_of(server) == 1
    worker.settle(settlement_of(hold))
    await worker.flush()
    assert (await rows_of(server))[0].requests == 2 and await holds_of(server) == 0


@pytest.mark.parametrize("session_server", ["valkey"], indirect=True)
@pytest.mark.parametrize("end", ["settled meanwhile", "settled later", "released"])
async def test_what_was_admitted_before_the_server_was_lost_is_held(
    server, worker, hold_of, settlement_of, eventually, end
):
    hold = hold_of(worker)
    assert worker.reserve(hold).done()
    worker._send_batch()
    worker._connection.lose("cut")
    if end == "settled meanwhile":
        worker.settle(settlement_of(hold))
    await eventually(lambda: worker.available)
    assert await holds_of(server) == (0 if end == "settled meanwhile" else 1)
    if end == "settled later":
        worker.settle(settlement_of(hold))
    elif end == "released":
        worker.release(hold.id)
    await worker.flush()
    assert await holds_of(server) == 0
    assert await rows_of(server) == ([] if end == "released" else [ONCE])


async def lend(ledger: GroupCommitLedger, hold_of, counters: CounterSet) -> None:
    """Asks until something is lent."""
    async with asyncio.timeout(10):
        while not ledger._early.slices.fits(hold_of(ledger, counters=counters), ledger._loop.time()):
            await ledger.reserve(hold_of(ledger, counters=counters))


def lent(server) -> list[bytes]:
    return server.client.keys("be:*:slices:*")


def held(server) -> tuple[int, int, int]:
    """Used, held and at risk."""
    [value] = server.client.hgetall("be:{ledger}:limit:day:2026-05-20").values()
    return msgspec.msgpack.decode(value, type=tuple[int, int, int])


async def test_what_fits_a_slice_is_admitted_at_once_and_held_with_the_next_batch(
    server, worker, hold_of, settlement_of
):
    counters = limited(worker._clock(), amount=50_000_000)
    await lend(worker, hold_of, counters)
    before = await holds_of(server)
    running, ended = (hold_of(worker, counters=counters) for _ in range(2))
    assert worker.reserve(running).done() and worker.reserve(ended).done()
    worker.settle(settlement_of(ended))
    await worker.flush()
    assert await holds_of(server) == before + 1
    assert held(server) == (250, 4000 * (before + 1), 0)


async def test_beyond_the_soft_limit_nothing_is_lent(server, worker, hold_of):
    for soft in (0.0, 0.01):
        counters = limited(worker._clock(), soft=soft, amount=4_000_000)
        for _ in range(12):
            asked = worker.reserve(hold_of(worker, counters=counters))
            assert not asked.done()
            await asked
    assert not lent(server)


async def test_who_needs_what_others_were_lent_waits_until_it_is_given_back(server, worker, new_ledger, hold_of):
    counters = limited(worker._clock())
    await lend(worker, hold_of, counters)
    _, running, _ = held(server)
    other = await new_ledger()
    everything = hold_of(other, counters=counters, cost=5_000_000 - running)
    async with asyncio.timeout(10):
        assert (await other.reserve(everything)).sides == 3
    refused = await worker.reserve(hold_of(worker, counters=counters))
    assert (refused.sides, refused.verdict.held) == (0, 5_000_000)


async def test_what_no_slice_is_in_the_way_of_is_refused_at_once(server, worker, new_ledger, hold_of):
    counters = limited(worker._clock())
    await lend(worker, hold_of, counters)
    other = await new_ledger()
    assert (await other.reserve(hold_of(other, counters=counters, cost=5_000_000))).sides == 0
    assert lent(server)


def cut_off(worker: GroupCommitLedger) -> str:
    """For good; its name."""
    for task in worker._tasks:
        task.cancel()
    worker._connection.lose("gone")
    return worker._sender.writer


async def test_slices_of_a_worker_that_is_gone_are_charged_until_what_it_admitted_is_here(
    server, worker, new_ledger, hold_of
):
    worker._sender.term_of_slices = 300
    counters = limited(worker._clock())
    await lend(worker, hold_of, counters)
    assert worker.reserve(hold_of(worker, counters=counters)).done()  # which the server never hears of
    writer = cut_off(worker)
    [charge] = lent_to_others(server.client, []).values()
    _, running, _ = held(server)
    other = await new_ledger()
    async with asyncio.timeout(10):
        refused = await other.reserve(hold_of(other, counters=counters, cost=5_000_000 - running))
    assert (refused.sides, refused.verdict.used, refused.verdict.held) == (0, charge, running)
    assert (await other.reserve(hold_of(other, counters=counters, cost=4000))).sides == 3
    assert held(server) == (0, running + 4000, 0)
    server.client.hset("be:{ledger}:sliced", writer, worker._sender.term + 1)
    assert (await other.reserve(hold_of(other, counters=counters, cost=5_000_000 - running - 4000))).sides == 3


def rate(worker: GroupCommitLedger, amount: int) -> CounterSet:
    limit = Limit("global", "all", "", "requests", "minute", amount, soft=1.0)
    return counters_of((limit,), worker._clock(), Periods(BERLIN))


async def test_a_rate_that_is_used_up_is_known_until_the_server_is_lost(worker, hold_of, settlement_of):
    counters = rate(worker, 1)
    first = hold_of(worker, counters=counters)
    assert (await worker.reserve(first)).sides
    assert (await worker.reserve(hold_of(worker, counters=counters))).sides == 0
    assert not worker.exhausted.known, "what runs may give it back"
    worker.settle(settlement_of(first))
    await worker.flush()
    refused = await worker.reserve(hold_of(worker, counters=counters))
    assert refused.verdict is not None and worker.exhausted.of(counters) == refused.verdict
    cut_off(worker)
    assert not worker.exhausted.known


async def test_what_a_worker_that_is_gone_was_lent_makes_no_rate_known_to_be_used_up(
    server, worker, new_ledger, hold_of, settlement_of
):
    worker._sender.term_of_slices = 300
    counters = rate(worker, 200)
    async with asyncio.timeout(20):
        while not worker._early.slices.fits(hold := hold_of(worker, counters=counters), worker._loop.time()):
            await worker.reserve(hold)
            worker.settle(settlement_of(hold))
    await worker.flush()
    cut_off(worker)
    other = await new_ledger()
    async with asyncio.timeout(20):
        while (refused := await other.reserve(hold := hold_of(other, counters=counters))).sides:
            other.settle(settlement_of(hold))
            await other.flush()
    assert refused.verdict is not None and (refused.verdict.used, refused.verdict.held) == (200, 0)
    assert not other.exhausted.known


async def test_what_is_charged_is_shown_as_used(server, worker, hold_of, clock):
    counters = limited(clock.now)
    await lend(worker, hold_of, counters)
    writer = cut_off(worker)
    [charge] = lent_to_others(server.client, []).values()
    for ended, charged in ((False, 0), (True, charge)):
        if ended:
            end_slices(server.client, [writer])
        async with open_report(server.url) as report:
            limits = [each.limit for each in counters.all]
            [standing] = await standings(report, limits, frozenset(), clock.now, Periods(BERLIN))
        assert (standing.used, standing.charged) == (charged, charged)


async def test_of_what_runs_at_once_a_charge_ends_with_the_leases_of_its_holds(server, worker, new_ledger, hold_of):
    worker._sender.term_of_slices = 300
    counters = counters_of((Limit("key:app", "all", "", "concurrent", "", 100),), worker._clock(), Periods(BERLIN))
    await lend(worker, hold_of, counters)
    cut_off(worker)
    other = await new_ledger()
    running = await holds_of(server)
    async with asyncio.timeout(10):
        everything = [other.reserve(hold_of(other, counters=counters)) for _ in range(100 - running)]
        assert {(await each).sides for each in everything} == {0, 3}
        other._ids.lease = 0.0
        assert (await other.reserve(hold_of(other, counters=counters))).sides == 3


async def test_a_worker_that_is_back_frees_what_it_had_been_lent(server, worker, hold_of, eventually):
    await lend(worker, hold_of, limited(worker._clock()))
    assert lent_to_others(server.client, [])
    worker._connection.lose("for a moment")
    await eventually(lambda: not lent_to_others(server.client, []))


async def test_a_worker_that_ends_gives_back_what_it_was_lent(server, worker, hold_of):
    await lend(worker, hold_of, limited(worker._clock()))
    assert lent(server)
    await worker.close()
    assert not lent(server)


async def test_what_waits_goes_at_once_until_others_come_with_it(worker, hold_of):
    counters = limited(worker._clock(), soft=0.0)
    for _ in range(3):
        asked = worker.reserve(hold_of(worker, counters=counters))
        assert worker._scheduled and worker._paced is None
        await asked
    await asyncio.gather(*(worker.reserve(hold_of(worker, counters=counters)) for _ in range(MANY)))
    worker._sent_at = worker._loop.time()
    asked = worker.reserve(hold_of(worker, counters=counters))
    assert worker._paced is not None
    await asked
