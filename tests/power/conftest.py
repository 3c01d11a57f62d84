"""Controllers of one ledger, of a rented GPU, in virtual time: a test moves the clock, and says when they tick."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.engines import Server, embedded
from support.rental import POLICY, Rental, RentalDriver

from router.config.load import load
from router.core.power.terms import Order
from router.core.resilience.worker_status import PowerState
from router.core.values import Plan
from router.ledger.power import KeptUnits, PowerEvent, PowerLook, open_power
from router.ledger.redis_keys import POWER_LEASE_KEY, SHARED_KEY
from router.power import controller as controllers
from router.power.controller import Controller
from router.power.known_units import KnownUnits


class NobodyWakes:
    def __init__(self) -> None:
        self.asked: set[str] = set()

    def take(self) -> frozenset[str]:
        return frozenset(self.asked)


class House:
    """A ledger, a rental, and the controllers on it. `usd_per_hour` is what the cloud would charge for its demand."""

    def __init__(self, server: Server, plan: Plan) -> None:
        self.server = server
        self.plan = plan
        self.rental = Rental()
        self.others: dict[str, Rental] = {}
        """Of further backends, by name."""
        self.usd_per_hour = 0.0
        self.captive = 0
        self.lost = ""
        self.controllers: list[Controller] = []
        self.started = 0
        self.point: Callable[[Controller, str], Awaitable[None]] | None = None
        self.local = NobodyWakes()
        self.known = KnownUnits()
        self.drivers: list[RentalDriver] = []
        self._usd: dict[int, float] = {}
        self._counted_at = self.rental.now

    def start(self) -> Controller:
        made = Controller(
            self.server.url,
            lambda: self.plan,
            lambda name, policy: self._driver(made, name),
            f"host-{self.started}",
            self.local,
            self.known,
            clock=lambda: self.rental.now,
            monotonic=lambda: self.rental.now,
        )
        self.controllers.append(made)
        self.started += 1
        return made

    def _driver(self, controller: Controller, name: str) -> RentalDriver:
        rental = self.rental if name == "gpu" else self.others.setdefault(name, Rental())
        self.drivers.append(RentalDriver(rental, partial(self.reach, controller)))
        return self.drivers[-1]

    async def reach(self, controller: Controller, point: str) -> None:
        if self.point is not None:
            await self.point(controller, point)

    async def run(self, seconds: float, step: float = 5.0) -> None:
        """Let time pass, with a tick of each controller at every step."""
        for _ in range(max(1, int(seconds / step))):
            self.rental.now += step
            for rental in self.others.values():
                rental.now = self.rental.now
            await self.tick()

    async def tick(self) -> None:
        for each in list(self.controllers):
            ticking = asyncio.ensure_future(each.tick())
            while not ticking.done() and each in self.controllers:  # noqa: ASYNC110 - one that was killed never ends
                await asyncio.sleep(0)
            for _ in range(6):  # looks and commands are tasks of their own
                await asyncio.sleep(0)

    async def totals(self, report: object, hours: list[int]) -> dict[int, dict[str, tuple[int, int, int]]]:
        """What the ledger has counted, by hour."""
        usd = (self.rental.now - self._counted_at) / 3600 * self.usd_per_hour
        self._usd[hours[-1]] = self._usd.get(hours[-1], 0.0) + usd
        self._counted_at = self.rental.now
        each = {hour: self._usd.get(hour, 0.0) for hour in hours}
        return {hour: {"chat": (int(usd * 1e6), int(usd * 1e9), self.captive)} for hour, usd in each.items()}

    # --- from outside

    async def look(self) -> PowerLook:
        async with open_power(self.server.url) as book:
            return await book.look()

    async def kept(self) -> KeptUnits:
        return (await self.look()).kept["gpu"]

    async def told(self) -> PowerState:
        return (await self.look()).powers["gpu"]

    async def events(self) -> list[PowerEvent]:
        """Oldest first."""
        async with open_power(self.server.url) as book:
            return (await book.events(10_000))[::-1]

    async def order(self, order: Order) -> None:
        async with open_power(self.server.url) as book:
            await book.order("gpu", order, "admin (page)")

    def wake(self) -> None:
        self.server.client.hset(SHARED_KEY, "wake|gpu", repr(self.rental.now))

    def runs(self, inflight: int) -> None:
        """What a worker reports."""
        from router.core.resilience.worker_status import BackendStatus, ReplicaStatus, WorkerStatus

        replica = ReplicaStatus("gpu", inflight=inflight)
        status = WorkerStatus(
            "w", "h", 1, 0.0, self.rental.now, "v", backends=(BackendStatus("gpu", "local", replicas=(replica,)),)
        )
        self.server.client.hset(SHARED_KEY, "worker|w", msgspec.msgpack.encode(status))

    def end_lease(self) -> None:
        self.server.client.delete(POWER_LEASE_KEY)


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with embedded(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def server(session_server: Server) -> Server:
    session_server.client.flushall()
    return session_server


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[..., Plan]:
    def make(**edits: str) -> Plan:
        path, text = tmp_path / "policy.yaml", POLICY
        for before, after in edits.items():
            assert before in text
            text = text.replace(before, after)
        path.write_text(text)
        return load(path)

    return make


@pytest.fixture
async def house(server: Server, plan_of: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    made = House(server, plan_of())

    async def read_time(connection: Any) -> float:
        return made.rental.now

    monkeypatch.setattr("router.ledger.power.read_time", read_time)
    monkeypatch.setattr("router.power.units.PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("router.power.units.SHORT_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("router.power.units.SHORTEST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(controllers, "read_totals", made.totals)
    yield made
    for each in made.controllers:
        await each.close()
