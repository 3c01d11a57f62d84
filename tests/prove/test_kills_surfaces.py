"""Workers are killed while requests of every surface run: what was held is charged, what was answered is settled, and
nothing is lost, whichever surface it was.

Each surface has a model of its own, by which the ledger's records and holds are known.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prove.books import PREFIX
from support.recount import wrong_counters
from support.samples.backend import Asked, Reply, SampleBackend, whole
from support.samples.play import ask
from support.samples.registry import SAMPLES
from support.serving import PROJECT, Serving, eventually
from valkey import Valkey

from router.ledger.record import Record, unpack_records
from router.ledger.server.embedded import running_url
from router.surfaces.registry import SURFACES

LIMIT = 40
"""Tokens of an answer at most, where a request says so."""
LEASE_IS_OVER = 150.0
"""Seconds, most of them for the lease's last minute and the sweep after it."""
_HELD = """
local found = {}
for _, bucket in ipairs(redis.call('KEYS', 'be:{ledger}:hold:*')) do
  local flat = redis.call('HGETALL', bucket)
  for j = 2, #flat, 2 do
    local hold = cmsgpack.unpack(string.sub(flat[j], 2))
    found[#found + 1] = hold[9]
    found[#found + 1] = string.format('%.0f', hold[6])
  end
end
return found
"""
"""Cells and nano-USD of all that is held."""


def policy(url: str) -> str:
    price = "price: {input: 1, output: 2, second: 0.01, characters: 5, image: 0.01}"
    served = "".join(f"      {name}: {{model: m, endpoints: [{name}], {price}}}\n" for name in SURFACES)
    models = "".join(f"  {name}: {{backends: [api]}}\n" for name in SURFACES)
    return (
        f"version: 1\nzones: {{cloud: {{}}}}\nbackends:\n  api:\n    zone: cloud\n    kind: openai\n    url: {url}\n"
        f"    serves:\n{served}models:\n{models}ledger: {{timeout: 500ms, lease: 5s, holds: worst_case}}\n"
        "budget: {usd_per_month: 1000000, concurrent_requests: 1000}\nretry: {attempts: 1}\n"
    )


@dataclass
class Provider:
    """Answers at once, or keeps everybody waiting."""

    backend: SampleBackend
    waits: bool = False
    asked: int = 0
    """Requests to any surface."""

    async def __call__(self, asked: Asked) -> Reply:
        found = [name for name, surface in SURFACES.items() if asked.path.removeprefix("/v1") == surface.path]
        if not found:  # which models there are
            return Reply(status=404)
        self.asked += 1
        if self.waits:
            await asyncio.Event().wait()
        return whole(SAMPLES[found[0]])


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider(SampleBackend())
    made.backend.reply = made
    await made.backend.start()
    yield made
    await made.backend.stop()


@pytest.fixture
def serving(tmp_path: Path, provider: Provider) -> Iterator[Serving]:
    (tmp_path / "policy.yaml").write_text(policy(provider.backend.url))
    arguments = ("--policy", str(tmp_path / "policy.yaml"), "--workers", "2", "--fsync", "always")
    program = (str(PROJECT / "tests" / "prove" / "hasty.py"),)
    made = Serving(tmp_path / "data", arguments, program=program).start()
    yield made
    made.stop()


@dataclass
class Books:
    """Of each surface: requests that were settled, charged as held and are still held, and what these cost."""

    settled: Counter[str]
    charged: Counter[str]
    held: Counter[str]
    cost: Counter[str]
    """Nano-USD that is charged or held."""
    wrong: list[str]


def books(url: str) -> Books:
    with Valkey.from_url(url) as client:
        told = Books(Counter(), Counter(), Counter(), Counter(), wrong_counters(client))
        for _, fields in client.xrange(f"{PREFIX}requests"):
            for record in unpack_records(fields[b"b"]):
                _add(told, record)
        figures = client.eval(_HELD, 0)
    for cell, cost in zip(figures[::2], figures[1::2], strict=True):
        name = next(name for name in SURFACES if _names(cell, name))
        told.held[name] += 1
        told.cost[name] += int(cost)
    return told


