"""Books that were lost, in whole or in part, come back from the journal: everything once, nothing twice."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from support.lent import end_slices, lent_to_others

from router.core.limits.counters import NO_COUNTERS, CounterSet, Hold, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.values import Cell, Mixture, Row
from router.ledger.client import group_commit, recovery
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.client.recovery import PART, Books, LostBooks
from router.ledger.errors import JournalError
from router.ledger.journal.disk import Disk
from router.ledger.journal.log import DiskLog
from router.ledger.record import unpack_records
from router.ledger.reports.totals import open_report
from tests.support.filling_disk import FillingDisk

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = 1_779_267_600.0
CLOUD = Cell("openai", "cloud", "chat", "search", "app")
DAILY = Limit("key:app", "all", "", "usd", "day", 5000, 1.0)
RUNNING = Limit("key:app", "all", "", "concurrent", "", 50, 1.0)
OTHER = Limit("key:app", "all", "", "requests", "day", 50, 1.0)


def counters() -> CounterSet:
    return counters_of((DAILY, RUNNING), MORNING, Periods(BERLIN))


async def rows_of(server) -> list[Row]:
    async with open_report(server.url) as report:
        return await report.days(["2026-05-20"])


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Nobody else is to be waited for here."""
    monkeypatch.setattr(recovery, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(group_commit, "WATCH_SECONDS", 0.2)


@pytest.fixture
async def new_worker(server, clock, tmp_path):
    """A worker's ledger with a journal on disk; all share one folder."""
    made: list[GroupCommitLedger] = []

    async def make(
        folder: Path = tmp_path / "journal", timeout: float = 5.0, disk: Disk | None = None
    ) -> GroupCommitLedger:
        log = DiskLog(folder, disk)
        ledger = GroupCommitLedger(server.url, timezone=BERLIN, timeout=timeout, owned=["local"], log=log, clock=clock)
        made.append(ledger)
        await ledger.start()
        return ledger

    yield make
    for ledger in made:
        await ledger.close()


@pytest.fixture
def spend(hold_of, settlement_of):
    """Requests from hold to settlement, 250 micro-USD each."""

    async def play(ledger: GroupCommitLedger, times: int) -> None:
        for _ in range(times):
            hold = hold_of(ledger, counters=counters(), cost=300)
            await ledger.reserve(hold)
            ledger.settle(settlement_of(hold))
        await ledger.flush()

    return play


async def die(ledger: GroupCommitLedger) -> None:
    """What kill -9 leaves behind: a journal whose lock is free, and whatever the server has."""
    for task in ledger._tasks:
        task.cancel()
    await asyncio.gather(*ledger._tasks, return_exceptions=True)
    ledger._operations.clear()
    ledger._closing = True
    if ledger._connection is not None:
        ledger._connection.lose("killed")
    ledger._logged.close(applied=False)


def snapshot(server) -> dict[bytes, bytes]:
    return {key: server.client.dump(key) for key in server.client.keys("*")}


def restore(server, kept: dict[bytes, bytes]) -> None:
    """The server as it was: what a failover to a replica, or an old copy, looks like."""
    with server.client.pipeline(transaction=True) as pipe:
        pipe.flushall()
        for key, value in kept.items():
            pipe.restore(key, 0, value)
        pipe.execute()


async def used(ledger: GroupCommitLedger, hold_of) -> tuple[int, int]:
    """What the ledger thinks is used and held of the day's limit: it tells when it refuses."""
    answer = await ledger.reserve(hold_of(ledger, counters=counters(), cost=1_000_000))
    assert answer.verdict is not None and answer.verdict.limit == DAILY
    return answer.verdict.used, answer.verdict.held


async def test_what_was_settled_while_the_journals_disk_was_full_outlives_the_server(
    server, new_worker, spend, hold_of, eventually
):
    disk = FillingDisk()
    ledger = await new_worker(disk=disk)
    await spend(ledger, 2)
    disk.full = True
    await spend(ledger, 3)
    disk.full = False
    await eventually(lambda: not ledger._logged._unwritten.has_entries)  # nothing else is asked for
    await die(ledger)
    server.client.flushall()

    assert (await used(await new_worker(), hold_of))[0] == 5 * 250


async def test_flushed_books_are_brought_back(server, new_worker, spend, hold_of, settlement_of, eventually):
    ledger = await new_worker()
    await spend(ledger, 4)
    running = hold_of(ledger, counters=counters(), cost=300)
    await ledger.reserve(running)
    server.client.flushall()
    await eventually(lambda: not ledger.available)
    await eventually(lambda: ledger.available)
    row = Row(CLOUD, 4, input=400, cached=120, output=28, cost=1000, eligible_tokens=428, cloud_value=1000)
    assert await rows_of(server) == [row]
    assert await used(ledger, hold_of) == (1000, 300)
    assert ledger.volume.seen("today", MORNING) == Mixture(280, 120, 28)
    ledger.settle(settlement_of(running))
    await ledger.flush()
    assert await used(ledger, hold_of) == (1250, 0)


async def test_nothing_is_admitted_against_flushed_books(server, new_worker, spend, hold_of):
    """The batch that finds them gone is not applied, so nobody is told that there is money."""
    ledger = await new_worker()
    await spend(ledger, 16)
    server.client.flushall()
    with pytest.raises(Exception, match="not the ones"):
        await ledger.reserve(hold_of(ledger, counters=counters(), cost=4000))
    assert await rows_of(server) == []


async def test_every_worker_brings_back_what_it_counted(server, new_worker, spend, hold_of, eventually):
    one, other = await new_worker(), await new_worker()
    await spend(one, 2)
    await spend(other, 3)
    server.client.flushall()
    await eventually(lambda: not one.available and not other.available)
    await eventually(lambda: one.available and other.available)
    assert [row.requests for row in await rows_of(server)] == [5]
    assert await used(one, hold_of) == await used(other, hold_of) == (1250, 0)


async def test_what_former_workers_counted_comes_back_too(server, new_worker, spend, eventually):
    former = await new_worker()
    await spend(former, 3)
    await die(former)
    ledger = await new_worker()  # takes the orphan over: nothing is missing yet
    assert [row.requests for row in await rows_of(server)] == [3]
    await die(ledger)
    server.client.flushall()
    await new_worker()
    assert [row.requests for row in await rows_of(server)] == [3]


@pytest.mark.parametrize("settled_between", [0, 1, 5])
async def test_lost_writes_are_written_again(server, new_worker, spend, hold_of, eventually, settled_between):
    ledger = await new_worker()
    await spend(ledger, 2)
    kept = snapshot(server)
    await spend(ledger, settled_between)
    late = hold_of(ledger, counters=counters(), cost=300)
    await ledger.reserve(late)
    restore(server, kept)
    with pytest.raises(Exception, match="not the ones"):
        await ledger.reserve(hold_of(ledger, counters=counters()))
    await eventually(lambda: ledger.available)
    assert [row.requests for row in await rows_of(server)] == [2 + settled_between]
    assert await used(ledger, hold_of) == (250 * (2 + settled_between), 300)


async def test_a_settlement_that_was_lost_with_its_hold_counts_once(
    server, new_worker, spend, hold_of, settlement_of, eventually, clock
):
    """The old copy still has the hold; its lease must not be charged on top."""
    ledger = await new_worker()
    hold = hold_of(ledger, counters=counters(), cost=300)
    await ledger.reserve(hold)
    kept = snapshot(server)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    restore(server, kept)
    with pytest.raises(Exception, match="not the ones"):
        await ledger.reserve(hold_of(ledger, counters=counters()))
    await eventually(lambda: ledger.available)
    clock.now += 2000
    await ledger.sweep()
    row = Row(CLOUD, 1, input=100, cached=30, output=7, cost=250, eligible_tokens=107, cloud_value=250)
    assert await rows_of(server) == [row]
    assert await used(ledger, hold_of) == (250, 0)


async def test_what_a_killed_worker_had_journaled_is_brought_in(
    server, new_worker, hold_of, settlement_of, spend, eventually
):
    killed = await new_worker(timeout=1.0)
    await spend(killed, 1)
    with server.frozen():
        with pytest.raises(Exception, match="no answer"):
            await killed.reserve(hold_of(killed, counters=counters_of((OTHER,), MORNING, Periods(BERLIN))))
        for _ in range(3):
            killed.record(settlement_of(hold_of(killed)), counters())
        await eventually(lambda: not killed._operations)
        await die(killed)
    ledger = await new_worker()
    (row,) = await rows_of(server)
    assert (row.requests, row.unheld) == (4, 3)
    assert await used(ledger, hold_of) == (1000, 0)
    again = await new_worker()
    assert [row.requests for row in await rows_of(server)] == [4]
    assert await used(again, hold_of) == (1000, 0)


async def test_a_batch_from_before_a_lost_connection_is_not_taken(server, new_worker, hold_of, eventually):
    """It lay in the frozen server's socket, and must not hold anything once nobody waits for it."""
    ledger = await new_worker(timeout=1.0)
    with server.frozen(), pytest.raises(Exception, match="no answer"):
        await ledger.reserve(hold_of(ledger, counters=counters(), cost=300))
    await eventually(lambda: ledger.available)
    await ledger.flush()
    assert await used(ledger, hold_of) == (0, 0)
    assert not server.client.keys("be:*:hold:*")


async def test_a_server_that_never_had_the_books_gets_them(server, new_worker, spend, tmp_path):
    ledger = await new_worker()
    await spend(ledger, 2)
    await die(ledger)
    server.client.flushall()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "journal", copy)
    await new_worker(copy)
    assert [row.requests for row in await rows_of(server)] == [2]


