"""A day's volume moves the traffic from the cloud to the own GPU at the right request, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.gateway import Clock, Gateway, start_gateway, stop_gateway
from support.scripted import ScriptedBackend, answer, completion

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: %(gpu)s, serves: {chat: tiny-llama}, cost: {usd_per_hour: 1.0}}
  api: {zone: cloud, kind: openai, url: %(api)s,
        serves: {chat: {model: big, price: {input: 1, output: 2}}, other: {model: big, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api]}, other: {backends: [api]}}
cost: {threshold_tokens_per_day: 500000, hysteresis: 0.2, WINDOW}
"""
KOLKATA, NEW_YORK = ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")


class Day:
    """Asks one request after the other, each of as many tokens as told, at whatever time it is."""

    def __init__(self, gateway: Gateway, backends: dict[str, ScriptedBackend], clock: Clock) -> None:
        self._gateway = gateway
        self._backends = backends
        self._clock = clock

    async def ask(self, tokens: int = 1, model: str = "chat") -> str:
        """The backend that answered, and why there. The request asks for as much as it gets: no more is believed."""
        usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
        for backend in self._backends.values():
            backend.default = answer(body=completion(usage=usage))
        status, headers, _ = await self._gateway.post({**ASK, "model": model, "max_tokens": max(1, tokens)})
        assert status == 200
        return f"{headers['x-breakeven-backend']}: {headers['x-breakeven-reason']}"

    def at(self, *when: int, timezone: ZoneInfo) -> None:
        self._clock.now = datetime(*when, tzinfo=timezone).timestamp()

    def wait(self, **time: float) -> None:
        units = {"hours": 3600, "minutes": 60, "seconds": 1}
        self._clock.now += sum(units[unit] * count for unit, count in time.items())


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[Day]]]:
    """`await day("window: today")`; it is 00:00 UTC on 2026-03-02 to begin with."""
    clock = Clock(datetime(2026, 3, 2, tzinfo=ZoneInfo("UTC")).timestamp())
    backends = {"gpu": ScriptedBackend(), "api": ScriptedBackend()}
    for backend in backends.values():
        await backend.start()
    started: list[Gateway] = []

    async def start(window: str) -> Day:
        urls = {name: backend.url for name, backend in backends.items()}
        started.append(await start_gateway(tmp_path, POLICY.replace("WINDOW", window), urls, clock))
        return Day(started[-1], backends, clock)

    yield start
    for gateway in started:
        await stop_gateway(gateway)
    for backend in backends.values():
        await backend.stop()


CLOUD, GPU, STILL_GPU = "api: threshold-below", "gpu: threshold-above", "gpu: threshold-hysteresis"


async def test_the_request_after_the_threshold_is_the_first_one_on_the_gpu(day):
    today = await day("window: trailing_24h")
    assert [await today.ask(100_000) for _ in range(4)] == [CLOUD] * 4
    assert await today.ask(99_999) == CLOUD
    assert await today.ask(1) == CLOUD  # it finds 499,999 tokens
    assert await today.ask(1) == GPU  # it finds 500,000
    assert await today.ask(1) == GPU


async def test_the_day_may_be_spread_over_hours(day):
    today = await day("window: trailing_24h")
    for _ in range(23):
        assert await today.ask(21_740) == CLOUD
        today.wait(hours=1)
    assert await today.ask(1) == GPU  # 23 x 21,740 = 500,020


async def test_tokens_that_have_no_choice_do_not_count(day):
    """The model `other` is in the cloud only, so a GPU would not serve it however many tokens it has."""
    today = await day("window: trailing_24h")
    for _ in range(6):
        assert (await today.ask(100_000, model="other")).startswith("api: ")
    assert await today.ask() == CLOUD


async def test_tokens_of_the_gpu_count_as_well(day):
    """Otherwise the volume would fall because the GPU serves it, and the traffic would swing back."""
    today = await day("window: trailing_24h")
    await today.ask(500_000)
    today.wait(hours=12)
    assert await today.ask(500_000) == GPU
    today.wait(hours=13)
    assert await today.ask() == GPU  # the cloud's 500,000 are gone, the GPU's are left


async def test_as_the_window_slides_the_cloud_takes_over_below_the_hysteresis_only(day):
    """600,000 tokens of one quarter of an hour leave the window 24 hours later, evenly over a quarter."""
    today = await day("window: trailing_24h")
    assert await today.ask(600_000) == CLOUD
    assert await today.ask(0) == GPU
    today.wait(hours=24)
    assert await today.ask(0) == GPU  # all 600,000
    today.wait(seconds=150)
    assert await today.ask(0) == GPU  # 500,000
    today.wait(seconds=1)
    assert await today.ask(0) == STILL_GPU  # 499,334
    today.wait(seconds=149)
    assert await today.ask(0) == STILL_GPU  # 400,000
    today.wait(seconds=1)
    assert await today.ask(0) == CLOUD  # 399,334
    today.wait(seconds=-1)
    assert await today.ask(0) == CLOUD  # 400,000 again: once in the cloud, the threshold itself is needed


async def test_from_the_cloud_it_takes_the_whole_threshold_again(day):
    today = await day("window: trailing_24h")
    await today.ask(600_000)
    assert await today.ask(0) == GPU
    today.wait(hours=25)
    assert await today.ask(450_000) == CLOUD
    assert await today.ask(50_000) == CLOUD
    assert await today.ask(0) == GPU


async def test_today_begins_at_midnight_of_the_policys_time_zone(day):
    today = await day("window: today, timezone: Asia/Kolkata")
    today.at(2026, 3, 2, 0, 0, 0, timezone=KOLKATA)
    assert await today.ask(500_000) == CLOUD
    today.at(2026, 3, 2, 23, 59, 59, timezone=KOLKATA)
    assert await today.ask(0) == GPU
    today.wait(seconds=1)
    assert await today.ask(0) == CLOUD
    today.at(2026, 3, 3, 5, 30, 0, timezone=KOLKATA)  # midnight in UTC, which changes nothing here
    assert await today.ask(0) == CLOUD


async def test_a_day_of_25_hours_is_one_day(day):
    today = await day("window: today, timezone: America/New_York")
    today.at(2026, 11, 1, 0, 0, 0, timezone=NEW_YORK)
    assert await today.ask(500_000) == CLOUD
    today.wait(hours=24, minutes=59)
    assert await today.ask(0) == GPU
    today.wait(minutes=1)
    assert await today.ask(0) == CLOUD


async def test_yesterdays_volume_decides_all_day(day):
    today = await day("window: yesterday, timezone: Asia/Kolkata")
    today.at(2026, 3, 2, 23, 59, 59, timezone=KOLKATA)
    assert await today.ask(500_000) == CLOUD
    assert await today.ask(0) == CLOUD  # the day before was empty
    today.wait(seconds=1)
    assert await today.ask(400_000) == GPU
    today.at(2026, 3, 3, 23, 59, 59, timezone=KOLKATA)
    assert await today.ask(0) == GPU
    today.wait(seconds=1)
    assert await today.ask(399_999) == STILL_GPU  # yesterday had 400,000
    today.at(2026, 3, 5, 0, 0, 0, timezone=KOLKATA)
    assert await today.ask(0) == CLOUD  # yesterday had 399,999
