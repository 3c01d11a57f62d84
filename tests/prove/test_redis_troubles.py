"""Everything that Redis can do to the ledger, through a real gateway: the table in docs/ledger.md, played.

While the ledger is unknown the cloud receives nothing unless the policy allows it; no answer takes longer than the
ledger's timeout and a little; and afterwards the ledger says exactly what was billed.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prove.between import Between
from prove.books import Account, read
from prove.load import KEY, Seen, ask
from prove.provider import INPUT, Provider
from prove.troubles import CLOUD, OWN, REFUSED, TROUBLES, Trouble, with_table
from support.recount import wrong_counters
from support.servers import RedisServer
from support.serving import PROJECT, Serving, usage
from valkey import Valkey

from router.core.money import NANO_PER_MICRO
from router.ledger.client.early_holds import LATELY

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: "%(own)s", serves: {either: m, own: m}, cost: {usd_per_hour: 1.0}}
  api:
    zone: cloud
    kind: openai
    url: "%(cloud)s"
    serves: {either: {model: m, price: {input: 1, output: 2}}, cloud: {model: m, price: {input: 1, output: 2}}}
models: {either: {backends: [api, gpu]}, cloud: {backends: [api]}, own: {backends: [gpu]}}
cost: {strategy: cloud_first}
ledger: {timeout: 1s, holds: worst_case, on_loss: %(on_loss)s}
"""
UNLIMITED = """
keys: [{name: app, sha256: "%(key)s"}]
"""
LIMITED = """
budget: {usd_per_month: 1000000, concurrent_requests: 1000}
keys: [{name: app, sha256: "%(key)s", budget: {requests_per_day: 10000000, cloud: {tokens_per_month: 1000000000}}}]
"""
MODELS = ("cloud", "either", "own")
TIMEOUT = 1.0
A_LITTLE = 2.0
"""Seconds that a busy machine may take on top."""
PATIENCE = 30.0


@dataclass
class Stage:
    """One gateway of one worker, its providers, and the servers of its ledger behind a socket of ours."""

    serving: Serving
    own: Provider
    cloud: Provider
    between: Between
    server: RedisServer
    """The one that the ledger is on now."""
    replica: RedisServer
    session: aiohttp.ClientSession
    seen: list[Seen] = field(default_factory=list)
    markers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def ask(self, model: str, gate: asyncio.Event | None = None) -> Seen:
        marker = next(self.markers)
        if gate is not None:
            self.cloud.gates[marker] = gate
        seen = await ask(self.session, f"{self.serving.url}/v1/chat/completions", marker, model)
        self.seen.append(seen)
        return seen

    async def ask_each(self) -> list[Seen]:
        return await asyncio.gather(*map(self.ask, MODELS))

    async def known(self, *, available: bool) -> None:
        """Until the worker knows how its ledger is."""
        wanted = "available" if available else "lost"
        async with asyncio.timeout(PATIENCE):
            while (await asyncio.to_thread(self.serving.ready))["ledger"] != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def client(self) -> Valkey:
        return Valkey.from_url(self.server.url)

    def order(self, *words: Any) -> None:
        with self.client() as client:
            client.execute_command(*words)


# --- the troubles: how each begins, and how it ends


async def _down(stage: Stage) -> None:
    stage.between.close()
    stage.server.kill()


async def _up(stage: Stage) -> None:
    await asyncio.to_thread(stage.server.start)
    await stage.between.open()


async def _freeze(stage: Stage) -> None:
    os.kill(stage.server.pid, signal.SIGSTOP)


async def _thaw(stage: Stage) -> None:
    os.kill(stage.server.pid, signal.SIGCONT)


def _delay(seconds: float) -> Callable[[Stage], Awaitable[None]]:
    async def begin(stage: Stage) -> None:
        stage.between.delay = seconds

    return begin


def _order(*words: Any) -> Callable[[Stage], Awaitable[None]]:
    async def begin(stage: Stage) -> None:
        await asyncio.to_thread(stage.order, *words)

    return begin


def _load(loading: bool) -> Callable[[Stage], Awaitable[None]]:
    async def begin(stage: Stage) -> None:
        stage.between.loading = loading

    return begin


