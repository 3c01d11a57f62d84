"""Books of the largest size that is promised for, written straight to a server, and what its scripts take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from msgspec import msgpack
from valkey import Valkey

from router.core.limits.counters import Hold, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.values import Cell, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.client.waiting import BATCH_LIMIT
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.totals import open_report
from router.ledger.reports.totals_by_dimension import Look

PREFIX = "be:{ledger}:"
MONTH = "2026-05"
PERIODS = Periods(ZoneInfo("Europe/Berlin"))
LAST_DAY = {25: 1_779_699_600.0, 31: 1_780_218_000.0}
"""11:00 in Berlin, by day of the month."""


@dataclass(frozen=True)
class Size:
    """How many there are of everything."""

    keys: int
    models: int
    backends: int
    days: int

    def cells(self) -> Iterator[Cell]:
        """Of one day. Every fourth backend is owned."""
        for key in range(self.keys):
            for model in range(self.models):
                for backend in range(self.backends):
                    zone = "cloud" if backend % 4 else "local"
                    yield Cell(f"backend{backend}", zone, f"model{model}", f"team{key % 10}", f"key{key}")


ORDINARY = Size(120, 10, 2, 25)
LARGE = Size(1000, 20, 4, 31)
_WRITTEN = ("day:", "spent:", "epoch", "layout", "zones")
_TOTALS = (10, 1, 10_000, 100, 5_000, 123_456, 234_567, 0, 0, 0)


def write_books(client: Valkey, size: Size, *, layout: int = 3) -> None:
    """Totals of every cell on every day of a month, as a layout has them: the first had no sums by scope.

    Before the third they are in micro-USD.
    """
    totals = {1: b"\x9a", 2: b"\xdc\0\x0a", 3: b"\xdd\0\0\0\x0a"}[layout] + msgpack.encode(_TOTALS)[1:]
    fields = {pack_cell(cell): totals for cell in size.cells()}
    for day in range(1, size.days + 1):
        for first in range(0, len(fields), 2000):
            some = dict(list(fields.items())[first : first + 2000])
            client.hset(f"{PREFIX}day:{MONTH}-{day:02}", mapping=some)
    client.set(f"{PREFIX}epoch", "0123456789abcdef")
    if layout > 1:
        client.set(f"{PREFIX}layout", str(layout))
        client.sadd(f"{PREFIX}zones", "local", "cloud")
        _write_sums(client, size, b"\xdc\0\3" if layout == 2 else b"\xdd\0\0\0\3")


def _write_sums(client: Valkey, size: Size, header: bytes) -> None:
    sums: dict[str, list[int]] = {}
    requests, _, input, _, output, cost, *_ = _TOTALS
    for cell in size.cells():
        for scope in ("global", f"team:{cell.team}", f"key:{cell.key}"):
            for model in ("", cell.model):
                sum = sums.setdefault(f"{scope}|{cell.zone}|{model}", [0, 0, 0])
                sum[:] = [sum[0] + cost, sum[1] + input + output, sum[2] + requests]
    names = list(sums)
    for first in range(0, len(names), 2000):
        month, day = {}, {}
        for name in names[first : first + 2000]:
            month[name] = header + msgpack.encode([figure * size.days for figure in sums[name]])[1:]
            day[name] = header + msgpack.encode(sums[name])[1:]
        client.hset(f"{PREFIX}spent:month:{MONTH}", mapping=month)
        client.hset(f"{PREFIX}spent:day:{MONTH}-{size.days:02}", mapping=day)


def script_times(client: Valkey) -> list[float]:
    """Milliseconds of every script since `watch_scripts`, as the server measured them."""
    slow = client.execute_command("SLOWLOG", "GET", "-1")
    return [entry[2] / 1000 for entry in slow if entry[3][0].startswith(b"EVAL")]


def watch_scripts(client: Valkey) -> None:
    """From here on every command's time is noted, and what it touches counted."""
    client.config_set("slowlog-log-slower-than", 0)
    client.config_set("slowlog-max-len", 100_000)
    client.execute_command("SLOWLOG", "RESET")
    client.config_resetstat()


