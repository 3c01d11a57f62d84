"""The ledger on a real server against a pure model, over random histories of two workers and of all that goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import shutil
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support.books import EMPTY, Copy, Model, empty_model
from support.engines import Server, redis_server
from support.lent import end_slices, lent_to_others
from support.recount import wrong_counters

from router.core.cost.volume import DAY_QUARTERS
from router.core.cost.volume_tracker import VolumeTracker
from router.core.limits import slices
from router.core.limits.amounts import held_by
from router.core.limits.counters import BOTH, CLOUD, LOCAL, CounterSet, Hold, counters_of
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.values import Cell, RequestOutcome, Settlement, Usage
from router.ledger.client import batch, batches, early_holds
from router.ledger.client import group_commit as commit
from router.ledger.client import recovery as catchup
from router.ledger.client.batch import Held
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.client.recovery import Books
from router.ledger.errors import LedgerUnavailable
from router.ledger.journal.hold_file import HoldFile
from router.ledger.journal.log import DiskLog
from router.ledger.record import Record, pack_refused, unpack_records
from router.ledger.reports.totals import open_report
from router.ledger.scripts import Script, read_scripts
from router.ledger.server.embedded import EmbeddedServer

BERLIN = ZoneInfo("Europe/Berlin")
PERIODS = Periods(BERLIN)
MORNING = 1_779_267_600.0
LEASE = 900.0
WORKERS = 2
DAYS = [f"2026-{month:02}-{day:02}" for month in (5, 6, 7) for day in range(1, 32)]
PREFIX = "be:{ledger}:"
COUNTED = ("settled", "unheld", "attempt", "refused")

EVERYWHERE = (
    Limit("global", "all", "chat", "usd", "month", 60_000, 0.5),
    Limit("global", "cloud", "chat", "tokens", "day", 15_000, 0.3),
    Limit("global", "all", "chat", "concurrent", "", 9, 0.8),
)
LIMITS = {
    "app": (
        *EVERYWHERE,
        Limit("key:app", "cloud", "", "usd", "day", 4_000, 0.8, spare_local=True),
        Limit("key:app", "all", "", "requests", "minute", 6, 0.5),
        Limit("team:search", "all", "chat", "tokens", "minute", 20_000, 0.8),
    ),
    "bot": (
        *EVERYWHERE,
        Limit("team:sales", "cloud", "", "usd", "minute", 3_000, 0.8),
        Limit("key:bot", "local", "chat", "usd", "day", 12_000, 0.1, spare_local=True),
        Limit("key:bot", "cloud", "", "concurrent", "", 3, 1.0),
        Limit("key:bot", "local", "", "requests", "day", 20, 1.0),
    ),
    "wide": (
        Limit("global", "all", "rank", "usd", "month", 200_000, 0.9),
        Limit("team:many", "all", "rank", "tokens", "day", 300_000, 0.8),
        Limit("key:wide", "cloud", "", "requests", "minute", 30, 1.0, spare_local=True),
        Limit("key:wide", "all", "", "concurrent", "", 20, 0.9),
    ),
    "free": (),
}
TEAMS = {"app": "search", "bot": "sales", "wide": "many", "free": "other"}
MODELS = {"app": "chat", "bot": "chat", "wide": "rank", "free": "embed"}
"""Every request of a limit's scope has that limit."""

MANNERS = ("idle", "told", "journaled", "sent", "admitted", "admitted")
ENDS = ("running", "settled", "released", "ended before")
"""How a request ends whose hold is not there yet: after the connection is lost, or before."""

workers = st.integers(0, WORKERS - 1)
picks = st.integers(0, 9)
tokens = st.integers(0, 3000)
money = st.integers(0, 4000)
keys = st.sampled_from([*sorted(LIMITS), "wide", "wide"])
EARLY = ("free", "wide")
"""Keys whose holds mostly need not wait for the server."""
wishes = st.fixed_dictionaries(
    {
        "key": keys,
        "sides": st.sampled_from([BOTH, BOTH, LOCAL, CLOUD]),
        "local_first": st.booleans(),
        "input": tokens,
        "output": tokens,
        "cost": money,
        "share": st.integers(0, 4),
        "risk": money,
        "eligible": st.booleans(),
        "captive": st.booleans(),
    }
)
outcomes = st.fixed_dictionaries(
    {
        "local": st.booleans(),
        "uncached": tokens,
        "cached": tokens,
        "output": tokens,
        "estimated": st.booleans(),
        "cost": money,
        "counterfactual": money,
        "error": st.booleans(),
    }
)

WIDE = {"key": "wide", "input": 1, "output": 1, "cost": 295, "risk": 0, "share": 3, "sides": 3}
WIDE |= {"local_first": False, "eligible": False, "captive": False}
"""A small one, of a key whose holds slices are lent for."""


def cell_of(key: str, *, local: bool) -> Cell:
    return Cell("gpu" if local else "openai", "local" if local else "cloud", MODELS[key], TEAMS[key], key)


def limited(wish: dict[str, Any]) -> dict[str, Any]:
    """One that waits for the server's answer."""
    return wish | {"key": "app"} if wish["key"] in EARLY else wish