async def test_a_new_limit_counts_what_was_spent_before_it(server, new_worker, hold_of, settlement_of):
    ledger = await new_worker()
    for _ in range(3):
        hold = hold_of(ledger)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold))
    await ledger.flush()
    monthly = Limit("team:search", "cloud", "chat", "tokens", "month", 400, 1.0)
    answer = await ledger.reserve(
        hold_of(ledger, counters=counters_of((monthly,), MORNING, Periods(BERLIN)), input=80, output=0)
    )
    assert (answer.sides, answer.verdict.used) == (0, 321)


async def test_records_are_written_with_what_they_count(server, new_worker, spend, hold_of, settlement_of):
    ledger = await new_worker()
    await spend(ledger, 2)
    ledger.record(settlement_of(hold_of(ledger)), NO_COUNTERS)
    await ledger.flush()
    entries = server.client.xrange("be:{ledger}:requests")
    records = [record for _, fields in entries for record in unpack_records(fields[b"b"])]
    assert [record.kind for record in records] == ["settled", "settled", "unheld"]
    assert sum(record.cost for record in records) == 750
    assert int(server.client.get("be:{ledger}:requests:kept")) == 3


async def test_what_was_journaled_meanwhile_is_used_of_the_limits(
    server, new_worker, spend, hold_of, settlement_of, eventually
):
    """Nothing was lost, so nothing is counted anew: each batch that is brought in has to say it."""
    ledger = await new_worker(timeout=1.0)
    running = hold_of(ledger, counters=counters(), cost=300)
    await ledger.reserve(running)
    await spend(ledger, 1)
    with server.frozen():
        with pytest.raises(Exception, match="no answer"):
            await ledger.reserve(hold_of(ledger, counters=counters()))
        ledger.settle(settlement_of(running))
        ledger.record(settlement_of(hold_of(ledger)), counters())
        await eventually(lambda: not ledger._operations)
    await eventually(lambda: ledger.available)
    assert await used(ledger, hold_of) == (750, 0)


