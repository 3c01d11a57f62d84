"""A cap that allows 100 requests, and 500 clients that come at once: 100 pass, however many workers and gateways."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.gateway import parse
from support.scripted import ScriptedBackend, completion
from support.site import Site, StartSite, sites

from router.core.limits.estimate import PRIOR_OUTPUT_TOKENS
from router.core.money import NANO_PER_MICRO, NANO_PER_USD
from router.surfaces.registry import SURFACES

PASS, CLIENTS = 100, 500
MOST_OUTPUT = 4000
ASK = {"model": "chat", "max_tokens": MOST_OUTPUT, "messages": [{"role": "user", "content": "Hello"}]}
BODY = json.dumps(ASK).encode()
READING = SURFACES["chat"].read(BODY)
WORST = NANO_PER_MICRO * (READING.input_bound + 2 * MOST_OUTPUT)
"""Nano-USD that one request takes at most, and takes here."""
LEARNED = NANO_PER_MICRO * (READING.input_tokens + 2 * PRIOR_OUTPUT_TOKENS)
"""Nano-USD that it holds before anything was learned."""

POLICY = """
version: 1
zones: {cloud: {}}
backends:
  api: {zone: cloud, kind: openai, url: "%(url)s", serves: {chat: {model: m, price: {input: 1, output: 2}}}}
models: {chat: {backends: [api]}}
budget: {usd_per_month: %(cap)s}
ledger: {holds: %(holds)s}
"""


@dataclass
class Provider:
    """Answers once told to, with as many tokens as can be, and adds up what it bills."""

    billed: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: Any, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        if "messages" not in request:  # the control plane asks which models there are, which nobody bills
            writer.write(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n")
            return
        await self.open.wait()
        self.billed += WORST
        usage = {"prompt_tokens": READING.input_bound, "completion_tokens": MOST_OUTPUT}
        body = completion(usage=usage)
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        writer.write(body)


@pytest.fixture
async def backend() -> AsyncIterator[ScriptedBackend]:
    made = ScriptedBackend(default=Provider())
    await made.start()
    yield made
    await made.stop()


def spent(site: Site) -> list[int]:
    """Of the month's limit: used, held, and what running requests may take beyond that."""
    return site.counters()["global|all||usd"]


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSite]:
    with sites(tmp_path, tmp_path_factory.mktemp("redis")) as start:
        yield start


class Crowd:
    """Clients that ask at once, each on a connection of its own."""

    def __init__(self, site: Site, clients: int) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self._ports = site.ports
        self._clients = clients
        self._connected = asyncio.Barrier(clients)

    async def ask_all(self) -> None:
        await asyncio.gather(*[self._ask(self._ports[n % len(self._ports)]) for n in range(self._clients)])

    async def _ask(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await self._connected.wait()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(BODY) + BODY)
        self.answers.append(parse(await asyncio.wait_for(reader.read(), 60)))
        writer.close()

    def statuses(self) -> Counter[int]:
        return Counter(status for status, _, _ in self.answers)

    def refusals(self) -> Counter[str]:
        return Counter(json.loads(body)["error"]["code"] for status, _, body in self.answers if status == 429)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


async def play(site: Site, provider: Provider, clients: int = CLIENTS, passing: int = PASS) -> list[int]:
    """The crowd, while nobody is answered before everybody else is refused; what was held meanwhile."""
    crowd = Crowd(site, clients)
    asking = asyncio.create_task(crowd.ask_all())
    await until(lambda: len(crowd.answers) >= clients - passing or asking.done())
    held = spent(site)
    assert (held[0], site.holds()) == (0, passing)
    provider.open.set()
    await asking
    assert crowd.statuses() == {200: passing, 429: clients - passing}
    assert crowd.refusals() == {"rate_limit_exceeded": clients - passing}
    await until(lambda: site.holds() == 0)
    return held


def policy(url: str, holds: str, cap: int) -> str:
    return POLICY % {"url": url, "holds": holds, "cap": cap / NANO_PER_USD}


@pytest.mark.parametrize("gateways", [1, 2])
async def test_exact_holds_never_overrun_a_cap(site, backend, gateways):
    cap = PASS * WORST + WORST - 1  # what one more would take, but for one nano-USD
    served = await asyncio.to_thread(site, policy(backend.url, "worst_case", cap), gateways)
    held = await play(served, backend.default)
    assert held == [0, PASS * WORST, 0]
    assert spent(served) == [PASS * WORST, 0, 0] and backend.default.billed == PASS * WORST
    assert len([each for each in backend.requests if "messages" in each]) == PASS
    later = Crowd(served, 20)
    await later.ask_all()
    assert later.refusals() == {"insufficient_quota": 20}
    assert spent(served) == [PASS * WORST, 0, 0]
    assert all(counter[1:] == [0, 0] for counter in served.counters().values())


@pytest.mark.parametrize("gateways", [1, 2])
async def test_learned_holds_overrun_it_by_the_reported_risk_at_most(site, backend, gateways):
    """Here by all of it: every answer is as long as can be, and nothing was learned yet."""
    cap = PASS * LEARNED
    served = await asyncio.to_thread(site, policy(backend.url, "learned", cap), gateways)
    used, held, risk = await play(served, backend.default)
    assert (used, held, risk) == (0, cap, PASS * (WORST - LEARNED))
    assert spent(served) == [cap + risk, 0, 0] and backend.default.billed == cap + risk


@pytest.mark.prove
@pytest.mark.parametrize("gateways", [1, 2])
@pytest.mark.parametrize(("clients", "passing"), [(2000, 1), (2000, 700), (1500, 1499)])
async def test_crowds_of_other_sizes(site, backend, gateways, clients, passing):
    served = await asyncio.to_thread(site, policy(backend.url, "worst_case", passing * WORST), gateways)
    await play(served, backend.default, clients, passing)
    assert spent(served) == [passing * WORST, 0, 0]
