"""Servers and ledgers to test with. A server lives as long as the session; each test begins with an empty one."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from valkey import Valkey

from router.core.bill import Hold
from router.core.values import Cell, Settlement, Usage
from router.ledger.commit import Ledger
from router.ledger.embedded import EmbeddedServer
from router.ledger.memory import MemoryLedger
from router.ledger.report import open_report

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


class Server:
    """A real server, and a plain client for looking at it from outside."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        self.client = Valkey.from_url(url)

    def script_calls(self) -> int:
        return self.client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextmanager
def embedded(folder: Path) -> Iterator[Server]:
    server = EmbeddedServer(folder)
    url = server.start()
    try:
        yield Server(url, server.pid)
    finally:
        server.stop()


@contextmanager
def redis_server(folder: Path) -> Iterator[Server]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    path = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not answers(path):
            assert process.poll() is None, "redis-server did not start"
            time.sleep(0.005)
        yield Server(f"unix://{path}", process.pid)
    finally:
        process.terminate()
        process.wait()


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


STARTERS = {"valkey": embedded, "redis": redis_server}


@pytest.fixture(scope="session", params=STARTERS)
def session_server(request, tmp_path_factory) -> Iterator[Server]:
    with STARTERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def server(session_server) -> Server:
    session_server.client.flushall()
    session_server.client.config_resetstat()
    return session_server


@pytest.fixture
def start_embedded():
    return embedded


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def new_ledger(server, clock):
    """Makes started ledgers, which are like different workers; they are closed at the end."""
    made: list[Ledger] = []

    async def make(url: str | None = None, timeout: float = 5.0) -> Ledger:
        ledger = Ledger(url or server.url, timezone=BERLIN, timeout=timeout, owned=["local"], clock=clock)
        made.append(ledger)
        await ledger.start()
        return ledger

    yield make
    for ledger in made:
        await ledger.close()


@pytest.fixture
async def ledger(new_ledger) -> Ledger:
    return await new_ledger()


@pytest.fixture
def memory(clock) -> MemoryLedger:
    return MemoryLedger(timezone=BERLIN, clock=clock)


class Book:
    """A ledger under test, whichever it is, with its totals."""

    def __init__(self, ledger: Ledger | MemoryLedger, rows: Callable[..., Awaitable[list]]) -> None:
        self.ledger, self.rows = ledger, rows


@pytest.fixture(params=["valkey", "redis", "memory"])
async def book(request, clock):
    """One suite over every implementation."""
    if request.param == "memory":
        ledger = MemoryLedger(timezone=BERLIN, clock=clock)

        async def rows(*days: str) -> list:
            return ledger.rows(days or ["2026-05-20"])

        yield Book(ledger, rows)
        return
    folder = request.getfixturevalue("tmp_path")
    with STARTERS[request.param](folder) as server:
        ledger = Ledger(server.url, timezone=BERLIN, owned=["local"], clock=clock)
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

    def make(ledger: Ledger | MemoryLedger, at: float = MORNING, **fields) -> Hold:
        figures = {"input": 1000, "output": 500, "cost": 4000, "eligible": True, "cell": CLOUD, "lease": 900.0}
        figures |= {"id": ledger.next_id(at, fields.get("lease", 900.0))} | fields
        return Hold(at=at, **figures)

    return make


@pytest.fixture
def settlement_of():
    """What happened to a hold, with made-up figures."""

    def make(hold: Hold, **fields) -> Settlement:
        figures = {"usage": Usage(input=100, cached=30, output=7), "cost": 250, "counterfactual": 0, "error": False}
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