async def _lose_the_master(stage: Stage) -> None:
    """The replica stops following, the master writes on, and is gone."""
    with Valkey.from_url(stage.replica.url) as replica, stage.client() as master:
        await asyncio.to_thread(stage.replica.follow, stage.server)
        await asyncio.to_thread(_until_alike, master, replica)
        replica.execute_command("REPLICAOF", "NO", "ONE")
    for seen in await stage.ask_each():
        assert seen.status == 200
    await asyncio.to_thread(_until_written, stage)
    await _down(stage)


async def _take_over(stage: Stage) -> None:
    stage.server, stage.replica = stage.replica, stage.server
    stage.between.target = stage.server.path
    await stage.between.open()
    await asyncio.to_thread(stage.replica.start)


def _until_alike(master: Valkey, replica: Valkey) -> None:
    give_up = time.monotonic() + PATIENCE
    while replica.info("replication").get("master_link_status") != "up" or master.wait(1, 1000) < 1:
        assert time.monotonic() < give_up, "the replica does not follow"
        time.sleep(0.01)


def _until_written(stage: Stage) -> None:
    """Until what was answered is settled on the master, so that the replica lacks it."""
    give_up = time.monotonic() + PATIENCE
    answered = {seen.marker for seen in stage.seen if seen.status == 200}
    while True:
        with stage.client() as client:
            accounts = read(client).accounts
        if all(accounts[marker].settled for marker in answered if marker in accounts) and answered <= accounts.keys():
            return
        assert time.monotonic() < give_up, "it was not settled"
        time.sleep(0.02)


_ACTS: dict[str, tuple[Callable[[Stage], Awaitable[None]], Callable[[Stage], Awaitable[None]]]] = {
    "down": (_down, _up),
    "frozen": (_freeze, _thaw),
    "too slow": (_delay(1.5 * TIMEOUT), _delay(0.0)),
    "slow": (_delay(0.6 * TIMEOUT), _delay(0.0)),
    "READONLY": (_order("REPLICAOF", "127.0.0.1", 1), _order("REPLICAOF", "NO", "ONE")),
    "OOM": (_order("CONFIG", "SET", "maxmemory", 1), _order("CONFIG", "SET", "maxmemory", 0)),
    "NOSCRIPT": (_order("SCRIPT", "FLUSH"), _order("PING")),
    "LOADING": (_load(True), _load(False)),
    "failover": (_lose_the_master, _take_over),
    "FLUSHALL": (_order("FLUSHALL"), _order("PING")),
}


# --- the stage


@pytest.fixture
async def setting(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Callable[..., Any]]:
    """`await setting("refuse", LIMITED)` is a stage; all of it is taken down at the end."""
    own, cloud = Provider(), Provider()
    servers = [RedisServer(tmp_path_factory.mktemp(name), "always") for name in ("one", "two")]
    between = Between(tmp_path_factory.mktemp("between") / "s", servers[0].path)
    started: list[Serving] = []
    for provider in (own, cloud):
        await provider.start()
    await between.open()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:

        async def begin(on_loss: str, limits: str) -> Stage:
            key = hashlib.sha256(KEY.encode()).hexdigest()
            policy = tmp_path / "policy.yaml"
            names = {"own": own.url, "cloud": cloud.url, "key": key, "on_loss": on_loss}
            policy.write_text((POLICY + limits) % names)
            serving = Serving(tmp_path / "data", ("--policy", str(policy), "--redis", between.url))
            started.append(serving)
            await asyncio.to_thread(serving.start)
            return Stage(serving, own, cloud, between, servers[0], servers[1], session)

        yield begin
    for serving in started:
        await asyncio.to_thread(serving.stop)
    between.close()
    for server in servers:
        server.kill()
    for provider in (own, cloud):
        await provider.stop()


# --- the play