def _names(cell: bytes, name: str) -> bool:
    return name.encode() in cell.replace(b"\0", b"|").split(b"|") or f"|{name}|".encode() in cell


def _add(told: Books, record: Record) -> None:
    if record.kind in ("held", "lifted"):
        sign = 1 if record.kind == "held" else -1
        told.charged[record.model] += sign
        told.cost[record.model] += sign * record.cost
    elif record.kind in ("settled", "unheld"):
        told.settled[record.model] += 1


async def ask_all(serving: Serving, times: int) -> list[int]:
    """As many requests of each surface at once; their statuses, 0 for those whose connection broke."""
    port = int(serving.url.rpartition(":")[2])

    async def one(name: str) -> int:
        sample = SAMPLES[name]
        limit = sample.limit(LIMIT) if sample.limit is not None else {}
        try:
            got = await ask(port, sample, sample.body(model=name, **limit), "authorization: Bearer any")
        except (ConnectionError, OSError):
            return -1
        return got.status if got.ended else 0

    return await asyncio.gather(*(one(name) for name in SURFACES for _ in range(times)))


async def killed_while_they_run(serving: Serving, provider: Provider, times: int) -> None:
    """Both workers, once all requests are at the provider."""
    provider.waits, before = True, provider.asked
    asking = asyncio.ensure_future(ask_all(serving, times))
    async with asyncio.timeout(60):
        while provider.asked < before + times * len(SURFACES):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    await asyncio.sleep(1.0)  # what is about to be written is written
    for worker in await asyncio.to_thread(eventually, serving.workers):
        worker.kill()
    assert set(await asking) == {0}
    provider.waits = False


async def answered(serving: Serving, times: int) -> None:
    """By workers that have been started anew."""
    give_up = time.monotonic() + 20
    while set(statuses := await ask_all(serving, 1)) != {200}:
        failed = {name: status for name, status in zip(SURFACES, statuses, strict=True) if status != 200}
        assert time.monotonic() < give_up, failed
        await asyncio.sleep(0.2)
    assert set(await ask_all(serving, times)) == {200}


async def settled(serving: Serving, lost: int, *, charged: bool) -> Books:
    """Once every surface's lost requests are held or charged, and with `charged` all of them are charged."""
    url = running_url(serving.data_dir) or ""
    give_up = time.monotonic() + (LEASE_IS_OVER if charged else 20.0)
    while True:
        told = await asyncio.to_thread(books, url)
        counts = {name: told.charged[name] + (0 if charged else told.held[name]) for name in SURFACES}
        if (set(counts.values()) == {lost} and not told.wrong) or time.monotonic() > give_up:
            return told
        await asyncio.sleep(0.5)


def check(told: Books, lost: int, *, charged: bool) -> None:
    for name, surface in SURFACES.items():
        kept = told.charged[name] + (0 if charged else told.held[name])
        assert kept == lost, f"{name}: of {lost} requests whose worker was killed {kept} are accounted for"
        assert told.settled[name] >= 1, f"{name}: nothing was settled"
        sample = SAMPLES[name]
        limit = sample.limit(LIMIT) if sample.limit is not None else {}
        reading = surface.read_as(sample.body(model=name, **limit), sample.content_type)
        least = 1_000 * reading.input_bound + 2_000 * (reading.max_output_tokens or 0)
        assert told.cost[name] >= lost * least, f"{name}: less is charged than its requests may have taken"
    assert not told.wrong, told.wrong


async def test_what_ran_is_held_whatever_its_surface(serving: Serving, provider: Provider) -> None:
    await answered(serving, 1)
    await killed_while_they_run(serving, provider, 2)
    await answered(serving, 1)
    check(await settled(serving, 2, charged=False), 2, charged=False)


@pytest.mark.prove
async def test_what_ran_is_charged_in_the_end_after_many_kills(serving: Serving, provider: Provider) -> None:
    for _ in range(10):
        await answered(serving, 1)
        await killed_while_they_run(serving, provider, 3)
    await answered(serving, 1)
    told = await settled(serving, 30, charged=True)
    check(told, 30, charged=True)
    print(f"\n{told.settled.total()} settled, {told.charged.total()} charged, {sum(told.cost.values())} nano-USD")
