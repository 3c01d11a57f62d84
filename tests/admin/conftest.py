"""A control plane in this process: a real server, a real Valkey, and clients with different credentials."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from support.control import ADMIN, POLICY, VIEWER, Clock, Plane
from support.rented import rent_book
from valkey import Valkey

from router.admin import time_limited
from router.admin.assemble import make_control
from router.admin.audit import recorder
from router.admin.auth.oidc import connect, provider
from router.admin.server import LONGEST_LINE, runner_of
from router.admin.settings import AdminSettings
from router.admin.sources.interface import Sources
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.limits.counters import NO_COUNTERS, Hold
from router.core.money import NANO_PER_MICRO
from router.core.values import Cell, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.server.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def session_valkey(tmp_path_factory) -> Iterator[str]:
    server = EmbeddedServer(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    server.stop()


@pytest.fixture
def valkey(session_valkey) -> Iterator[Valkey]:
    with Valkey.from_url(session_valkey) as client:
        client.flushall()
        yield client


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine under load everything takes its time: what gives up after some seconds waits longer, unless a test
    is about that."""
    monkeypatch.setattr(time_limited, "SECONDS", 60.0)
    monkeypatch.setattr(recorder, "SOON_SECONDS", 60.0)
    monkeypatch.setattr(connect, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(provider, "TIMEOUT_SECONDS", 60.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def settings(tmp_path: Path, policy: Path, session_valkey: str) -> AdminSettings:
    return AdminSettings(
        policy=str(policy),
        last_good=str(tmp_path / "last-good.yaml"),
        generated=False,
        host="127.0.0.1",
        port=0,
        gateway_host="127.0.0.1",
        redis=session_valkey,
        data_dir=str(tmp_path / "data"),
        admin_token=ADMIN,
        viewer_token=VIEWER,
        allowed_hosts=("breakeven.example",),
    )


@pytest.fixture
async def start(valkey, settings, clock, tmp_path) -> AsyncIterator[Callable[..., Any]]:
    """`await start(sources)` runs a control plane until the test ends."""
    runners: list[web.AppRunner] = []
    clients: list[aiohttp.ClientSession] = []
    (tmp_path / "data").mkdir()

    async def run(sources: Sources | None = None, given: AdminSettings = settings, servable=lambda plan: "") -> Plane:
        listener = socket.create_server(("127.0.0.1", 0))
        if given.oidc is not None:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            given = replace(given, oidc=replace(given.oidc, address=address))
        control = make_control(given, servable, clock, sources)
        runner = runner_of(control, 1)
        await runner.setup()
        runners.append(runner)
        await web.SockSite(runner, listener).start()
        clients.append(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, max_field_size=LONGEST_LINE
            )
        )
        return Plane(control, listener.getsockname()[1], clients[-1], Path(given.policy), clock)

    yield run
    for client in clients:
        await client.close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def plane(start) -> Plane:
    return await start()


@pytest.fixture
async def settle(valkey, session_valkey, clock) -> AsyncIterator[Callable[..., Any]]:
    """`await settle(cell, cost=…, counterfactual=…)`: one request that the ledger counts, now or at another time.

    Money in micro-USD.
    """
    ledger = GroupCommitLedger(
        session_valkey, timezone=ZoneInfo("Europe/Berlin"), timeout=5.0, owned=["local"], clock=clock
    )
    await ledger.start()

    async def one(cell: Cell, at: float = 0.0, *, held: bool = True, **fields: Any) -> None:
        at = at or clock.now
        hold = Hold(ledger.next_id(at, 900.0), cell, at, 900.0, 1000, 500, 4000, True)
        figures: dict[str, Any] = {"cost": 0, "counterfactual": 0, "error": False, "eligible": True} | fields
        figures |= {name: round(NANO_PER_MICRO * figures[name]) for name in ("cost", "counterfactual")}
        usage = figures.pop("usage", Usage(input=100, cached=30, output=7))
        settlement = Settlement(hold.id, cell, at, usage, **figures)
        if held:
            await ledger.reserve(hold)
            ledger.settle(settlement)
        else:
            ledger.record(settlement, NO_COUNTERS)
        await ledger.flush()

    yield one
    await ledger.close()


@pytest.fixture
def rent(session_valkey, valkey) -> Callable[..., Any]:
    """`await rent({"busy": …}, day)`: what the GPU cost on a day, in micro-USD by state."""

    async def one(states: dict[str, float], day: str = "2026-11-25", backend: str = "gpu") -> None:
        entries = [
            RentEntry(day, RentState(state), 1000, round(micro * NANO_PER_MICRO)) for state, micro in states.items()
        ]
        async with rent_book(session_valkey) as book:
            before = (await book.meters()).get((backend, 0), Meter())
            after = Meter(before.at + 1)
            assert await book.accrue({(backend, 0): Accrual(before, after, tuple(entries))}, 86_400 * 400) == 1

    return one
