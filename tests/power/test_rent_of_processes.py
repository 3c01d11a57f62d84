"""The rent of a unit is the time for which its process was there, however late anybody looks, and whoever is killed.

In real time, with real processes: what is compared are two measurements of the same, so that no time decides a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import fake_vllm
from support.engines import Server, free_port
from support.lives import Lives

from router.config.load import load
from router.core.cost.rent import RentState
from router.core.policy import Policy
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.core.values import Plan
from router.ledger.power import KeptUnits, open_power
from router.ledger.reports.totals import open_report
from router.power.controller import Controller
from router.power.drivers.driver import Driver
from router.power.drivers.process import NAME
from router.power.drivers.programs import end_all, last_run, running
from router.power.drivers.registry import driver_of, folder_of
from router.power.rent_keeper import RentKeeper

POLICY = """
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu:
    zone: local
    kind: vllm
    url: http://127.0.0.1:{port}/v1
    serves: {{chat: m}}
    cost: {{usd_per_hour: 3600}}
    power:
      driver: process
      launch: {{python: {python}, model: works}}
      min_on: 0s
      min_off: 0s
      drain: 0s
  api: {{zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {{chat: gpt-4o-mini}}}}
models: {{chat: {{backends: [gpu, api]}}}}
sensitivity: {{levels: {{public: [local, cloud], restricted: [local]}}, default: public}}
"""
MOST_OFF = 1.0
"""Seconds that the ledger may be off for each life."""


class NobodyWakes:
    def take(self) -> frozenset[str]:
        return frozenset()


class Rented:
    def __init__(self, server: Server, plan: Plan, folder: Path) -> None:
        self.server = server
        self.plan = plan
        self.folder = folder
        self.unit = folder_of("gpu", folder)
        self.lives = Lives(self.unit)
        self.controller = self._controller()
        self.keeper = RentKeeper(server.url, lambda: plan)

    def _driver(self, name: str, policy: Policy) -> Driver:
        return driver_of(name, policy, self.folder)

    def _controller(self) -> Controller:
        return Controller(self.server.url, lambda: self.plan, self._driver, "host", NobodyWakes())

    def forget_controller(self) -> None:
        """As if it was killed: what it knew is lost, and another takes its lease."""
        self.server.client.delete("be:{ledger}:power:lease")
        self.controller = self._controller()

    async def order(self, order: Order) -> None:
        async with open_power(self.server.url) as book:
            await book.order("gpu", order, "test")

    async def kept(self) -> KeptUnits | None:
        async with open_power(self.server.url) as book:
            return (await book.look()).kept.get("gpu")

    async def until(self, phase: Phase, pause: float = 0.0) -> None:
        """With a step and a look of whoever keeps the rent, from time to time."""
        give_up = time.monotonic() + 60
        while (kept := await self.kept()) is None or kept.state.phase is not phase:
            assert time.monotonic() < give_up, kept
            await self.controller.tick()
            await self.keeper.tick()
            await asyncio.sleep(0.02 + pause)

    async def seconds(self) -> float:
        """For which the ledger has rent."""
        today = datetime.now(UTC).date()
        async with open_report(self.server.url) as report:
            rows = await report.rent([(today - timedelta(days=back)).isoformat() for back in (0, 1)])
        unpaid = (RentState.OFF, RentState.GAP, RentState.ROUNDING)
        return sum(row.milliseconds for row in rows if row.state not in unpaid) / 1000

    async def settles(self) -> float:
        """What the ledger is off by for each life."""
        for _ in range(3):
            await self.controller.tick()
            await asyncio.sleep(1.1)
            await self.keeper.tick()
        return abs(await self.seconds() - sum(self.lives.seconds.values())) / max(1, len(self.lives.seconds))

    def kill(self) -> None:
        """Whatever runs of the unit dies."""
        found = last_run(self.unit, NAME)
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)
        give_up = time.monotonic() + 30
        while running(found):
            assert time.monotonic() < give_up
            time.sleep(0.01)


@pytest.fixture
async def rented(server: Server, tmp_path: Path) -> AsyncIterator[Rented]:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(port=free_port(), python=fake_vllm.installed_in(tmp_path / "bin")))
    made = Rented(server, load(path), tmp_path / "data")
    yield made
    made.lives.end()
    await made.controller.close()
    made.keeper._link.close()
    with contextlib.suppress(OSError):
        if found := last_run(made.unit, NAME):
            end_all(found)


@pytest.mark.parametrize("pause", [0.0, 1.5], ids=["in-time", "late"])
async def test_two_lives(rented: Rented, pause: float) -> None:
    """Whoever controls and whoever keeps the rent look often, or seldom."""
    for _ in range(2):
        await rented.order(Order.ON)
        await rented.until(Phase.ON, pause)
        await rented.order(Order.OFF)
        await rented.until(Phase.OFF, pause)
    assert len(rented.lives.seconds) == 2 and await rented.settles() < MOST_OFF


async def test_lives_that_came_and_went_while_nobody_kept_the_rent(rented: Rented) -> None:
    """More than one, and the last one lasts."""
    keep = rented.keeper.tick

    async def away() -> None:
        pass

    rented.keeper.tick = away  # type: ignore[method-assign]
    await rented.until(Phase.OFF)
    await keep()
    for _ in range(3):
        await rented.order(Order.ON)
        await rented.until(Phase.ON)
        rented.kill()
        await rented.until(Phase.FAILED)
    await rented.order(Order.ON)
    await rented.until(Phase.ON)
    rented.keeper.tick = keep  # type: ignore[method-assign]
    assert len(rented.lives.seconds) == 4 and await rented.settles() < MOST_OFF


@pytest.mark.parametrize("dies", ["while-it-is-on", "before-anybody-looked"])
async def test_a_life_that_ended_while_nobody_controlled(rented: Rented, dies: str) -> None:
    await rented.order(Order.ON)
    if dies == "while-it-is-on":
        await rented.until(Phase.ON)
    else:
        await rented.until(Phase.STARTING)
        await _until(lambda: (found := last_run(rented.unit, NAME)) is not None and running(found))
    await rented.controller.close()
    rented.forget_controller()
    await asyncio.sleep(0.5)
    rented.kill()
    await asyncio.sleep(3)
    await rented.until(Phase.FAILED)
    assert len(rented.lives.seconds) == 1 and await rented.settles() < MOST_OFF


async def _until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.02)
