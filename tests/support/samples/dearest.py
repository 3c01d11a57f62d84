"""What a request of any surface may take at most, and an answer that takes as much."""

from __future__ import annotations

from support.gateway import Gateway
from support.samples.backend import Asked, Reply, SampleBackend, whole
from support.samples.play import ask, at_rest
from support.samples.registry import SAMPLES

from router.surfaces.registry import SURFACES

MOST = 40
"""Tokens that an answer may have, where its request says how many."""


def dearest(name: str, model: str = "chat") -> tuple[bytes, Reply]:
    """A request to the surface, and the answer that takes as much as its reading says that one may."""
    surface, sample = SURFACES[name], SAMPLES[name]
    body = sample.body(model=model, **(sample.limit(MOST) if sample.limit is not None else {}))
    reading = surface.read_as(body, sample.content_type)
    assert reading.max_output_tokens is not None
    most = reading.max_output_tokens if sample.limit is None else MOST
    output = most if sample.reports else 50
    return body, whole(sample, reading.input_bound, output)


async def held_by_one(gateway: Gateway, name: str, body: bytes, api: SampleBackend, *lines: str) -> tuple[int, int]:
    """Nano-USD and tokens that are held for one request."""
    sample, held = SAMPLES[name], [0, 0]

    async def look(asked: Asked) -> Reply:
        [hold] = gateway.ledger.holds.values()
        held[:] = hold.hold.cost, hold.hold.input + hold.hold.output
        return whole(sample)

    api.reply = look
    assert (await ask(gateway.port, sample, body, *lines)).status == 200
    await at_rest(gateway)
    return held[0], held[1]