async def test_a_rebuilding_that_was_interrupted_is_finished_the_next_time(
    server, new_worker, spend, hold_of, eventually, monkeypatch
):
    """The second attempt finds books that lack nothing of its own; running holds were still not brought back."""
    ledger = await new_worker()
    await spend(ledger, 2)
    await ledger.reserve(hold_of(ledger, counters=counters(), cost=300))
    hold_again, interrupted = Books.hold_again, []

    async def interrupt(books: Books, *arguments: object) -> None:
        if not interrupted:
            interrupted.append(arguments)
            raise LostBooks("somebody else brings in the same")
        await hold_again(books, *arguments)

    monkeypatch.setattr(Books, "hold_again", interrupt)
    server.client.flushall()
    await eventually(lambda: not ledger.available)
    await eventually(lambda: ledger.available)
    assert interrupted
    assert await used(ledger, hold_of) == (500, 300)


async def lend(ledger: GroupCommitLedger, hold_of) -> CounterSet:
    """Asks until something is lent."""
    lent = counters_of((Limit("key:app", "all", "", "usd", "day", 5_000_000, 1.0),), MORNING, Periods(BERLIN))
    async with asyncio.timeout(10):
        while not ledger._early.slices.fits(hold_of(ledger, counters=lent), ledger._loop.time()):
            await ledger.reserve(hold_of(ledger, counters=lent))
    ledger._early.answered_at = float("inf")  # however long the next step takes
    return lent


