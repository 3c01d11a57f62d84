"""Workers and the ledger's server are killed under load; afterwards the ledger says what the provider billed.

What may differ is said in docs/ledger.md, and is this: a request whose worker was killed before it was settled and
written is charged as held, so more than billed; and one of an own backend that ran while the ledger was lost, and whose
worker was killed then, is not counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prove.books import Account, Told, read
from prove.load import KEY, LONGEST, NOBODY, Load, Seen
from prove.provider import INPUT, Provider
from support.recount import wrong_counters
from support.servers import RedisServer
from support.serving import PROJECT, Serving, eventually, usage
from valkey import Valkey
from valkey.exceptions import ConnectionError as ValkeyConnectionError

from router.core.money import NANO_PER_USD, micro_usd
from router.ledger.server.embedded import running_url

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: "%(own)s", serves: {both: m, own: m}, cost: {usd_per_hour: 1.0}}
  api:
    zone: cloud
    kind: openai
    url: "%(cloud)s"
    serves: {both: {model: m, price: {input: 1, output: 2}}, cloud: {model: m, price: {input: 1, output: 2}}}
models: {both: {backends: [api, gpu]}, cloud: {backends: [api]}, own: {backends: [gpu]}}
cost: {strategy: cloud_first}
ledger: {timeout: 500ms, lease: 5s, holds: worst_case}
"""
UNLIMITED = """
keys: [{name: app, sha256: "%(key)s", team: search}]
"""
LIMITED = """
budget: {usd_per_month: 1000000, concurrent_requests: 1000}
teams: {search: {budget: {tokens_per_day: 1000000000, cloud: {usd_per_day: 1000000}}}}
keys:
  - name: app
    sha256: "%(key)s"
    team: search
    budget: {requests_per_day: 10000000, local: {tokens_per_month: 1000000000}}
"""
PRICE = {"input": 1_000, "output": 2_000}
"""Nano-USD per token."""
LEASE_IS_OVER = 150.0
"""Seconds, most of them for the lease's last minute and the sweep after it."""
QUIET = 30.0
WRITTEN = 0.7
"""Seconds until a settlement is in the journal: the ledger's timeout at most, and a little."""
RELEASED = 10.0
"""Seconds until what a lost server may hold is released: it has to be reached again first."""


