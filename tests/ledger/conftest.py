"""Servers and ledgers to test with. A server lives as long as the session; each test begins with an empty one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from zoneinfo import ZoneInfo

import pytest
from support.engines import ENGINES, Server, embedded
from support.memory_ledger import MemoryLedger

from router.core.limits.counters import Hold
from router.core.values import Cell, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.reports.totals import open_report

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = 1_779_267_600.0
"""2026-05-20 11:00 in Berlin."""
GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "search", "app")


class Clock:
    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """Engines by name, each started when it is first asked for."""
    with ExitStack() as stack:
        started: dict[str, Server] = {}

        def start(name: str) -> Server:
            if name not in started:
                started[name] = stack.enter_context(ENGINES[name](tmp_path_factory.mktemp(name)))
            return started[name]

        yield start


@pytest.fixture(scope="session", params=ENGINES)
def session_server(request, engine) -> Server:
    return engine(request.param)


@pytest.fixture
def server(session_server) -> Server:
    return emptied(session_server)


def emptied(server: Server) -> Server:
    server.client.flushall()
    server.client.config_resetstat()
    return server


@pytest.fixture
def start_embedded():
    return embedded


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def new_ledger(server, clock):
    """Makes started ledgers, which are like different workers; they are closed at the end."""
    made: list[GroupCommitLedger] = []

    async def make(url: str | None = None, timeout: float = 5.0) -> GroupCommitLedger:
        ledger = GroupCommitLedger(url or server.url, timezone=BERLIN, timeout=timeout, owned=["local"], clock=clock)
        made.append(ledger)
        await ledger.start()
        return ledger

    yield make
    for ledger in made:
        await ledger.close()


@pytest.fixture
async def ledger(new_ledger) -> GroupCommitLedger:
    return await new_ledger()


@pytest.fixture
def memory(clock) -> MemoryLedger:
    return MemoryLedger(timezone=BERLIN, clock=clock)


class Book:
    """A ledger under test, whichever it is, with its totals."""

    def __init__(self, ledger: GroupCommitLedger | MemoryLedger, rows: Callable[..., Awaitable[list]]) -> None:
        self.ledger, self.rows = ledger, rows


@pytest.fixture(params=[*ENGINES, "memory"])
async def book(request, engine, clock):
    """One suite over every implementation."""
    if request.param == "memory":
        ledger = MemoryLedger(timezone=BERLIN, clock=clock)

        async def rows(*days: str) -> list:
            return ledger.rows(days or ["2026-05-20"])

        yield Book(ledger, rows)
        return
    server = emptied(engine(request.param))
    ledger = GroupCommitLedger(server.url, timezone=BERLIN, timeout=5.0, owned=["local"], clock=clock)
    await ledger.start()

    async def rows(*days: str) -> list:
        await ledger.flush()
        async with open_report(server.url) as report:
            return await report.days(days or ["2026-05-20"])

    yield Book(ledger, rows)
    await ledger.close()


@pytest.fixture
def hold_of():
    """A hold of `ledger` with made-up figures."""

    def make(ledger: GroupCommitLedger | MemoryLedger, at: float = MORNING, **fields) -> Hold:
        figures = {"input": 1000, "output": 500, "cost": 4000, "eligible": True, "cell": CLOUD, "lease": 900.0}
        figures |= {"id": ledger.next_id(at, fields.get("lease", 900.0))} | fields
        return Hold(at=at, **figures)

    return make


@pytest.fixture
def settlement_of():
    """What happened to a hold, with made-up figures."""

    def make(hold: Hold, **fields) -> Settlement:
        figures = {"usage": Usage(input=100, cached=30, output=7), "cost": 250, "counterfactual": 0, "error": False}
        figures |= {"local": fields.get("cell", hold.cell).zone == "local", "captive": hold.captive}
        return Settlement(
            **({"id": hold.id, "cell": hold.cell, "at": hold.at, "eligible": hold.eligible} | figures | fields)
        )

    return make


@pytest.fixture
def eventually():
    """Waits, for at most ten seconds, until something is true that announces itself to nobody."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    return wait
