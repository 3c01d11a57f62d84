"""Of two models on one card one is awake: real drivers and a controller against vLLMs that share its memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.engines import Server
from support.sleepy_vllm import KEY, SleepyVllm, sleepy_vllms
from support.worker_reports import report

from router.config.load import load
from router.core.power.states import Phase
from router.core.power.terms import Order
from router.ledger.power import PowerLook, open_power
from router.ledger.redis_keys import SHARED_KEY
from router.power.controller import Controller
from router.power.drivers.registry import driver_of

POLICY = """
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
secrets: {{GPU_KEY: ["{one_host}", "{other_host}"]}}
backends:
  one: {{zone: local, kind: vllm, url: "{one}", serves: {{small: m}}, api_key: env:GPU_KEY, power: {power}}}
  other: {{zone: local, kind: vllm, url: "{other}", serves: {{large: m}}, api_key: env:GPU_KEY, power: {power}}}
  api: {{zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {{small: gpt-4o-mini}}}}
models: {{small: {{backends: [one, api]}}, large: {{backends: [other]}}}}
sensitivity: {{levels: {{public: [local, cloud], restricted: [local]}}, default: public}}
"""
POWER = "{driver: sleep, card: gpu-0, sleep_level: 2, min_on: 30m, min_off: 0s, drain: 1h}"


class NobodyWakes:
    def take(self) -> frozenset[str]:
        return frozenset()


class House:
    def __init__(self, server: Server, units: list[SleepyVllm], controller: Controller) -> None:
        self.server = server
        self.one, self.other = units
        self.card = self.one.card
        self.controller = controller

    async def look(self) -> PowerLook:
        async with open_power(self.server.url) as book:
            return await book.look()

    def wait_for(self, name: str) -> None:
        """A request that may go nowhere else waits."""
        self.server.client.hset(SHARED_KEY, f"wake|{name}", repr(time.time()))

    def no_longer(self, name: str) -> None:
        self.server.client.hdel(SHARED_KEY, f"wake|{name}")

    async def order(self, name: str, order: Order) -> None:
        async with open_power(self.server.url) as book:
            await book.order(name, order, "test")

    async def until(self, **phases: Phase) -> None:
        give_up = time.monotonic() + 30
        while {name: await self.phase(name) for name in phases} != phases:
            assert time.monotonic() < give_up, await self.look()
            await self.tick()

    async def tick(self) -> None:
        await self.controller.tick()
        await asyncio.sleep(0.05)
        assert len(self.card.awake) <= 1

    async def phase(self, name: str) -> Phase | None:
        kept = (await self.look()).kept.get(name)
        return None if kept is None else kept.state.phase


@pytest.fixture
async def house(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setenv("GPU_KEY", KEY)
    monkeypatch.setattr("router.core.power.control.HEARD_BY_ALL", 0.1)
    monkeypatch.setattr("router.core.power.cards.TURN", 1.0)
    monkeypatch.setattr("router.power.units.PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("router.power.units.SHORT_PAUSE_SECONDS", 0.05)
    async with sleepy_vllms(2) as units:
        path, (one, other) = tmp_path / "policy.yaml", [unit.url for unit in units]
        hosts = [str(urlsplit(each).netloc) for each in (one, other)]
        path.write_text(POLICY.format(one=one, other=other, one_host=hosts[0], other_host=hosts[1], power=POWER))
        plan = load(path)
        controller = Controller(
            server.url, lambda: plan, lambda name, policy: driver_of(name, policy, tmp_path), "host", NobodyWakes()
        )
        made = House(server, units, controller)
        await made.until(one=Phase.OFF, other=Phase.OFF)
        yield made
        assert made.card.refused == 0, "one was to wake while another was awake"
        await controller.close()


async def test_waking_one_puts_the_other_to_sleep_first(house: House) -> None:
    house.wait_for("one")
    await house.until(one=Phase.ON)
    house.no_longer("one")
    house.wait_for("other")
    await house.until(one=Phase.OFF, other=Phase.ON)
    assert house.card.awake == [house.other]
    async with open_power(house.server.url) as book:
        events = [(event.backend, event.after) for event in await book.events()][::-1]
    assert events == [
        *(("one", after) for after in ("starting", "on", "draining", "stopping", "off")),
        *(("other", after) for after in ("starting", "on")),
    ]


async def test_both_that_are_asked_for_at_once_take_turns(house: House) -> None:
    had: list[str] = []
    give_up = time.monotonic() + 60
    while len(had) < 3:
        assert time.monotonic() < give_up, had
        house.wait_for("one")
        house.wait_for("other")
        await house.tick()
        on = [name for name in ("one", "other") if await house.phase(name) is Phase.ON]
        if on and on != had[-1:]:
            had += on
    assert had in (["one", "other", "one"], ["other", "one", "other"])


async def test_what_runs_is_finished_before_it_sleeps(house: House) -> None:
    house.wait_for("one")
    await house.until(one=Phase.ON)
    house.no_longer("one")
    report(house.server, {"one": 1})
    house.wait_for("other")
    await house.until(one=Phase.DRAINING)
    for _ in range(20):
        house.wait_for("other")
        await house.tick()
    assert house.card.awake == [house.one]
    report(house.server, {"one": 0})
    await house.until(other=Phase.ON)


async def test_an_order_has_the_card(house: House) -> None:
    await house.order("one", Order.ON)
    await house.until(one=Phase.ON)
    house.wait_for("other")
    for _ in range(30):
        await house.tick()
    kept = (await house.look()).kept["other"]
    assert (kept.state.phase, kept.state.reason) == (Phase.OFF, "card-taken")
    assert kept.state.explanation.endswith("one has the card that they share, until it sleeps.")
    assert kept.next == "It is switched on once the other model sleeps."
    await house.order("one", Order.AUTO)
    house.wait_for("other")
    await house.until(one=Phase.OFF, other=Phase.ON)


async def test_one_that_somebody_woke_by_hand_beside_it_has_the_card(house: House) -> None:
    house.other.memory |= {"weights", "kv_cache"}
    await house.until(other=Phase.ON)
    house.wait_for("one")
    for _ in range(5):
        await house.tick()
    house.wait_for("one")
    await house.until(other=Phase.OFF, one=Phase.ON)