def holds_of(ledger: GroupCommitLedger, size: Size) -> list[Hold]:
    """One of each key, with limits of every scope."""
    at = LAST_DAY[size.days]
    found = []
    for key in range(size.keys):
        limits = (
            Limit("global", "all", "", "usd", "month", 10**12),
            Limit(f"team:team{key % 10}", "cloud", "", "usd", "month", 10**12),
            Limit(f"key:key{key}", "all", "", "usd", "month", 10**12),
            Limit(f"key:key{key}", "cloud", "model0", "tokens", "day", 10**12),
        )
        cell = Cell("backend1", "cloud", "model0", f"team{key % 10}", f"key{key}")
        counters = counters_of(limits, at, PERIODS)
        found.append(Hold(ledger.next_id(at, 900.0), cell, at, 900.0, 1000, 500, 4000, True, counters))
    return found


def settlement_of(hold: Hold) -> Settlement:
    return Settlement(hold.id, hold.cell, hold.at, Usage(100, 30, 0, 7), 250, 0, False, True)


async def fill_a_batch(ledger: GroupCommitLedger, size: Size) -> None:
    """As much as one call takes: settlements and new holds, each of another key."""
    holds = holds_of(ledger, size)
    before, after = holds[:BATCH_LIMIT], holds[BATCH_LIMIT : 2 * BATCH_LIMIT]
    assert len(after) == BATCH_LIMIT
    await asyncio.gather(*(ledger.reserve(hold) for hold in before))
    reserved = [ledger.reserve(hold) for hold in after]
    for hold in before:
        ledger.settle(settlement_of(hold))
    await asyncio.gather(*reserved)
    await ledger.flush()


async def die(ledger: GroupCommitLedger, settled: list[Hold]) -> None:
    """kill -9 with these in its journal, and nothing of them sent."""
    for hold in settled:
        ledger.settle(settlement_of(hold))
    ledger._connection.lose("killed")
    for task in ledger._tasks:
        task.cancel()
    await asyncio.gather(*ledger._tasks, return_exceptions=True)
    ledger._closing = True
    if ledger._connection is not None:
        ledger._connection.lose("killed")
    ledger._logged.close(applied=False)


async def play(worker: Callable[[int], Awaitable[GroupCommitLedger]], url: str, size: Size) -> None:
    """A worker whose every key is new to it is killed, and another one brings its settlements in and goes on."""
    killed = await worker(size.days)
    holds = holds_of(killed, size)
    admitted = await asyncio.gather(*(killed.reserve(hold) for hold in holds))
    assert all(each.sides for each in admitted)
    for hold in holds[::2]:
        killed.settle(settlement_of(hold))
    await killed.flush()
    await die(killed, holds[1::2])
    ledger = await worker(size.days)
    assert ledger.available, ledger.why
    assert (await ledger.reserve(holds_of(ledger, size)[0])).sides
    await ledger.sweep()
    async with open_report(url) as report:
        days = [f"{MONTH}-{day:02}" for day in (1, size.days)]
        await report.days_by(Look(("team", "key")), days, days[1])
        hour = int(LAST_DAY[size.days] // 3600)
        await report.hours_by(Look(("backend", "model", "team")), [hour], hour)


async def lose_and_expire(ledger: GroupCommitLedger, client: Valkey) -> None:
    """The server forgets what this worker's requests hold, is told again, and charges it once their lease is over."""
    held = len(ledger._live)
    client.unlink(f"{PREFIX}epoch", *client.scan_iter(f"{PREFIX}hold:*"))
    async with asyncio.timeout(30):
        while ledger.available:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        while not ledger.available:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert sum(client.hlen(key) for key in client.scan_iter(f"{PREFIX}hold:*")) == held
    now = ledger._clock()
    ledger._clock = lambda: now + 2000
    await ledger.sweep()
    assert not list(client.scan_iter(f"{PREFIX}hold:*"))


def renew(client: Valkey) -> None:
    """Leaves the books as they were written, but for a few totals: the same can be played again."""
    for key in client.scan_iter(f"{PREFIX}*"):
        if not key.decode().removeprefix(PREFIX).startswith(_WRITTEN):
            client.unlink(key)