def unlimited(wish: dict[str, Any]) -> dict[str, Any]:
    """One that mostly does not."""
    return wish if wish["key"] in EARLY else wish | {"key": "free"}


def hold_of(id: str, at: float, wish: dict[str, Any]) -> Hold:
    """As gateway.accounts makes them."""
    key, sides = wish["key"], wish["sides"]
    local_first = sides == LOCAL or (sides == BOTH and wish["local_first"])
    local_cost = 0 if sides == CLOUD else wish["cost"] if sides == LOCAL else wish["cost"] * wish["share"] // 4
    return Hold(
        id,
        cell_of(key, local=local_first),
        at,
        LEASE,
        wish["input"],
        wish["output"],
        wish["cost"],
        wish["eligible"],
        bill_for(key, at),
        sides,
        local_first,
        local_cost,
        cell_of(key, local=True) if sides == BOTH and not local_first else None,
        wish["risk"],
        wish["risk"] // 2,
        "request",
        0 if sides == CLOUD else wish["risk"] // 3,
        captive=wish["captive"] and not wish["eligible"],
    )


def bill_for(key: str, at: float) -> CounterSet:
    return counters_of(LIMITS[key], at, PERIODS)


def settlement_of(held: Held, outcome: dict[str, Any]) -> Settlement:
    hold = held.hold
    local = outcome["local"] if held.sides == BOTH else held.sides == LOCAL
    usage = Usage(
        outcome["uncached"] + outcome["cached"], outcome["cached"], 0, outcome["output"], outcome["estimated"]
    )
    figures = outcome["cost"], outcome["counterfactual"], outcome["error"], hold.eligible
    cell = cell_of(hold.cell.key, local=local)
    return Settlement(hold.id, cell, hold.at, usage, *figures, local=local, captive=hold.captive)


class Clock:
    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> float:
        return self.now