async def test_what_a_killed_worker_was_lent_is_free_once_its_journal_is_brought_in(server, new_worker, hold_of):
    killed = await new_worker()
    lent = await lend(killed, hold_of)
    early = hold_of(killed, counters=lent)
    assert killed.reserve(early).done()
    await die(killed)
    other = await new_worker()  # brings in what was admitted
    [value] = server.client.hgetall("be:{ledger}:limit:day:2026-05-20").values()
    _, held, _ = msgspec.msgpack.decode(value, type=tuple[int, int, int])
    assert held % early.cost == 0 and held > early.cost
    assert (await other.reserve(hold_of(other, counters=lent, cost=5_000_000 - held))).sides == 3
    assert (await other.reserve(hold_of(other, counters=lent))).sides == 0


@pytest.mark.parametrize("ended", [False, True])
async def test_what_a_lost_machine_was_lent_is_charged_until_its_journal_is_found(
    server, new_worker, hold_of, tmp_path, ended
):
    lost = await new_worker(tmp_path / "lost" / "journal")
    lent = await lend(lost, hold_of)
    early = hold_of(lost, counters=lent)
    assert lost.reserve(early).done()
    await die(lost)
    if ended:
        end_slices(server.client, [lost._sender.writer])
    await new_worker()
    assert lent_to_others(server.client, [])
    other = await new_worker(tmp_path / "lost" / "journal")
    assert not lent_to_others(server.client, [])
    _, held = await used_of(other, hold_of, lent)
    assert held % early.cost == 0 and held > early.cost


async def used_of(ledger: GroupCommitLedger, hold_of, counters: CounterSet) -> tuple[int, int]:
    verdict = (await ledger.reserve(hold_of(ledger, counters=counters, cost=5_000_001))).verdict
    return verdict.used, verdict.held


@pytest.mark.parametrize("end", ["killed", "closed"])
async def test_one_that_admitted_nothing_leaves_nothing_charged_in_a_restored_copy(server, new_worker, hold_of, end):
    """Its journal says so, though there is nothing in it."""
    worker = await new_worker()
    lent = await lend(worker, hold_of)
    kept = snapshot(server)
    await (die(worker) if end == "killed" else worker.close())
    await new_worker()
    restore(server, kept)
    assert lent_to_others(server.client, [])
    other = await new_worker()
    assert not lent_to_others(server.client, [])
    assert (await used_of(other, hold_of, lent))[0] == 0


async def test_an_orphan_is_taken_again_after_the_server_was_lost(server, new_worker, spend, eventually, monkeypatch):
    killed = await new_worker()
    await spend(killed, 2)
    await die(killed)
    server.client.flushall()
    bring, interrupted = Books.bring, []

    async def interrupt(books: Books, sender: object, reading: object) -> int:
        if reading.writer == killed._logged.writer and not interrupted:
            interrupted.append(reading)
            raise LostBooks("killed once more")
        return await bring(books, sender, reading)

    monkeypatch.setattr(Books, "bring", interrupt)
    ledger = await new_worker()
    await eventually(lambda: ledger.available)
    assert interrupted
    assert [row.requests for row in await rows_of(server)] == [2]


async def test_what_the_server_lost_of_a_former_worker_is_found_by_the_next(server, new_worker, spend):
    """Its journal was retired, and nobody who runs now has seen the loss."""
    former = await new_worker()
    await spend(former, 2)
    kept = snapshot(server)
    await spend(former, 3)
    await former.close()
    restore(server, kept)
    await new_worker()
    assert [row.requests for row in await rows_of(server)] == [5]


async def test_a_hold_that_was_charged_is_not_held_again(
    server, new_worker, spend, hold_of, settlement_of, eventually, clock
):
    ledger = await new_worker()
    running = hold_of(ledger, cost=300)
    await ledger.reserve(running)
    clock.now += 2000
    await ledger.sweep()
    kept = snapshot(server)
    await spend(ledger, 1)
    restore(server, kept)
    with pytest.raises(Exception, match="not the ones"):
        await ledger.reserve(hold_of(ledger, counters=counters()))
    await eventually(lambda: ledger.available)
    await ledger.sweep()
    ledger.settle(settlement_of(running))
    await ledger.flush()
    (row,) = await rows_of(server)
    assert (row.requests, row.cost, row.unsettled) == (2, 500, 0)


