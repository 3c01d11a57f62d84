"""However many keys, models, backends and days there are: no call keeps the server busy, and recovery ends."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from support.large import (
    LARGE,
    LAST_DAY,
    MONTH,
    ORDINARY,
    Size,
    die,
    fill_a_batch,
    holds_of,
    lose_and_expire,
    play,
    renew,
    settlement_of,
    write_books,
)
from support.metered import least, metered
from support.recount import wrong_counters
from support.totals import packed_totals
from valkey import Valkey

import router.ledger
from router.core.values import Cell, Row
from router.ledger.client import recovery as catchup
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.client.recovery import Books, LostBooks
from router.ledger.client.waiting import BATCH_LIMIT, DIFFERENT_LIMIT
from router.ledger.journal.log import DiskLog
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.periods import days_before
from router.ledger.reports.totals import open_report
from router.ledger.reports.totals_by_dimension import KEPT_LOOKS, PIECE_WORK, Look

BERLIN = ZoneInfo("Europe/Berlin")
PREFIX = "be:{ledger}:"
SMALL = Size(8, 3, 2, 25)
CROWD = Size(200, 2, 2, 25)
FORMER = Size(100, 20, 4, 1)
MOST_WORDS = 1000
"""Keys, fields and values that the commands of one script call may have together; a constant, whatever the size.

A batch that is as full as can be comes near it.
"""
MOST_MS = 5.0
MOST_LOOPS = {"open": 0.15, "commit": 0.8, "each": 0.5, "again": 0.4, "expire": 0.6, "tally": 0.85, "keep": 0.55}
"""What each script may take in times of the loop: some half as much again as it takes."""
ROUNDS = 4


@pytest.fixture
def server(engine):
    server = engine("valkey")
    server.client.flushall()
    return server


class Workers:
    """Makes workers that share a folder, at a day of the books' month."""

    def __init__(self, url: str, path: Path) -> None:
        self._url, self._path = url, path
        self._made: list[GroupCommitLedger] = []

    async def __call__(self, day: int = 25, timeout: float = 1.0, url: str = "", folder: str = "journal"):
        now = LAST_DAY[day]
        ledger = GroupCommitLedger(
            url or self._url,
            timezone=BERLIN,
            timeout=timeout,
            owned=["local"],
            log=DiskLog(self._path / folder),
            clock=lambda: now,
        )
        self._made.append(ledger)
        await ledger.start()
        return ledger

    async def close(self) -> None:
        for ledger in self._made:
            await ledger.close()
        self._made = []


@pytest.fixture
async def worker(server, tmp_path):
    workers = Workers(server.url, tmp_path)
    yield workers
    await workers.close()


class Seen:
    """What MONITOR showed: the commands, and how many words the commands of each script call had together."""

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()
        self.words: list[int] = []

    def add(self, line: bytes) -> None:
        name = re.search(rb'"(\w+)"', line)[1].decode().upper()
        self.commands[name] += 1
        if b" lua]" in line:
            self.words[-1] += line.count(b'" "') + 1
        elif name.startswith("EVAL"):
            self.words.append(0)


@contextmanager
def monitored(client):
    seen, connection = Seen(), client.connection_pool.get_connection("MONITOR")
    connection.send_command("MONITOR")
    connection.read_response()

    def read() -> None:
        while b'"ECHO"' not in (line := connection.read_response()):
            seen.add(line)

    thread = Thread(target=read, daemon=True)
    thread.start()
    yield seen
    client.echo("end")
    thread.join(20)
    connection.disconnect()


async def test_a_killed_worker_at_an_ordinary_size(server, worker):
    write_books(server.client, ORDINARY)
    with monitored(server.client) as seen:
        await play(worker, server.url, ORDINARY)
    assert "KEYS" not in seen.commands and seen.commands["EVALSHA"] > 10
    assert max(seen.words) <= MOST_WORDS
    before = ORDINARY.models * (123_456 * ORDINARY.backends) * ORDINARY.days
    async with open_report(server.url) as report:
        ((used, _, _),) = await report.counters(f"limit:month:{MONTH}", ["key:key3|all||usd"])
    assert used == before + 250