class Machine(RuleBasedStateMachine):
    """Two workers on one server. What waits is sent when another worker needs to see it, and before each check."""

    server: Server
    restart: Callable[[], None] | None
    folders: Iterator[Path]
    model_class: type[Model] = Model

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.model = empty_model(timezone=BERLIN, clock=self.clock)
        self.folder = next(self.folders)
        self.workers: list[GroupCommitLedger] = []
        self.running: dict[str, tuple[int, Held]] = {}
        self.copy: tuple[dict[bytes, bytes], Copy] | None = None
        self.early: set[str] = set()
        """Ids of holds with limits that did not wait for the server."""
        self.lost: dict[Path, list[Held]] = {}
        """By journals of machines that are lost: the holds that nobody else knows of."""
        self.clean = 0
        """The first minute whose counters had no trouble."""

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 30))

    @initialize()
    def begin(self) -> None:
        self.server.client.flushall()
        for _ in range(WORKERS):
            self.workers.append(self.run(self.new_worker()))

    async def new_worker(self) -> GroupCommitLedger:
        log = DiskLog(self.folder)
        ledger = GroupCommitLedger(
            self.server.url, timezone=BERLIN, timeout=10.0, owned=["local"], log=log, clock=self.clock
        )
        await ledger.start()
        return ledger

    # --- what requests do

    @rule(worker=workers, wishes=st.lists(wishes, min_size=1, max_size=4))
    def reserve(self, worker: int, wishes: list[dict[str, Any]]) -> None:
        """All of them at once, so that they share a batch."""
        self.run(self.flush(but=worker))
        ledger = self.workers[worker]
        holds = [hold_of(ledger.next_id(self.clock.now, LEASE), self.clock.now, wish) for wish in wishes]
        said = self.run(self.both(ledger, holds))
        for hold, told, right in said:
            assert (told.sides, told.verdict) == (right.sides, right.verdict), hold
            if told.sides:
                self.running[hold.id] = worker, Held(hold, told.sides)
        last, told, right = said[-1]
        assert told.warnings == right.warnings or last.id in self.early

    @rule(worker=workers, wish=wishes, times=st.integers(2, 6))
    def hurry(self, worker: int, wish: dict[str, Any], times: int) -> None:
        """One after the other, so that a slice is lent for the next ones."""
        for _ in range(times):
            self.reserve(worker, [wish | {"key": "wide"}])

    @rule(worker=workers, times=st.integers(2, 6))
    def want_all(self, worker: int, times: int) -> None:
        """Somebody asks another worker for all that is left while slices are lent, and then this one has nothing."""
        self.hurry(worker, WIDE, times)
        before = set(self.running)
        self.reserve((worker + 1) % WORKERS, [WIDE | {"cost": max(0, self.left())}])
        self.reserve(worker, [WIDE])
        for id in [id for id in self.running if id not in before]:
            self.release_one(id)

    async def both(self, ledger: GroupCommitLedger, holds: Sequence[Hold]) -> list[tuple[Hold, Any, Any]]:
        """In the order in which they were answered: what fits a slice does not wait for what was asked before."""
        order: list[int] = []
        asked = [ledger.reserve(hold) for hold in holds]
        self.early |= {hold.id for hold, each in zip(holds, asked, strict=True) if hold.counters.all and each.done()}
        for number, each in enumerate(asked):
            each.add_done_callback(lambda _, number=number: order.append(number))
        answers = await asyncio.gather(*asked)
        return [(holds[n], answers[n], await self.model.reserve(holds[n])) for n in order]

    async def fits(self, worker: int, wish: dict[str, Any]) -> bool:
        """Whether the worker was lent enough for it."""
        return self.workers[worker]._early.slices.fits(hold_of("", self.clock.now, wish), self.loop.time())

    def left(self) -> int:
        """Of what keys like `WIDE`'s may spend in a month."""
        month = bill_for("wide", self.clock.now).all[0]
        kept = self.model.counting.of(month)
        return month.limit.amount - kept.used - kept.held

    def pick(self, number: int, worker: int | None = None) -> tuple[int, Held] | None:
        """One of the running requests."""
        mine = [each for each in self.running.values() if worker in (None, each[0])]
        return mine[number % len(mine)] if mine else None

    @rule(pick=picks, outcome=outcomes)
    def settle(self, pick: int, outcome: dict[str, Any]) -> None:
        """Also when its lease is over and it was charged."""
        if chosen := self.pick(pick):
            self.settle_one(*chosen, outcome)

    def settle_one(self, worker: int, held: Held, outcome: dict[str, Any]) -> None:
        settlement = settlement_of(held, outcome)
        del self.running[held.hold.id]
        self.workers[worker].settle(settlement)
        self.model.settle(settlement)

    @rule(pick=picks)
    def release(self, pick: int) -> None:
        if chosen := self.pick(pick):
            self.release_one(chosen[1].hold.id)

    def release_one(self, id: str) -> None:
        worker, _ = self.running.pop(id)
        self.workers[worker].release(id)
        self.model.release(id)

    @rule(worker=workers, wish=wishes, outcome=outcomes)
    def record(self, worker: int, wish: dict[str, Any], outcome: dict[str, Any]) -> None:
        ledger = self.workers[worker]
        hold = hold_of(ledger.next_id(self.clock.now, LEASE), self.clock.now, wish)
        settlement = settlement_of(Held(hold, hold.sides), outcome)
        self.run(self.spoken(ledger.record, settlement, hold.counters))
        self.model.record(settlement, hold.counters)

    @rule(worker=workers, wish=wishes, outcome=outcomes)
    def attempt(self, worker: int, wish: dict[str, Any], outcome: dict[str, Any]) -> None:
        """One that failed, and may have been billed."""
        hold = hold_of("", self.clock.now, wish)
        made = settlement_of(Held(hold, hold.sides), outcome)
        settlement = msgspec.structs.replace(made, id="", eligible=False, error=False, requests=0)
        self.run(self.spoken(self.workers[worker].attempt, settlement, hold.counters))
        self.model.attempt(settlement, hold.counters)

    @rule(worker=workers)
    def note(self, worker: int) -> None:
        record = pack_refused(
            at=self.clock.now, key="app", team="search", model="chat", course=RequestOutcome(reason="x", status=429)
        )
        self.run(self.spoken(self.workers[worker].note, record))
        self.model.note(record)

    async def spoken(self, method: Callable[..., None], *arguments: Any) -> None:
        """Inside of the loop, as everything that a gateway tells its ledger."""
        method(*arguments)

    @rule(minutes=st.sampled_from([1, 10, 40, 2000]), worker=workers)
    def wait(self, minutes: int, worker: int) -> None:
        """Leases run out."""
        self.run(self.flush())
        self.clock.now += 60 * minutes
        self.sweep(worker)

    def sweep(self, worker: int = 0) -> None:
        self.run(self.workers[worker].sweep())
        self.run(self.model.sweep())

    async def flush(self, but: int = -1) -> None:
        for number, ledger in enumerate(self.workers):
            if number != but:
                await ledger.flush()

    # --- what goes wrong

    @rule(worker=workers, pick=picks, outcome=outcomes)
    def cut(self, worker: int, pick: int, outcome: dict[str, Any]) -> None:
        """The connection breaks while a settlement waits."""
        if chosen := self.pick(pick, worker):
            self.settle_one(*chosen, outcome)
        self.run(self.spoken(self.workers[worker]._connection.lose, "cut"))
        self.calm_down()

    @rule(worker=workers, wish=wishes, outcome=outcomes, sent=st.booleans(), end=st.sampled_from(ENDS))
    def cut_off(self, worker: int, wish: dict[str, Any], outcome: dict[str, Any], sent: bool, end: str) -> None:
        """The connection breaks before the server has a hold that did not wait for it, or before that is known."""
        ledger = self.workers[worker]
        self.reserve(worker, [wish])
        hold = hold_of(ledger.next_id(self.clock.now, LEASE), self.clock.now, unlimited(wish))
        if not self.run(self.lose_behind(ledger, hold, sent, end == "ended before")):
            end = "refused"
        elif end == "ended before":
            self.model.release(hold.id)
        else:
            self.running[hold.id] = worker, Held(hold, hold.sides)
        if end == "settled":
            self.settle_one(worker, Held(hold, hold.sides), outcome)
        elif end == "released":
            del self.running[hold.id]
            ledger.release(hold.id)
            self.model.release(hold.id)
        self.calm_down()

    async def lose_behind(self, ledger: GroupCommitLedger, hold: Hold, sent: bool, released: bool) -> bool:
        admitted = await self.admit(ledger, hold)
        if released and admitted:
            ledger.release(hold.id)
        if sent:
            ledger._send_batch()
        ledger._connection.lose("cut")
        return admitted

    @rule()
    def forget_scripts(self) -> None:
        self.server.client.script_flush()

    @rule(worker=workers, wish=wishes, pick=picks, outcome=outcomes, goes_on=st.booleans())
    def freeze(self, worker: int, wish: dict[str, Any], pick: int, outcome: dict[str, Any], goes_on: bool) -> None:
        """The server accepts a batch and does not answer in time; whether it applies it later is open."""
        ledger = self.workers[worker]
        if chosen := self.pick(pick, worker):
            self.settle_one(*chosen, outcome)
        hold = hold_of(ledger.next_id(self.clock.now, LEASE), self.clock.now, limited(wish))
        with self.server.frozen(), pytest.raises(LedgerUnavailable):
            self.run(self.impatient(ledger, hold))
        if goes_on:
            settlement = settlement_of(Held(hold, hold.sides), outcome)
            self.run(self.spoken(ledger.record, settlement, hold.counters))
            self.model.record(settlement, hold.counters)
        self.calm_down()

    async def impatient(self, ledger: GroupCommitLedger, hold: Hold) -> None:
        """With a limit of 30 ms from now on, for what is on its way already, too: the reservation waits behind it."""
        connection = ledger._connection
        connection._timeout = 0.03
        on_its_way = [(sent, 0.03, answer) for sent, _, answer in connection._waiting]
        connection._waiting.clear()
        connection._waiting.extend(on_its_way)
        if connection._timer is not None:
            connection._timer.cancel()
        connection._timer = self.loop.call_later(0.03, connection._check_time)
        ledger._early.answered_at = float("-inf")  # whatever was lent, this one waits
        await ledger.reserve(hold)

    @rule(worker=workers, pick=picks, outcome=outcomes, wish=wishes, manner=st.sampled_from(MANNERS))
    def crash(self, worker: int, pick: int, outcome: dict[str, Any], wish: dict[str, Any], manner: str) -> None:
        """kill -9, and another worker in its place: its journal is taken over, its holds are left to their lease.

        It dies with nothing to do, with a settlement that it had only in memory, with one in its journal, or with one
        on its way; or with a hold that the server does not have yet.
        """
        self.run(self.flush())
        if manner == "admitted":
            ledger = self.workers[worker]
            self.reserve(worker, [wish])
            hold = hold_of(ledger.next_id(self.clock.now, LEASE), self.clock.now, unlimited(wish))
            self.run(self.admit(ledger, hold))
        chosen = None if manner in ("idle", "admitted") else self.pick(pick, worker)
        settlement = None if chosen is None else settlement_of(chosen[1], outcome)
        if settlement is not None and chosen is not None and manner != "told":
            self.model.bring(self.model.write_down(settlement, chosen[1].hold.counters))
        self.running = {id: each for id, each in self.running.items() if each[0] != worker}
        self.run(self.die(self.workers[worker], settlement, manner))
        self.workers[worker] = self.run(self.new_worker())
        self.calm_down()

    async def admit(self, ledger: GroupCommitLedger, hold: Hold) -> bool:
        """Without waiting for the server, unless no slice has room for it. Whether it was admitted."""
        asked = ledger.reserve(hold)
        assert asked.done() or hold.counters.all
        if hold.counters.all and asked.done():
            self.early.add(hold.id)
        told, right = await asked, await self.model.reserve(hold)
        assert (told.sides, told.verdict) == (right.sides, right.verdict), hold
        return bool(told.sides)

    async def die(self, ledger: GroupCommitLedger, settlement: Settlement | None, manner: str) -> None:
        connection = ledger._connection
        if settlement is not None:
            ledger.settle(settlement)
            if manner == "journaled":
                connection.lose("killed")
            elif manner == "sent":
                ledger._send_batch()
        for task in ledger._tasks:
            task.cancel()
        ledger._operations.clear()
        ledger._closing = True
        connection.lose("killed")
        await asyncio.gather(*ledger._tasks, return_exceptions=True)
        ledger._logged.close(applied=False)

    @rule(worker=workers, wish=wishes, times=st.integers(0, 3))
    def lose_machine(self, worker: int, wish: dict[str, Any], times: int) -> None:
        """Its worker is killed, and what it was lent ends before its journal is found: all of that is charged."""
        self.run(self.flush())
        ledger = self.workers[worker]
        for _ in range(times):
            self.reserve(worker, [wish])
            hold = hold_of(ledger.next_id(self.clock.now, LEASE), self.clock.now, unlimited(wish))
            self.run(self.admit(ledger, hold))
        self.running = {id: each for id, each in self.running.items() if each[0] != worker}
        unsent = self.run(self.vanish(ledger))
        writer, before = ledger._sender.writer, dict(self.model.charges)
        away = self.folder.with_name(f"{self.folder.name}-{writer}")
        if (self.folder / writer).exists():  # else it was lent nothing, and has nothing to say
            shutil.move(self.folder / writer, away)
        self.lost[away] = [self.model.lose(id) for id in unsent]
        end_slices(self.server.client, [writer])
        self.workers[worker] = self.run(self.new_worker())
        self.model.charges = self.charges()
        for name, held in spent(self.lost[away]).items():
            assert held <= self.model.charges.get(name, 0) - before.get(name, 0), name
        self.calm_down()

    async def vanish(self, ledger: GroupCommitLedger) -> list[str]:
        """Ids of the holds that the server never hears of: all that were not sent, unless some are on their way."""
        if ledger._flight is not None:
            await ledger.flush()
        unsent = list(ledger._early.unsent)
        await self.die(ledger, None, "admitted")
        return unsent

    def charges(self) -> dict[tuple[str, str], int]:
        return lent_to_others(self.server.client, [ledger._sender.writer for ledger in self.workers])

    @rule()
    def find_machines(self) -> None:
        """The charge becomes what their journals say."""
        if not self.lost:
            return
        for away, unsent in self.lost.items():
            if away.exists():
                shutil.move(away, self.folder / away.name.rpartition("-")[2])
            for held in unsent:
                self.model.find(held)
        self.lost.clear()
        self.model.charges.clear()
        self.run(self.spoken(self.workers[0]._connection.lose, "cut"))
        self.calm_down()

    @rule(worker=workers)
    def retire(self, worker: int) -> None:
        """It ends in peace, with its requests settled or not."""
        self.running = {id: each for id, each in self.running.items() if each[0] != worker}
        self.run(self.workers[worker].close())
        self.workers[worker] = self.run(self.new_worker())

    @precondition(lambda self: self.restart is not None)
    @rule()
    def restart_server(self) -> None:
        self.run(self.flush())
        assert self.restart is not None
        self.restart()
        self.run(self.found_out())
        self.calm_down()

    async def found_out(self) -> None:
        while any(ledger.available for ledger in self.workers):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)

    @rule()
    def flush_all(self) -> None:
        self.lose_writes(EMPTY, {})

    @rule()
    def take_copy(self) -> None:
        self.run(self.flush())
        kept = {key: self.server.client.dump(key) for key in self.server.client.keys("*")}
        self.copy = kept, self.model.copy()

    @precondition(lambda self: self.copy is not None)
    @rule()
    def restore_copy(self) -> None:
        """As after a failover to a replica that had missed writes: of every worker some, for there was traffic."""
        assert self.copy is not None
        for worker in range(WORKERS):
            self.note(worker)
        kept, copy = self.copy
        self.lose_writes(copy, kept)

    def lose_writes(self, copy: Copy, kept: dict[bytes, bytes]) -> None:
        self.find_machines()
        self.run(self.flush())
        with self.server.client.pipeline(transaction=True) as pipe:
            pipe.flushall()
            for key, value in kept.items():
                pipe.restore(key, 0, value)
            pipe.execute()
        processes = [ledger._ids.process for ledger in self.workers]
        self.model.restore(copy, [held for _, held in self.running.values()], processes)
        if not kept:
            self.copy = None
        self.calm_down()

    def calm_down(self) -> None:
        """Until every worker and the server agree again. Counters of this minute stay as they are."""
        self.run(self.agreed())
        self.clock.now = (self.clock.now // 60 + 1) * 60
        self.clean = int(self.clock.now // 60)
        self.sweep()
        self.check()

    async def agreed(self) -> None:
        while not all(map(self.agrees, self.workers)):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
        await self.flush()

    def agrees(self, ledger: GroupCommitLedger) -> bool:
        """Whether the server has this worker's last batch, and it knows."""
        if not ledger.available or ledger._flight is not None or ledger._operations or ledger._early.due:
            return False
        sent = self.server.client.hget(f"{PREFIX}writers", ledger._sender.writer)
        epoch = self.server.client.get(f"{PREFIX}epoch")
        return bool(
            sent and msgspec.msgpack.decode(sent)[1] == ledger._sender.last and epoch == ledger._sender.epoch.encode()
        )

    # --- what has to be true

    @rule()
    def check(self) -> None:
        self.run(self.flush())
        self.check_counters()
        assert self.run(self.rows()) == self.model.all_rows()
        self.check_records()
        assert sorted(self.held_ids()) == sorted(self.model.holds)
        assert self.charges() == self.model.charges
        before = self.counters()
        wrong = wrong_counters(self.server.client)
        assert wrong == [], (wrong, before)
        self.check_volume()

    def check_counters(self) -> None:
        real, right = self.counters(), self.model.all_counters()
        for name in real.keys() | right.keys():
            place = name[0]
            told, meant = real.get(name, (0, 0, 0)), right.get(name, (0, 0, 0))
            assert told[1:] == meant[1:], name
            old = place.startswith("limit:minute:") and int(place.rpartition(":")[2]) < self.clean
            begun_anew = name not in real and place.startswith(("limit:day:", "limit:month:"))
            assert old or begun_anew or told[0] == meant[0], name

    def counters(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        found = {}
        for key in self.server.client.keys(f"{PREFIX}limit:*"):
            for field, value in self.server.client.hgetall(key).items():
                figures = tuple(msgspec.msgpack.decode(value))
                found[key.decode().removeprefix(PREFIX), field.decode()] = figures
        return found

    async def rows(self) -> dict[tuple[str, Cell], dict[str, int]]:
        found = {}
        async with open_report(self.server.url) as report:
            for day in sorted({day for day, _ in self.model._totals}):
                for row in await report.days([day]):
                    figures = {
                        name: getattr(row, name)
                        for name in row.__struct_fields__
                        if name != "cell" and getattr(row, name)
                    }
                    if figures:
                        found[day, row.cell] = figures
        return found

    def check_records(self) -> None:
        """What was charged and what was taken back may have come in any order while workers came back."""
        real = [
            record
            for _, fields in self.server.client.xrange(f"{PREFIX}requests")
            for record in unpack_records(fields[b"b"])
        ]
        assert int(self.server.client.get(f"{PREFIX}requests:kept") or 0) == len(real)
        for these, those in zip(told(real), told(self.model.records), strict=True):
            assert these == those

    def held_ids(self) -> list[str]:
        return [
            id.decode() for key in self.server.client.keys(f"{PREFIX}hold:*") for id in self.server.client.hkeys(key)
        ]

    def check_volume(self) -> None:
        """Whatever the workers were told while they worked, the next sweep tells them all."""
        oldest = int(self.clock.now // 900) - 4 * DAY_QUARTERS
        right = {quarter: tokens for quarter, tokens in self.model.eligible().items() if quarter >= oldest}
        found = self.server.client.hgetall(f"{PREFIX}volume").items()
        real = {int(quarter): tuple(msgspec.msgpack.decode(value)) for quarter, value in found}
        assert {q: tokens for q, tokens in real.items() if q >= oldest and any(tokens)} == right
        tracker = VolumeTracker(BERLIN)
        tracker.load([number for quarter, tokens in right.items() for number in (quarter, *tokens)])
        for ledger in self.workers:
            self.run(ledger.sweep())
            assert ledger.volume.seen("trailing_24h", self.clock.now) == tracker.seen("trailing_24h", self.clock.now)

    def teardown(self) -> None:
        try:
            if self.workers:
                self.end()
        finally:
            self.close()

    def close(self) -> None:
        for ledger in self.workers:
            self.run(ledger.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def end(self) -> None:
        """When every request has ended, and the leases of those that never did are over, nothing is held."""
        self.find_machines()
        for number, (worker, held) in enumerate(list(self.running.values())):
            if number % 2:
                self.workers[worker].release(held.hold.id)
                self.model.release(held.hold.id)
            else:
                settlement = settlement_of(held, dict.fromkeys(("local", "estimated", "error"), False) | COSTS)
                self.workers[worker].settle(settlement)
                self.model.settle(settlement)
        self.running.clear()
        self.wait(40, 0)
        self.check()
        assert self.held_ids() == []
        assert all(counter[1:] == (0, 0) for counter in self.counters().values())


def spent(unsent: Sequence[Held]) -> Tally[tuple[str, str]]:
    """What holds take, by counter."""
    sums: Tally[tuple[str, str]] = Tally()
    for held in unsent:
        amounts = held_by(held.hold, held.sides == LOCAL)
        for counter in held.hold.counters.all:
            if counter.holds(held.sides):
                sums[counter.key, counter.field] += amounts[counter.measure - 1]
    return sums


COSTS = {"uncached": 5, "cached": 1, "output": 2, "cost": 30, "counterfactual": 40}


def told(records: Sequence[Record]) -> tuple[Tally[Record], Tally[tuple[Any, ...]]]:
    """What was counted, each once; and what is charged of leases that ran out, charges less what was taken back."""
    counted = Tally(record for record in records if record.kind in COUNTED)
    charged: Tally[tuple[Any, ...]] = Tally()
    for record in records:
        if record.kind not in COUNTED:
            charged[msgspec.structs.astuple(record)[1:]] += 1 if record.kind == "held" else -1
    return counted, Tally({what: number for what, number in charged.items() if number})


# --- engines


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catchup, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(commit, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(early_holds, "LATELY", 60.0)
    monkeypatch.setattr(slices, "BUSY", 1)
    monkeypatch.setattr(slices, "WINDOW", 0.3)
    monkeypatch.setattr(slices.Pace, "lately", property(lambda pace: 5 * max(pace.before, pace.so_far)))
    monkeypatch.setattr(batches, "REST", 0.02)
    monkeypatch.setattr(commit, "LENT_SECONDS", 600.0)  # no slice ends because a machine is busy
    monkeypatch.setattr(commit, "_FIRST_BACKOFF", 0.001)
    monkeypatch.setattr(commit, "_LONGEST_BACKOFF", 0.02)


@contextlib.contextmanager
def on_embedded(folder: Path, folders: Path) -> Iterator[type[Machine]]:
    embedded = EmbeddedServer(folder)
    server = Server(embedded.start(), embedded.pid)

    class OnEmbedded(Machine):
        restart: Any = None

    def restart() -> None:
        embedded._process.terminate()
        embedded._process.wait()
        embedded.start_again()
        server.pid = embedded.pid

    OnEmbedded.server = server
    OnEmbedded.restart = staticmethod(restart)
    OnEmbedded.folders = journals_in(folders)
    try:
        yield OnEmbedded
    finally:
        embedded.stop()


@contextlib.contextmanager
def on_redis(folder: Path, folders: Path) -> Iterator[type[Machine]]:
    with redis_server(folder) as server:

        class OnRedis(Machine):
            restart: Any = None

        OnRedis.server = server
        OnRedis.folders = journals_in(folders)
        yield OnRedis


def journals_in(folder: Path) -> Iterator[Path]:
    return (folder / f"journal{number}" for number in itertools.count())


ENGINES = {"valkey": on_embedded, "redis": on_redis}


def explore(machine: type[Machine], examples: int, steps: int, **options: Any) -> None:
    """Without shrinking, which takes minutes here: the history that failed is told as it was."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


def test_any_history_gives_the_books_that_the_rules_say(tmp_path):
    with on_embedded(tmp_path / "server", tmp_path) as machine:
        explore(machine, 20, 20)


def test_the_charge_of_a_request_that_ended_after_the_copy_does_not_come_back_with_it(tmp_path):
    wish = {"key": "free", "sides": 3, "input": 1, "output": 1024, "cost": 295, "risk": 2056, "share": 3}
    with on_embedded(tmp_path / "server", tmp_path) as machine:
        state = machine()
        state.begin()
        state.reserve(wishes=[wish | {"local_first": False, "eligible": False, "captive": False}], worker=0)
        state.wait(minutes=40, worker=0)
        state.take_copy()
        state.release(pick=0)
        state.restore_copy()
        state.teardown()


def test_a_hold_that_the_server_does_not_have_yet_outlives_its_connection_and_its_worker(tmp_path):
    play_unsent(tmp_path)


def play_unsent(folder: Path) -> None:
    wish = {"key": "free", "input": 1, "output": 1024, "cost": 295, "risk": 2056, "share": 3, "sides": 3}
    wish |= {"local_first": False, "eligible": False, "captive": False}
    outcome = dict.fromkeys(("local", "estimated", "error"), False) | COSTS
    with on_embedded(folder / "server", folder) as machine:
        state = machine()
        try:
            state.begin()
            for sent, end in itertools.product((False, True), ENDS):
                state.cut_off(worker=0, wish=wish, outcome=outcome, sent=sent, end=end)
            state.crash(worker=0, pick=0, outcome=outcome, wish=wish, manner="admitted")
            state.end()
        finally:
            state.close()


@pytest.mark.parametrize("method", [(Books, "hold"), (Books, "make_holds"), (HoldFile, "add")])
def test_it_would_not_if_it_was_not_written_down_or_not_made_again(tmp_path, monkeypatch, method):
    monkeypatch.setattr(*method, _nothing if method[0] is Books else lambda *arguments, **moved: True)
    with pytest.raises(AssertionError):
        play_unsent(tmp_path)


@contextlib.contextmanager
def lent_to_one(folder: Path) -> Iterator[Machine]:
    """Two workers, of which the first one was lent slices."""
    with on_embedded(folder / "server", folder) as machine:
        state = machine()
        try:
            state.begin()
            for _ in range(15):
                state.reserve(0, [WIDE])
                if state.run(state.fits(0, WIDE)):
                    break
            else:
                pytest.fail("nothing was lent")
            yield state
        finally:
            state.close()


@pytest.fixture
def lasting(monkeypatch):
    """Slices may be used until they are given back, however busy this machine is."""
    monkeypatch.setattr(batches, "USABLE", 600.0)


def ask_for_all_that_is_left(folder: Path) -> None:
    """The other worker gets it once the first one has given its slices back, which has nothing left then."""
    with lent_to_one(folder) as state:
        state.reserve(1, [WIDE | {"cost": state.left()}])
        state.reserve(0, [WIDE])
        state.check()


def lose_and_find(folder: Path) -> None:
    """The other worker gets all but the charge, and that once the journal was found."""
    with lent_to_one(folder) as state:
        state.lose_machine(0, WIDE, 3)
        assert state.model.charges
        everything = WIDE | {"cost": state.left()}
        state.reserve(1, [everything])
        assert everything["cost"] not in [held.hold.cost for _, held in state.running.values()]
        state.find_machines()
        assert state.charges() == {}
        state.reserve(1, [WIDE | {"cost": state.left()}])
        assert state.left() == 0
        state.end()


def test_what_one_worker_was_lent_no_other_one_gets(tmp_path, lasting):
    ask_for_all_that_is_left(tmp_path)


def test_another_one_would_if_it_did_not_see_what_was_lent(tmp_path, monkeypatch, lasting):
    """Nothing is given back meanwhile: how fast this goes does not matter."""
    monkeypatch.setattr(slices.Slices, "rest", lambda *arguments: None)
    MUTATIONS[UNSEEN](monkeypatch)
    with pytest.raises(AssertionError):
        ask_for_all_that_is_left(tmp_path)


def test_what_a_lost_machine_was_lent_is_charged_until_its_journal_is_found(tmp_path, lasting):
    lose_and_find(tmp_path)


@pytest.mark.parametrize(
    "old", ["charged[c], with_charges = charged[c] + size, 1", "and not is_all_here(writer, of_term)"]
)
def test_it_would_not_be_if_that_was_forgotten(tmp_path, monkeypatch, lasting, old):
    patch_script("commit", old, "")(monkeypatch)
    with pytest.raises(AssertionError):
        lose_and_find(tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("engine", ENGINES)
def test_many_histories(tmp_path, engine):
    (tmp_path / "server").mkdir()
    with ENGINES[engine](tmp_path / "server", tmp_path) as machine:
        explore(machine, 150, 40)


# --- it can fail


def patch_account(patch: Callable[[int, int, int], tuple[int, int, int]]) -> Callable[[pytest.MonkeyPatch], None]:
    changes = batch._Account.changes

    def changed(account: Any, *arguments: Any) -> list[tuple[Any, int, int, int]]:
        return [(counter, *patch(*figures)) for counter, *figures in changes(account, *arguments)]

    return lambda monkeypatch: monkeypatch.setattr(batch._Account, "changes", changed)


def patch_script(name: str, old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        scripts = read_scripts()
        source = getattr(scripts, name).source
        assert old in source
        source = source.replace(old, new)
        sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        patched = msgspec.structs.replace(scripts, **{name: Script(source, sha)})
        monkeypatch.setattr(batches, "read_scripts", lambda: patched)

    return patch


def patch_method(owner: type, name: str, method: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(owner, name, method)


async def _nothing(*arguments: Any) -> None:
    pass


def patch_slices(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return patch_method(slices.Slices, name, lambda *arguments: None)


JOURNALED = "operation[1] ~= 'settle' and #uses == 0"
CHARGED = "settle_counters(hold, 1, 1)"
SPARED = "sides, verdicts[v + 2] = LOCAL, LOCAL"
UNSEEN = "slices of others are not seen"
SOFT = "used[n] + held[n] >= soft[i]"
MUTATIONS = {
    "a settlement adds nothing to what is used": patch_account(lambda used, held, risk: (0, held, risk)),
    "a release forgets the risk": patch_account(lambda used, held, risk: (used, held, 0)),
    "a settlement leaves what it held": patch_account(lambda used, held, risk: (used, 0, risk)),
    "a lease that is over leaves what it held": patch_script("expire", CHARGED, "settle_counters(hold, 0, 1)"),
    "a lease that is over is not charged to limits": patch_script("expire", CHARGED, "settle_counters(hold, 1, 0)"),
    "a late settlement is added to the charge": patch_script("each", "  charge(hold, -1, counted)", ""),
    "a charge forgets that its request could not leave": patch_script("expire", "hold[16] == 2", "false"),
    "a limit is forgotten where one side is spared": patch_script("commit", SPARED, "verdicts[v + 2] = LOCAL"),
    "soft limits are told late": patch_script("commit", SOFT, "used[n] + held[n] > soft[i]"),
    "a batch has no record": patch_script("commit", "write_records(blob, records)", ""),
    UNSEEN: patch_script("commit", "+ lent[c] + sum", "+ sum"),
    "what was brought in stays charged": patch_method(Books, "end_slices", _nothing),
    "what was taken of a slice is not held": patch_script("commit", "held[c] + shares[i + 2]", "held[c]"),
    "who only waits for slices of others is refused": patch_script(
        "commit", "verdicts[v + 2] = 0, -1", "verdicts[v + 2] = 0, 0"
    ),
    "what ended before it was sent stays held": patch_slices("undo"),
    "what was taken of a slice is not said": patch_slices("take"),
    "what was settled is not journaled": patch_method(GroupCommitLedger, "_write_down", lambda ledger, batch: None),
    "running requests are not held again": patch_method(Books, "hold_again", _nothing),
    "holds that nobody waited for are not made again": patch_method(Books, "hold", _nothing),
    "holds that a killed worker had noted are not made": patch_method(Books, "make_holds", _nothing),
    "holds are not noted": patch_method(HoldFile, "add", lambda file, *arguments, **moved: True),
    "what was brought in is not counted in limits": patch_script("each", JOURNALED, "#uses < 0"),
    "a journal is brought in as if nothing had been applied": patch_method(
        DiskLog, "entries", lambda log, after: (entry for entry in log._journal.entries(0))
    ),
}


@pytest.mark.prove
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mistake_is_found(tmp_path, monkeypatch, mutation):
    """Also where what was found does not happen again: how batches fall depends on the time that they take."""
    MUTATIONS[mutation](monkeypatch)
    with (
        on_embedded(tmp_path / "server", tmp_path) as machine,
        pytest.raises((AssertionError, TimeoutError, FlakyFailure)),
    ):
        explore(machine, 300, 30)