@dataclass
class Trial:
    """One gateway of two workers between two providers, and what it goes through."""

    serving: Serving
    own: Provider
    cloud: Provider
    load: Load
    kill_server: Callable[[], None]
    url: str
    """Of the ledger's server."""
    redis: tuple[str, ...] = ()
    """Options that name it, unless it is the embedded one."""
    forgets: bool = False
    """Whether the server loses its last writes when it is killed."""
    kills: int = 0
    server_kills: int = 0
    deaths: list[float] = field(default_factory=list)
    """Moments at which a worker was killed."""

    async def busy(self) -> None:
        """Until two workers have bought what was asked from now on, which they cannot without the ledger."""
        moment = time.monotonic()
        async with asyncio.timeout(60):
            while len(self.load.buying_since(moment)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def died(self, seen: Seen) -> bool:
        """Whether a worker was killed before this request can have been settled and written."""
        patience = RELEASED if seen.status == 503 else WRITTEN
        return any(seen.asked <= death <= seen.ended + patience for death in self.deaths)

    async def kill_worker(self) -> None:
        worker = random.choice(await asyncio.to_thread(eventually, self.serving.workers))
        self.deaths.append(time.monotonic())
        worker.kill()
        self.kills += 1

    def kill_redis(self) -> None:
        self.kill_server()
        self.server_kills += 1


@pytest.fixture
async def providers() -> AsyncIterator[tuple[Provider, Provider]]:
    both = Provider(lambda marker: marker % 7 * 0.008), Provider(lambda marker: marker % 5 * 0.012)
    for provider in both:
        await provider.start()
    yield both
    for provider in both:
        await provider.stop()


@pytest.fixture
def start(tmp_path: Path, providers: tuple[Provider, Provider]) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []
    own, cloud = providers

    def begin(*arguments: str, limits: str = LIMITED) -> Serving:
        policy = tmp_path / "policy.yaml"
        key = hashlib.sha256(KEY.encode()).hexdigest()
        policy.write_text((POLICY + limits) % {"own": own.url, "cloud": cloud.url, "key": key})
        program = (str(PROJECT / "tests" / "prove" / "hasty.py"),)
        serving = Serving(tmp_path / "data", ("--policy", str(policy), "--workers", "2", *arguments), program=program)
        started.append(serving)
        return serving.start()

    yield begin
    for serving in started:
        serving.stop()


async def embedded(
    start: Callable[..., Serving], providers: tuple[Provider, Provider], fsync: str, limits: str = LIMITED
) -> Trial:
    serving = await asyncio.to_thread(start, "--fsync", fsync, limits=limits)

    def kill() -> None:
        server = serving.valkey()
        if server is not None:
            server.kill()

    return Trial(serving, *providers, Load(serving.url), kill, running_url(serving.data_dir) or "")


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


async def torment(trial: Trial, kills: int, server_kills: int, *, together: int = 0) -> None:
    """`together` kills of both at once come last."""
    async with trial.load.running():
        for number in range(kills):
            if number % 5 != 4:  # else it may be one that is starting, and bringing in what another one left behind
                await trial.busy()
            await trial.kill_worker()
            if (number + 1) * server_kills // kills > trial.server_kills:
                await trial.busy()
                await asyncio.to_thread(trial.kill_redis)
                if trial.forgets:  # holds of a worker that is killed before it could write them again are gone
                    await trial.busy()
        for _ in range(together):
            await trial.busy()
            await trial.kill_worker()
            await asyncio.to_thread(trial.kill_redis)
        await trial.busy()


# --- what has to be true afterwards


@dataclass
class Difference:
    """What the ledger says and the provider does not, by marker."""

    problems: list[str] = field(default_factory=list)
    as_held: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Held or charged, and billed, in nano-USD."""
    uncounted: list[int] = field(default_factory=list)
    """Of own backends, without a hold, and their worker was killed."""


def compare(trial: Trial, told: Told) -> Difference:
    difference = Difference()
    seen = {each.marker: each for each in trial.load.seen}
    for marker in told.accounts.keys() - seen.keys():
        difference.problems.append(f"{marker}: nobody asked for it: {told.accounts[marker]}")
    for marker, each in seen.items():
        for problem in _differs(trial, each, told.accounts.get(marker, Account()), difference):
            difference.problems.append(f"{marker}: {problem}: {each}, {told.accounts.get(marker)}")
    return difference


def _differs(trial: Trial, seen: Seen, account: Account, difference: Difference) -> Iterator[str]:
    bills = [(PRICE, each) for each in trial.cloud.billed.get(seen.marker, ())]
    bills += [({"input": 0, "output": 0}, each) for each in trial.own.billed.get(seen.marker, ())]
    if len(bills) > 1:
        yield f"billed {len(bills)} times"
    if account.times > 1:
        yield f"counted {account.times} times"
    price, bill = bills[0] if bills else (PRICE, None)
    cost = 0 if bill is None else price["input"] * INPUT + price["output"] * bill.output
    if seen.status == 200:
        if bill is None:
            yield "answered, and not billed"
    elif seen.status != 0 and bill is not None:
        yield "refused, and billed"
    for record in account.settled:
        if bill is None or (record.cost, record.input, record.output) != (cost, INPUT, bill.output):
            yield "settled as something else than was billed"
        if seen.status == 200 and record.request != seen.id:
            yield "settled under another request's id"
    if not account.settled and (account.times or bill is not None) and not trial.died(seen):
        yield "not settled, although nobody was killed"
    for held in [*account.charged, *account.held]:
        difference.as_held[seen.marker] = held.cost, cost
        if held.cost < cost or (bill is not None and held.output < bill.output):
            yield "less is held than was billed"
    if bill is not None and account.times == 0:
        if cost == 0:
            difference.uncounted.append(seen.marker)
        else:
            yield "billed, and not counted"


async def settled(trial: Trial, *, charged: bool) -> tuple[Told, Difference]:
    """Once all is quiet: the orphans are brought in, and with `charged` all leases are over."""
    give_up = time.monotonic() + (LEASE_IS_OVER if charged else QUIET)
    while True:
        told = await asyncio.to_thread(_read, trial.url)
        difference = compare(trial, told)
        waiting = charged and any(account.held for account in told.accounts.values())
        if (not difference.problems and not waiting) or time.monotonic() > give_up:
            return told, difference
        await asyncio.sleep(0.5)


def _read(url: str) -> Told:
    """From a server that may just have been killed."""
    give_up = time.monotonic() + QUIET
    while True:
        try:
            with Valkey.from_url(url) as client:
                return read(client)
        except ValkeyConnectionError:
            assert time.monotonic() < give_up, "the server did not come back"
            time.sleep(0.05)


def _wrong_counters(url: str) -> list[str]:
    with Valkey.from_url(url) as client:
        return wrong_counters(client)


async def check(trial: Trial, *, charged: bool) -> Difference:
    told, difference = await settled(trial, charged=charged)
    assert not difference.problems, "\n".join(difference.problems[:20])
    assert told.sums == told.totals
    assert told.totals["unsettled"] == sum(bool(account.charged) for account in told.accounts.values())
    billed = sum(
        PRICE["input"] * INPUT + PRICE["output"] * bill.output
        for marker, bills in trial.cloud.billed.items()
        for bill in bills
    )
    running = sum(hold.cost for account in told.accounts.values() for hold in account.held)
    excess = sum(most - cost for most, cost in difference.as_held.values())
    assert told.totals["cost"] + running == billed + excess
    assert not await asyncio.to_thread(_wrong_counters, trial.url)
    return difference


async def finish(trial: Trial, *, charged: bool) -> None:
    difference = await check(trial, charged=charged)
    report(trial, difference)
    told, now = None, await asyncio.to_thread(_read, trial.url)
    while told is None or told.totals != now.totals:  # a lease that ends meanwhile is charged
        told = now
        shown = (await asyncio.to_thread(usage, trial.serving.data_dir, "backend", *trial.redis))["total"]
        now = await asyncio.to_thread(_read, trial.url)
    figures = ("requests", "input", "output", "unsettled", "unheld")
    assert {name: shown[name] for name in figures} == {name: told.totals[name] for name in figures}
    assert round(shown["cost_usd"] * NANO_PER_USD) == told.totals["cost"]
    assert max(seen.seconds for seen in trial.load.seen) < LONGEST


def report(trial: Trial, difference: Difference) -> None:
    statuses = Counter(seen.status for seen in trial.load.seen if seen.code != NOBODY)
    excess = sum(most - cost for most, cost in difference.as_held.values())
    print(
        f"\n{trial.kills} workers and {trial.server_kills} servers killed; {statuses.total()} requests: "
        f"{statuses[200]} answered, {statuses[503]} refused, {statuses[0]} cut off; "
        f"{len(trial.cloud.billed)} billed by the cloud, {len(trial.own.billed)} by the own backend; "
        f"{len(difference.as_held)} charged as held, {micro_usd(excess)} micro-USD above the bill; "
        f"own requests not counted: {len(difference.uncounted)}"
    )
    listed = sorted(difference.as_held.items())
    print(
        "held and billed, by request:",
        ", ".join(f"{marker}: {micro_usd(most)} {micro_usd(cost)}" for marker, (most, cost) in listed),
    )


HELD_BY = pytest.mark.parametrize("limits", [LIMITED, UNLIMITED], ids=["limited", "unlimited"])
"""Without limits nobody waits for the ledger, and the journal alone knows of a request at first."""


@HELD_BY
async def test_a_few_kills_lose_nothing(start, providers, limits) -> None:
    trial = await embedded(start, providers, "everysec", limits)
    await torment(trial, 3, 1)
    await finish(trial, charged=False)


@HELD_BY
@pytest.mark.prove
async def test_with_every_write_synced_nothing_is_lost_whatever_is_killed(start, providers, limits) -> None:
    trial = await embedded(start, providers, "always", limits)
    await torment(trial, 40, 5, together=5)
    await finish(trial, charged=True)


@pytest.mark.prove
async def test_with_a_sync_every_second_nothing_is_lost_of_workers_that_live(start, providers) -> None:
    trial = await embedded(start, providers, "everysec")
    await torment(trial, 35, 5)
    await finish(trial, charged=True)


@HELD_BY
@pytest.mark.prove
async def test_a_server_that_loses_its_last_second_gets_it_back(start, providers, redis, limits) -> None:
    serving = await asyncio.to_thread(start, "--redis", redis.url, limits=limits)

    def cut_power() -> None:
        redis.lose_tail(random.uniform(0.05, 0.6))

    named = ("--redis", redis.url)
    trial = Trial(serving, *providers, Load(serving.url), cut_power, redis.url, redis=named, forgets=True)
    await torment(trial, 20, 10)
    await finish(trial, charged=True)


@pytest.mark.prove
async def test_a_server_that_loses_everything_gets_it_back_under_load(start, providers, redis) -> None:
    """What the server alone knows, holds of workers that are gone, would be lost: so they are killed afterwards."""
    serving = await asyncio.to_thread(start, "--redis", redis.url)

    def empty() -> None:
        with Valkey.from_url(redis.url) as client:
            client.flushall()

    trial = Trial(serving, *providers, Load(serving.url), empty, redis.url, redis=("--redis", redis.url), forgets=True)
    async with trial.load.running():
        for _ in range(3):
            await trial.busy()
            await asyncio.to_thread(trial.kill_redis)
        for _ in range(3):
            await trial.busy()
            await trial.kill_worker()
        await trial.busy()
    await finish(trial, charged=False)