async def test_one_call_does_as_much_whatever_the_size_of_the_books(server, worker):
    """The busiest call, with books of eight keys and of a hundred and twenty, for the same requests."""
    busiest = []
    for size in (SMALL, Size(SMALL.keys * 15, SMALL.models * 3, SMALL.backends, SMALL.days)):
        server.client.flushall()
        write_books(server.client, size)
        with monitored(server.client) as seen:
            ledger = await worker()
            await asyncio.gather(*(ledger.reserve(hold) for hold in holds_of(ledger, SMALL)))
            await ledger.sweep()
        busiest.append(max(seen.words))
    assert busiest[0] == busiest[1]


async def test_a_whole_batch_of_different_keys(server, worker):
    write_books(server.client, CROWD)
    ledger = await worker()
    with monitored(server.client) as seen:
        await fill_a_batch(ledger, CROWD)
    print("WORDS", max(seen.words))
    assert MOST_WORDS / 2 < max(seen.words) <= MOST_WORDS


async def test_requests_of_a_few_keys_come_in_one_call_in_whatever_order(server, worker):
    """What a call may look at are different counters: those of a key are the same for all of its requests."""
    ledger = await worker()
    holds = holds_of(ledger, Size(4, 1, 1, 25))
    again = [replace(holds[n % 4], id=ledger.next_id(holds[0].at, 900.0)) for n in range(BATCH_LIMIT)]
    with monitored(server.client) as seen:
        await asyncio.gather(*(ledger.reserve(hold) for hold in again))
    assert len(seen.words) == 1


async def test_many_holds_of_one_lease_are_charged_a_few_at_a_time(server, worker, monkeypatch):
    ledger = await worker()
    holds = [hold for _ in range(30) for hold in holds_of(ledger, SMALL)]
    await asyncio.gather(*(ledger.reserve(hold) for hold in holds))
    ledger._clock = lambda: LAST_DAY[25] + 2000
    with monitored(server.client) as seen:
        await ledger.sweep()
    assert max(seen.words) <= MOST_WORDS
    assert not server.client.exists(f"{PREFIX}hold:{holds[0].id[:8]}")
    assert wrong_counters(server.client) == []


async def test_running_requests_are_held_again_a_few_at_a_time(server, worker, eventually):
    ledger = await worker()
    holds = [hold for _ in range(30) for hold in holds_of(ledger, SMALL)]
    await asyncio.gather(*(ledger.reserve(hold) for hold in holds))
    with monitored(server.client) as seen:
        server.client.flushall()
        await eventually(lambda: not ledger.available)
        await eventually(lambda: ledger.available)
    assert "KEYS" not in seen.commands and max(seen.words) <= MOST_WORDS
    assert server.client.hlen(f"{PREFIX}hold:{holds[0].id[:8]}") == len(holds)
    assert wrong_counters(server.client) == []


async def test_of_all_writers_that_ever_were_those_with_a_journal_here_are_asked_for(server, worker):
    ended = await worker()
    holds = holds_of(ended, SMALL)
    await asyncio.gather(*(ended.reserve(hold) for hold in holds))
    await die(ended, holds)
    server.client.hset(f"{PREFIX}writers", mapping={f"{n:016x}": b"\x92\x01\x07" for n in range(20_000)})
    before = server.client.info("stats")["total_net_output_bytes"]
    for _ in range(2):  # an orphan at first, and a retired one then
        await worker()
    assert server.client.info("stats")["total_net_output_bytes"] - before < 100_000
    async with open_report(server.url) as report:
        rows = await report.days([f"{MONTH}-25"])
    assert sum(row.requests for row in rows) == len(holds)


# --- batches that come in parts