@pytest.mark.parametrize("error", [JournalError("too many open files"), ValueError("another version's")])
async def test_a_journal_that_cannot_be_read_is_tried_again(server, new_worker, spend, monkeypatch, eventually, error):
    ledger = await new_worker()
    await spend(ledger, 2)
    bring, failed = Books.bring, []

    async def fail(books: Books, sender: object, reading: object) -> int:
        if not failed:
            failed.append(reading)
            raise error
        return await bring(books, sender, reading)

    monkeypatch.setattr(Books, "bring", fail)
    server.client.flushall()
    await eventually(lambda: failed)
    await eventually(lambda: ledger.available)
    assert [row.requests for row in await rows_of(server)] == [2]


async def test_the_grace_of_new_books_is_not_cut_to_whole_seconds(server, new_worker, spend, monkeypatch, clock):
    clock.now += 0.75
    ledger = await new_worker()
    await spend(ledger, 1)
    await die(ledger)
    server.client.flushall()
    open_books, opened = Books.open, []

    async def watch(books: Books, *arguments: object, **options: object) -> object:
        opened.append(await open_books(books, *arguments, **options))
        return opened[-1]

    monkeypatch.setattr(Books, "open", watch)
    await new_worker()
    assert opened[0].ready == clock.now + recovery.GRACE_SECONDS


# --- what else a lost connection, or lost writes, may leave behind


async def test_limits_count_what_was_only_journaled(
    server, new_worker, spend, hold_of, settlement_of, eventually, monkeypatch
):
    ledger = await new_worker()
    await spend(ledger, 1)
    ledger._connection.lose("cut")
    ledger.record(settlement_of(hold_of(ledger)), counters())
    await eventually(lambda: ledger.available)
    assert await used(ledger, hold_of) == (500, 0)


async def test_a_hold_whose_answer_was_lost_is_taken_back_as_it_was_made(server, new_worker, hold_of, eventually):
    """It was admitted for the own side only, which this worker never heard."""
    cloud = Limit("key:app", "cloud", "", "usd", "day", 1000, 1.0, spare_local=True)
    running = Limit("key:app", "cloud", "", "requests", "day", 50, 1.0)
    both = counters_of((cloud, running), MORNING, Periods(BERLIN))
    ledger = await new_worker()
    assert (await ledger.reserve(hold_of(ledger, counters=both, cost=900))).sides == 3
    unheard = ledger.reserve(hold_of(ledger, counters=both, cost=900))
    while ledger._flight is None:  # noqa: ASYNC110 - the loop may turn only until it was sent
        await asyncio.sleep(0)
    while sum(map(server.client.hlen, server.client.keys("be:*:hold:*"))) < 2:
        pass
    ledger._connection.lose("cut")
    with pytest.raises(Exception, match="cut"):
        await unheard
    await eventually(lambda: ledger.available)
    await ledger.flush()
    assert (await ledger.reserve(hold_of(ledger, counters=both, cost=900))).verdict.held == 900


async def test_a_release_that_was_lost_frees_its_hold_all_the_same(server, new_worker, spend, hold_of, eventually):
    ledger = await new_worker()
    hold = hold_of(ledger, counters=counters(), cost=300)
    await ledger.reserve(hold)
    kept = snapshot(server)
    ledger.release(hold.id)
    await ledger.flush()
    restore(server, kept)
    await eventually(lambda: not ledger.available)
    await eventually(lambda: ledger.available)
    assert await used(ledger, hold_of) == (0, 0)
    assert not server.client.keys("be:*:hold:*")


async def test_a_hold_that_was_charged_is_charged_once_and_corrected_once(
    server, new_worker, spend, hold_of, settlement_of, clock, eventually
):
    ledger = await new_worker()
    hold = hold_of(ledger, counters=counters(), cost=300)
    await ledger.reserve(hold)
    clock.now += 1000
    await ledger.sweep()
    kept = snapshot(server)
    await spend(ledger, 1)
    restore(server, kept)
    await eventually(lambda: not ledger.available)
    await eventually(lambda: ledger.available)
    await ledger.sweep()
    assert await used(ledger, hold_of) == (550, 0)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    assert await used(ledger, hold_of) == (500, 0)


@pytest.fixture
def fail_once(monkeypatch):
    """Makes a step of catching up fail the first time, as when the server changes meanwhile."""

    def patch(name: str) -> None:
        method, failed = getattr(Books, name), []

        async def step(*arguments):
            if not failed:
                failed.append(name)
                raise LostBooks("changed once more")
            return await method(*arguments)

        monkeypatch.setattr(Books, name, step)

    return patch


