"""Limits that allow a few requests of each surface, and many clients of all surfaces that come at once, through real
workers: what is used and held is never more than a limit, however many workers and gateways ask the ledger; and what is
free is never refused.

Each surface has a model and a key of its own, and the key its limits, of money and of tokens, by which the ledger's
counters are known.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Clock, start_gateway, stop_gateway
from support.samples.backend import Asked, Reply, SampleBackend
from support.samples.dearest import dearest, held_by_one
from support.samples.play import Got, ask
from support.samples.registry import SAMPLES
from support.site import Site, StartSite, sites

from router.core.money import NANO_PER_USD
from router.core.values import Usage
from router.surfaces.registry import SURFACES

PASS, CLIENTS = 3, 8
"""Requests of each surface that a limit allows, and clients of each that come at once."""
PAID = tuple(name for name, surface in SURFACES.items() if not surface.free)
PRICE = "price: {input: 1, output: 2, second: 0.01, characters: 5, image: 0.01}"
Limits = dict[str, tuple[int, int]]
"""By surface: nano-USD a month, tokens a day."""
PLENTY: Limits = dict.fromkeys(PAID, (10**6 * NANO_PER_USD, 10**12))


def policy(url: str, limits: Limits) -> str:
    served = "".join(f"      {name}: {{model: m, endpoints: [{name}], {PRICE}}}\n" for name in SURFACES)
    models = "".join(f"  {name}: {{backends: [api]}}\n" for name in SURFACES)
    keys = "".join(_key(name, limits) for name in SURFACES)
    return (
        f"version: 1\nzones: {{cloud: {{}}}}\nbackends:\n  api:\n    zone: cloud\n    kind: openai\n    url: {url}\n"
        f"    serves:\n{served}models:\n{models}keys:\n{keys}ledger: {{holds: worst_case}}\nretry: {{attempts: 1}}\n"
    )


def _key(name: str, limits: Limits) -> str:
    told = f"  - {{name: {name}, sha256: {sha256(name.encode()).hexdigest()}, models: [{name}]"
    if name not in limits:
        return told + "}\n"
    cost, tokens = limits[name]
    return f"{told}, budget: {{usd_per_month: {cost / NANO_PER_USD:.9f}, tokens_per_day: {tokens}}}}}\n"


def authorized(name: str) -> str:
    return f"authorization: Bearer {name}"


@dataclass
class Provider:
    """Answers once told to, and each with as much as can be."""

    backend: SampleBackend
    answers: dict[str, Reply]
    asked: list[str] = field(default_factory=list)
    """The surface of each request."""
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, asked: Asked) -> Reply:
        found = [name for name, surface in SURFACES.items() if asked.path.removeprefix("/v1") == surface.path]
        if not found:  # which models there are
            return Reply(status=404)
        self.asked += found
        await self.open.wait()
        return self.answers[found[0]]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider(SampleBackend(), {name: dearest(name, name)[1] for name in SURFACES})
    await made.backend.start()
    yield made
    await made.backend.stop()


def counters(site: Site) -> dict[tuple[str, str], list[int]]:
    """Used, held and at risk, by surface and measure."""
    found = {}
    for told, counter in site.counters().items():
        scope, *_, measure = told.split("|")
        found[scope.removeprefix("key:"), measure] = counter
    return found


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    with sites(tmp_path, tmp_path_factory.mktemp("redis")) as start:
        yield start


async def each_alone(directory: Path, backend: SampleBackend) -> Limits:
    """What one request of each surface holds."""
    gateway = await start_gateway(directory, policy(backend.url, PLENTY), {}, Clock())
    held = {name: await held_by_one(gateway, name, dearest(name, name)[0], backend, authorized(name)) for name in PAID}
    await stop_gateway(gateway)
    return held


class Crowd:
    """Clients of every surface at once, by turns at each gateway."""

    def __init__(self, site: Site, clients: int) -> None:
        ports = site.ports
        self.asking = {
            name: [
                asyncio.ensure_future(
                    ask(ports[number % len(ports)], SAMPLES[name], dearest(name, name)[0], authorized(name))
                )
                for number in range(clients)
            ]
            for name in SURFACES
        }

    def refused(self, name: str) -> int:
        return sum(each.done() for each in self.asking[name])

    async def answers(self) -> dict[str, list[Got]]:
        return {name: await asyncio.gather(*asking) for name, asking in self.asking.items()}


async def until(condition: Callable[[], Any], message: Callable[[], Any] = lambda: "") -> None:
    try:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(message()) from None


async def watch(site: Site, limits: Limits, over: list[str]) -> None:
    """Looks at the counters again and again: `over` gets all that is more than a limit."""
    while True:
        for (name, measure), (used, held, _) in counters(site).items():
            limit = limits[name][measure != "usd"]
            if used + held > limit:
                over.append(f"{name}: {used} used and {held} held of {limit} ({measure})")
        await asyncio.sleep(0.01)


async def play(site: Site, provider: Provider, one: Limits, limits: Limits, passing: int, clients: int) -> None:
    over: list[str] = []
    watching = asyncio.ensure_future(watch(site, limits, over))
    crowd = Crowd(site, clients)
    waiting = {name: passing if name in PAID else clients for name in SURFACES}
    await until(
        lambda: all(crowd.refused(name) == clients - waiting[name] for name in SURFACES),
        lambda: {name: crowd.refused(name) for name in SURFACES},
    )
    for name in PAID:
        for at, measure in enumerate(("usd", "tokens")):
            assert counters(site)[name, measure][:2] == [0, passing * one[name][at]], f"{name}: {measure}"
    provider.open.set()
    answers = await crowd.answers()
    await until(lambda: site.holds() == 0, site.holds)
    for name, got in answers.items():
        assert sorted(each.status for each in got) == [200] * waiting[name] + [429] * (clients - waiting[name]), name
        assert all(each.status == 200 or SAMPLES[name].error(json.loads(each.body)) for each in got), name
        assert provider.asked.count(name) == waiting[name]
    await Crowd(site, clients).answers()
    await until(lambda: site.holds() == 0, site.holds)
    watching.cancel()
    assert not over, over
    for name in PAID:
        for at, measure in enumerate(("usd", "tokens")):
            used, held, risk = counters(site)[name, measure]
            assert used <= limits[name][at] and (held, risk) == (0, 0), f"{name}: {measure}"
            assert used or SURFACES[name].read_answer(SAMPLES[name].answer(1, 1))[1] == Usage(), f"{name}: {measure}"


async def played(
    site: Callable[[str, int], Site], provider: Provider, directory: Path, gateways: int, passing: int, clients: int
) -> None:
    provider.backend.reply = provider
    one = await each_alone(directory, provider.backend)
    assert all(cost and tokens for cost, tokens in one.values()), one
    limits = {name: (passing * cost + cost - 1, passing * tokens + tokens - 1) for name, (cost, tokens) in one.items()}
    provider.backend.reply = provider
    served = await asyncio.to_thread(site, policy(provider.backend.url, limits), gateways)
    await play(served, provider, one, limits, passing, clients)


async def test_no_surface_overruns_a_limit(site, provider: Provider, tmp_path: Path) -> None:
    await played(site, provider, tmp_path, 1, PASS, CLIENTS)


@pytest.mark.prove
async def test_no_surface_overruns_a_limit_through_two_gateways(site, provider: Provider, tmp_path: Path) -> None:
    await played(site, provider, tmp_path, 2, 10, 40)
