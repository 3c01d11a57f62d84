"""The same where the adapter carries it: nothing restricted is handed to it for a cloud, and what it breaks off has no
end that nobody wrote, whichever surface it is asked for and whoever's dialect it brings that into."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from support.gateway import Clock, Gateway, start_gateway, stop_gateway
from support.samples.backend import Asked, Reply, SampleBackend, always, streamed, whole
from support.samples.play import POLICY, ask, at_rest
from support.samples.sample import Sample

from router.core.backend_kinds import LitellmBackend
from tests.gateway.surfaces.conftest import Serve
from tests.gateway.surfaces.test_cut_streams import (
    test_a_failure_before_the_first_part_is_another_backends_turn,
    test_a_failure_of_the_backends_own_is_the_end,
    test_a_stream_that_breaks_is_told_as_broken_and_booked,
)
from tests.gateway.surfaces.test_egress import CANARY, CARD, RESTRICTED, bodies, faults

__all__ = [
    "test_a_failure_before_the_first_part_is_another_backends_turn",
    "test_a_failure_of_the_backends_own_is_the_end",
    "test_a_stream_that_breaks_is_told_as_broken_and_booked",
]

THROUGH = "[chat, embeddings, messages, responses]"
WAYS: Mapping[str, tuple[str, str, str]] = {
    "to OpenAI": ("litellm", "openai/", THROUGH),
    "to Claude": ("litellm", "anthropic/", THROUGH),
    "from OpenAI": ("openai", "", "[chat, embeddings]"),
    "from Claude": ("anthropic", "", "[messages]"),
}
"""The kind of both backends, how their models' names begin, and what they speak themselves."""


def applies(name: str) -> bool:
    return name in LitellmBackend.default_endpoints


def adapted(policy: str, way: str) -> str:
    kind, prefix, endpoints = WAYS[way]
    at = "api_base" if kind == "litellm" else "url"
    policy = policy.replace("kind: openai, url: ", f"kind: {kind}, {at}: ").replace("{model: ", f"{{model: {prefix}")
    return re.sub(r"endpoints: \[[^]]*\]", f"endpoints: {endpoints}", policy)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def serve(tmp_path: Path, gpu: SampleBackend, api: SampleBackend, way: str) -> AsyncIterator[Serve]:
    """Its adapter hands on what it is given to the backend that it is for, word by word."""
    backends = {"gpu": gpu, "api": api}

    async def hand_on(asked: Asked) -> Reply:
        backend = backends[asked.path.split("/")[1]]
        backend.received += asked.head.encode() + asked.body
        backend.asked.append(asked)
        return await backend.reply(asked)

    adapter, socket = SampleBackend(hand_on), str(tmp_path / "adapter")
    await adapter.start(socket)
    started: list[Gateway] = []

    async def start(policy: str = POLICY) -> Gateway:
        urls = {name: backend.url for name, backend in backends.items()}
        started.append(await start_gateway(tmp_path, adapted(policy, way), urls, Clock(), socket))
        return started[-1]

    yield start
    for gateway in started:
        await stop_gateway(gateway)
    await adapter.stop()


async def test_nothing_restricted_is_handed_to_it_for_a_cloud(
    name: str, sample: Sample, serve, way: str, gpu: SampleBackend, api: SampleBackend, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await serve()
    replies = itertools.cycle(faults(sample, api.url))

    async def fail(asked: object) -> Reply:
        return next(replies)

    gpu.reply, api.reply = fail, always(whole(sample))
    sent = [(place, body, "x-a: b") for place in sample.places for body in bodies(sample, place, CARD)]
    sent += [(kind, body, "x-a: b") for kind in sample.unreadable for body in bodies(sample, kind, CANARY)]
    sent += [("label", body, RESTRICTED) for body in bodies(sample, "", CANARY)]
    with caplog.at_level(logging.DEBUG):
        for what, body, line in sent:
            got = await ask(gateway.port, sample, body, line)
            assert got.status != 500, (what, got)
            assert not api.received, f"{name}: the cloud's adapter received the {what}: {bytes(api.received)!r}"
    await at_rest(gateway)
    assert CANARY.encode() in gpu.received or (name == "embeddings" and "Claude" in way)
    assert CANARY not in repr(gateway.ledger.records) + caplog.text


async def test_the_same_is_where_it_may(
    name: str, sample: Sample, serve, way: str, gpu: SampleBackend, api: SampleBackend
) -> None:
    """A cloud that never gets anything proves nothing."""
    gateway = await serve()
    for stream in (False, True)[: 1 + (sample.events is not None)]:
        api.reply = always(streamed(sample.events(11, 7)) if stream and sample.events else whole(sample))
        got = await ask(gateway.port, sample, sample.stream(text=CANARY) if stream else sample.body(text=CANARY))
        if name == "embeddings" and "Claude" in way and got.status >= 400:
            assert not gpu.asked and not api.asked  # which has none
        else:
            assert (got.status, got.backend) == (200, "api"), got
    assert name == "embeddings" or CANARY.encode() in api.received