@pytest.mark.parametrize("step", ["bring", "hold_again", "until_trusted", "sweep"])
async def test_books_are_brought_back_whichever_attempt_gets_through(
    server, new_worker, spend, hold_of, eventually, fail_once, step
):
    ledger = await new_worker()
    await spend(ledger, 2)
    await ledger.reserve(hold_of(ledger, counters=counters(), cost=300))
    fail_once(step)
    server.client.flushall()
    await eventually(lambda: not ledger.available)
    await eventually(lambda: ledger.available)
    assert await used(ledger, hold_of) == (500, 300)


async def test_what_a_killed_worker_had_journaled_is_brought_in_by_the_next_attempt(
    server, new_worker, spend, hold_of, settlement_of, eventually, fail_once
):
    killed = await new_worker()
    await spend(killed, 2)
    killed._connection.lose("cut")
    killed.record(settlement_of(hold_of(killed)), counters())
    killed._journal_waiting()
    await die(killed)
    fail_once("bring")
    ledger = await new_worker()
    await eventually(lambda: ledger.available)
    assert [row.requests for row in await rows_of(server)] == [3]
    assert await used(ledger, hold_of) == (750, 0)


# --- holds that did not wait for the server


async def admit(ledger: GroupCommitLedger, hold: Hold) -> None:
    """Without waiting, however busy this machine is."""
    ledger._early.answered_at = float("inf")
    assert ledger.reserve(hold).done()


async def test_a_killed_workers_request_that_the_server_never_heard_of_is_charged_as_held(
    server, new_worker, hold_of, clock
):
    killed = await new_worker()
    await admit(killed, hold_of(killed))
    await die(killed)
    assert not server.client.keys("be:*:hold:*")
    clock.now += 86_400  # nobody started for a day
    ledger = await new_worker()
    await ledger.sweep()
    row = Row(CLOUD, 1, input=1000, output=500, cost=4000, unsettled=1, eligible_tokens=1500, cloud_value=4000)
    assert await rows_of(server) == [row]
    await die(ledger)
    await new_worker()
    assert await rows_of(server) == [row]


async def test_what_a_killed_worker_had_settled_is_not_held_once_more(
    server, new_worker, hold_of, settlement_of, clock
):
    """Its batch was on its way operation by operation, and the first of them were counted."""
    killed = await new_worker()
    hold, running = hold_of(killed), hold_of(killed)
    await admit(killed, hold)
    await admit(killed, running)
    killed.settle(settlement_of(hold))
    for _ in range(2 * PART):
        killed.attempt(settlement_of(hold_of(killed), id="", requests=0), NO_COUNTERS)
    flight = killed._build_batch()
    assert (await killed._connection.run(flight.script.run(flight.payload)))[0] == 1
    await die(killed)
    ledger = await new_worker()
    (row,) = await rows_of(server)
    assert row.requests == 1
    assert sum(map(server.client.hlen, server.client.keys("be:*:hold:*"))) == 1
    clock.now += 2000
    await ledger.sweep()
    (row,) = await rows_of(server)
    assert (row.requests, row.unsettled, row.cost) == (2, 1, 250 * (1 + 2 * PART) + 4000)


@pytest.mark.parametrize("cut", [False, True])
async def test_a_hold_that_went_does_not_come_back_with_books_that_were_lost(
    server, new_worker, hold_of, eventually, clock, cut
):
    """The server has forgotten which batches it had."""
    killed = await new_worker()
    hold = hold_of(killed)
    await admit(killed, hold)
    if cut:
        killed._connection.lose("cut")
    else:
        await killed.flush()
    killed.release(hold.id)
    await eventually(lambda: killed.available)
    await killed.flush()
    server.client.flushall()
    await die(killed)
    ledger = await new_worker()
    clock.now += 2000
    await ledger.sweep()
    assert await rows_of(server) == []


async def test_a_worker_that_ends_while_the_server_is_away_leaves_its_holds_to_the_next_one(
    server, new_worker, hold_of, eventually
):
    ending = await new_worker()
    await admit(ending, hold_of(ending))
    with server.frozen():
        ending._connection.lose("cut")
        await ending.close()
    await new_worker()
    assert sum(map(server.client.hlen, server.client.keys("be:*:hold:*"))) == 1
