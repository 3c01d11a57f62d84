"""No limit is overrun on any surface: what requests that come at once may take is held before they are sent, and
answers that are as long and as dear as can be take no more than that."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from support.samples.backend import Asked, Reply, SampleBackend
from support.samples.dearest import dearest, held_by_one
from support.samples.play import OPEN, Got, ask, at_rest
from support.samples.sample import Sample

from router.core.money import NANO_PER_USD
from router.surfaces.registry import SURFACES

PASS, CLIENTS = 7, 25
BUDGET = OPEN.replace("local_first", "cloud_first").replace("[gpu, api]", "[api]")
UNBOUNDED = BUDGET + "ledger: {holds: worst_case}\nbudget: {usd_per_month: 1000000, tokens_per_day: 1000000000}\n"


def applies(name: str) -> bool:
    return not SURFACES[name].free


@pytest.mark.parametrize("limit", ["money", "tokens"])
async def test_what_comes_at_once_never_overruns_a_limit(
    name: str, sample: Sample, serve, api: SampleBackend, limit: str
) -> None:
    body, dear = dearest(name)
    cost, tokens = await held_by_one(await serve(UNBOUNDED), name, body, api)
    assert tokens
    one = cost if limit == "money" else tokens
    cap = PASS * one + one - 1
    said = f"usd_per_month: {cap / NANO_PER_USD:.9f}" if limit == "money" else f"tokens_per_day: {cap}"
    gateway = await serve(f"{BUDGET}ledger: {{holds: worst_case}}\nbudget: {{{said}}}\n")
    before, opened = len(api.asked), asyncio.Event()

    async def once_open(asked: Asked) -> Reply:
        await opened.wait()
        return dear

    api.reply = once_open
    asking = [asyncio.ensure_future(ask(gateway.port, sample, body)) for _ in range(CLIENTS)]
    async with asyncio.timeout(30):
        while sum(each.done() for each in asking) < CLIENTS - PASS:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
    [counter] = gateway.ledger.counters.values()
    assert (counter.used, counter.held) == (0, PASS * one)
    opened.set()
    answers = await asyncio.gather(*asking)
    await at_rest(gateway)
    assert Counter(got.status for got in answers) == {200: PASS, 429: CLIENTS - PASS}
    assert len(api.asked) - before == PASS
    [counter] = gateway.ledger.counters.values()
    assert (counter.held, counter.risk) == (0, 0)
    assert counter.used <= cap, f"{name}: an answer took more than was held"
    assert all(map(refused_in_its_words, [sample] * CLIENTS, answers))
    rows = gateway.rows()
    assert sum(row.requests for row in rows) == PASS
    assert counter.used == sum(row.cost if limit == "money" else row.input + row.output for row in rows)


def refused_in_its_words(sample: Sample, got: Got) -> bool:
    return got.status == 200 or sample.error(json.loads(got.body))