async def play(stage: Stage, trouble: Trouble, on_loss: str) -> None:
    """One trouble, from a quiet ledger to a quiet ledger; what is seen has to be what the table says."""
    begin, end = _ACTS[trouble.name]
    expected = trouble.expected(on_loss)
    gate, asked = asyncio.Event(), stage.cloud.asked
    running = asyncio.create_task(stage.ask("cloud", gate))
    await _until_asked(stage, asked + 1)
    unheld = await _told(stage, "unheld")
    await begin(stage)
    await asyncio.sleep(2 * LATELY)  # what was on its way is answered; from now on everybody waits
    asked = stage.cloud.asked
    first = await stage.ask_each()
    assert [told(seen) for seen in first] == list(expected.seen), f"{trouble.name}: {first}"
    if trouble.lost:
        await stage.known(available=False)
    again = await stage.ask_each()
    assert [told(seen) for seen in again] == list(expected.seen), f"{trouble.name}, known: {again}"
    bought = stage.cloud.asked - asked
    assert bought == (4 if expected.bought else 0), f"{trouble.name}: the cloud received {bought} requests"
    gate.set()
    assert told(await running) == CLOUD
    await end(stage)
    await stage.known(available=True)
    after = await stage.ask_each()
    assert [told(seen) for seen in after] == [CLOUD, CLOUD, OWN], f"{trouble.name}, over: {after}"
    await _until_right(stage)
    assert await _told(stage, "unheld") - unheld == 2 * expected.unheld, trouble.name
    for seen in (*first, *again, *after):
        assert seen.seconds < trouble.waits * TIMEOUT + A_LITTLE, f"{trouble.name}: {seen}"


def told(seen: Seen) -> str:
    if seen.status == 200:
        return {"api": CLOUD, "gpu": OWN}[seen.backend]
    assert seen.retry_after in ("1", "2"), seen
    return f"{seen.status} {seen.code}"


async def _until_asked(stage: Stage, asked: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while stage.cloud.asked < asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _told(stage: Stage, column: str) -> int:
    with stage.client() as client:
        return (await asyncio.to_thread(read, client)).totals[column]


async def _until_right(stage: Stage) -> None:
    """Until the ledger says of each request what was billed, which it has to."""
    give_up = time.monotonic() + PATIENCE
    while differences := await asyncio.to_thread(_differences, stage):
        assert time.monotonic() < give_up, "\n".join(differences)
        await asyncio.sleep(0.05)
    with Valkey.from_url(stage.server.url) as server:
        assert not await asyncio.to_thread(wrong_counters, server)


def _differences(stage: Stage) -> list[str]:
    with stage.client() as client:
        ledger = read(client)
    wrong = [] if ledger.sums == ledger.totals else [f"records {ledger.sums}, totals {ledger.totals}"]
    for seen in stage.seen:
        account = ledger.accounts.get(seen.marker, Account())
        bills = [*stage.cloud.billed.get(seen.marker, ()), *stage.own.billed.get(seen.marker, ())]
        cost = sum(NANO_PER_MICRO * (INPUT + 2 * bill.output) for bill in stage.cloud.billed.get(seen.marker, ()))
        if account.charged or account.held or [record.cost for record in account.settled] != [cost] * len(bills):
            wrong.append(f"{seen}: billed {bills}, counted {account}")
        if [record.output for record in account.settled] != [bill.output for bill in bills]:
            wrong.append(f"{seen}: billed {bills}, counted {account}")
    return wrong


HELD_BY = pytest.mark.parametrize("limits", [LIMITED, UNLIMITED], ids=["limited", "unlimited"])


@HELD_BY
@pytest.mark.prove
@pytest.mark.parametrize("on_loss", ["refuse", "allow"])
async def test_redis_troubles(setting, on_loss, limits) -> None:
    stage = await setting(on_loss, limits)
    for trouble in TROUBLES:
        began = time.monotonic()
        await play(stage, trouble, on_loss)
        print(f"{trouble.name}, {on_loss}: as expected, {time.monotonic() - began:.1f} s")
    await _check_usage(stage)


@HELD_BY
async def test_a_frozen_server_holds_nobody_up_for_long(setting, limits) -> None:
    stage = await setting("refuse", limits)
    await play(stage, next(each for each in TROUBLES if each.name == "frozen"), "refuse")
    await _check_usage(stage)


async def _check_usage(stage: Stage) -> None:
    shown = (await asyncio.to_thread(usage, stage.serving.data_dir, "backend", "--redis", stage.server.url))["total"]
    bills = [bill for bills in stage.cloud.billed.values() for bill in bills]
    assert round(shown["cost_usd"] * 1e6) == sum(INPUT + 2 * bill.output for bill in bills)
    assert shown["unheld"] == await _told(stage, "unheld") > 0
    assert shown["unsettled"] == 0


def test_the_documented_table_is_the_one_that_is_played() -> None:
    page = PROJECT / "docs" / "ledger.md"
    assert with_table(page.read_text()) == page.read_text(), "run `make docs`"


def test_every_trouble_can_be_played() -> None:
    assert [trouble.name for trouble in TROUBLES] == list(_ACTS)
    assert REFUSED.startswith("503")