@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_a_journal_entry_that_was_brought_in_halfway_is_gone_on_with(server, worker, monkeypatch, taken):
    """By another worker, which knows only what the books say of it."""
    killed = await worker()
    holds = [hold for _ in range(DIFFERENT_LIMIT // SMALL.keys) for hold in holds_of(killed, SMALL)]
    await asyncio.gather(*(killed.reserve(hold) for hold in holds))
    await die(killed, holds)
    call, calls = Books._call, []

    async def interrupt(books: Books, script, payload: bytes):
        if script is books._scripts.each:
            calls.append(payload)
            if len(calls) == taken + 1:
                raise LostBooks("killed as well")
        return await call(books, script, payload)

    monkeypatch.setattr(Books, "_call", interrupt)
    ledger = await worker()
    async with asyncio.timeout(10):
        while not ledger.available:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    assert len(calls) == 1 + -(-len(holds) // catchup.PART)
    async with open_report(server.url) as report:
        rows = await report.days([f"{MONTH}-25"])
    assert sum(row.requests for row in rows) == len(holds)
    assert wrong_counters(server.client) == []


async def test_settlements_whose_holds_are_gone_are_judged_a_few_at_a_time(server, worker):
    """As after their lease: the whole batch goes operation by operation, and each is counted once."""
    ledger = await worker()
    holds = [hold for _ in range(5) for hold in holds_of(ledger, SMALL)]
    await asyncio.gather(*(ledger.reserve(hold) for hold in holds))
    ledger._clock = lambda: LAST_DAY[25] + 2000
    await ledger.sweep()
    for hold in holds[:30]:
        ledger.settle(settlement_of(hold))
    for hold in holds[30:]:
        ledger.release(hold.id)
    with monitored(server.client) as seen:
        await ledger.flush()
    assert max(seen.words) <= MOST_WORDS
    async with open_report(server.url) as report:
        rows = await report.days([f"{MONTH}-25"])
    assert (sum(row.requests for row in rows), sum(row.unsettled for row in rows)) == (30, 0)
    assert wrong_counters(server.client) == []


# --- books of an earlier layout


@pytest.mark.parametrize("layout", [1, 2])
async def test_books_of_an_earlier_layout_are_brought_to_this_one(server, worker, monkeypatch, layout):
    """Interrupted, by two workers, while one of them already counts in the same cells: every cell is summed once."""
    monkeypatch.setattr(catchup, "CELLS", 7)
    write_books(server.client, SMALL, layout=layout)
    run, runs = Books._run, []

    async def interrupt(books: Books, script, fields):
        if script is books._scripts.upgrade:
            runs.append(fields)
            if len(runs) == 12:
                raise LostBooks("interrupted")
        return await run(books, script, fields)

    monkeypatch.setattr(Books, "_run", interrupt)
    one = await worker()
    assert not one.available or len(runs) > 12
    other = await worker()
    async with asyncio.timeout(20):
        while not (one.available and other.available):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    hold = holds_of(other, SMALL)[0]
    await other.reserve(hold)
    other.settle(settlement_of(hold))
    await other.flush()
    assert server.client.get(f"{PREFIX}layout") == b"3" and not server.client.exists(f"{PREFIX}upgrade")
    assert wrong_counters(server.client) == []
    async with open_report(server.url) as report:
        ((used, _, _),) = await report.counters(f"limit:month:{MONTH}", ["key:key0|all||usd"])
    assert used == 25 * SMALL.models * SMALL.backends * 123_456_000 + 250


@pytest.mark.parametrize("layout", [1, 2])
async def test_what_counts_in_a_former_cell_first_brings_it_along(server, worker, layout):
    ledger = await worker()
    write_books(server.client, SMALL, layout=layout)
    server.client.set(f"{PREFIX}epoch", ledger._sender.epoch)
    for hold in holds_of(ledger, SMALL):
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold))
    await ledger.flush()
    async with open_report(server.url) as report:
        rows = await report.days([f"{MONTH}-25"])
    assert sum(row.cost for row in rows) == 8 * (3 * 2 * 123_456_000 + 250)


# --- what is never asked


def test_all_keys_are_never_asked_for():
    """KEYS looks at every key of the server, also those of others."""
    folder = Path(router.ledger.__file__).parent
    for path in [*folder.rglob("*.py"), *folder.rglob("*.lua")]:
        assert not re.search(r"""call\(['"](KEYS|keys)['"]|pack\(['"]KEYS""", path.read_text()), path


def test_no_script_reads_a_whole_hash_of_cells_or_holds():
    """Only the volume, which has four days of quarters."""
    folder = Path(router.ledger.__file__).parent / "scripts"
    for path in folder.glob("*.lua"):
        whole = re.findall(r"call\('(?:HGETALL|HVALS|HKEYS)', ([^)]*)\)", path.read_text())
        assert set(whole) <= {"KEYS[1]"} and (not whole or path.stem == "expire"), path


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_no_script_takes_long_at_the_largest_size(server, worker, tmp_path, capsys):
    """In the server's own processor time: each call where it took the least of several rounds, so that what else the
    machine does is not taken for the script's. And in times of a loop that is always the same, so that a script that
    does far more than it did is seen on a fast machine, too."""
    write_books(server.client, LARGE)
    server.client.config_set("auto-aof-rewrite-percentage", 0)  # to fork takes a while, and is no call
    rounds, loops = [], []
    for number in range(ROUNDS):
        renew(server.client)
        async with metered(server.url.removeprefix("unix://"), server.pid, tmp_path / f"meter{number}.sock") as meter:
            make = partial(worker, url=meter.url, folder=f"journal{number}")
            await play(make, meter.url, LARGE)
            await worker.close()
            last = await make(31)
            await fill_a_batch(last, LARGE)
            await lose_and_expire(last, server.client)
            await worker.close()
            loops.append(meter.yardstick(server.client))
        rounds.append(meter.calls)
    longest = {name: max(calls) for name, calls in least(rounds).items()}
    with capsys.disabled():
        print(f"\n{sum(map(len, rounds[0].values()))} calls; the loop takes {min(loops):.2f} ms")
        for name, ms in longest.items():
            each = ", ".join(f"{max(calls[name]):.2f}" for calls in rounds)
            print(f"  {name:6} {ms:.2f} ms at most, {ms / min(loops):.2f} loops; by round {each}")
    assert longest.keys() == MOST_LOOPS.keys()
    assert max(longest.values()) < MOST_MS
    assert {name for name, ms in longest.items() if ms > MOST_LOOPS[name] * min(loops)} == set()


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_no_call_touches_more_at_the_largest_size(server, worker):
    write_books(server.client, LARGE)
    with monitored(server.client) as seen:
        await play(worker, server.url, LARGE)
        await worker.close()
        last = await worker(31)
        await fill_a_batch(last, LARGE)
        await lose_and_expire(last, server.client)
    assert "KEYS" not in seen.commands and max(seen.words) <= MOST_WORDS


def write_a_day(client: Valkey, day: str, keys: int = 250) -> Cell:
    """A day of four cells of each key, with a figure in every column; one of them."""
    packed = packed_totals(range(5_000_000_000, 5_000_000_000 + len(Row.__struct_fields__) - 1))
    size = Size(keys, 4, 1, 1)
    client.hset(f"{PREFIX}day:{day}", mapping={pack_cell(cell): packed for cell in size.cells()})
    return next(size.cells())


@pytest.mark.prove
async def test_no_piece_of_a_day_takes_long(server, tmp_path, capsys):
    """With a row for every fourth cell, or for each, or none that is looked for; and all views at once, also of a day
    that is so small that the server reads it at once."""
    day, small, today = f"{MONTH}-25", f"{MONTH}-24", f"{MONTH}-28"
    cell = write_a_day(server.client, day)
    usual = server.client.config_get("hash-max-listpack-*")
    server.client.config_set("hash-max-listpack-entries", 512, "hash-max-listpack-value", 1000)
    write_a_day(server.client, small, 128)
    server.client.config_set(*(word for each in usual.items() for word in each))
    assert server.client.object("encoding", f"{PREFIX}day:{small}") == b"listpack"
    every = {name: frozenset({getattr(cell, name)}) for name in cell.__struct_fields__}
    looks = [
        Look(("backend", "team", "key")),
        Look(("model", "key")),
        Look(("model", "key"), every | {"key": frozenset({"none"})}),
    ]
    rounds = []
    for number in range(ROUNDS):
        server.client.unlink(f"{PREFIX}summed:{day}", f"{PREFIX}summed:{small}")
        path = server.url.removeprefix("unix://")
        async with (
            metered(path, server.pid, tmp_path / f"meter{number}.sock") as meter,
            open_report(meter.url) as report,
        ):
            tallies = [await report.days_by(look, [day], today) for look in looks]
            await report.add_up(KEPT_LOOKS, days_before(today, [day, small]))
        assert [len(tally.rows) for (tally,) in tallies] == [250, 1000, 0]
        rounds.append(meter.calls)
    found = least(rounds)
    with capsys.disabled():
        print({name: [f"{ms:.2f} ms" for ms in calls] for name, calls in found.items()})
    assert len(found["tally"]) > 9 * 1000 / PIECE_WORK and found["keep"]
    assert max(map(max, found.values())) < MOST_MS


@pytest.mark.prove
async def test_no_piece_of_books_of_an_earlier_layout_takes_long(server, worker, tmp_path):
    rounds = []
    for number in range(ROUNDS):
        server.client.flushall()
        write_books(server.client, FORMER, layout=1)
        async with metered(server.url.removeprefix("unix://"), server.pid, tmp_path / f"meter{number}.sock") as meter:
            ledger = await worker(url=meter.url, timeout=5.0, folder=f"journal{number}")
            async with asyncio.timeout(60):
                while not ledger.available:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
            await worker.close()
        rounds.append(meter.calls)
    assert max(least(rounds)["upgrade"]) < MOST_MS
