"""An answer that breaks off, on any surface: until its first part another backend takes over; from then on the client
has the backend's bytes as far as they came, and an end in its dialect's words for what has failed, never one that says
that all is well. It is booked, and nothing stays held."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from support.gateway import Gateway
from support.samples.backend import Reply, SampleBackend, always, streamed, whole
from support.samples.play import CLOUD_FIRST, OPEN, Got, ask, at_rest
from support.samples.sample import Sample
from support.waiting import until

from router.core.values import Route
from router.surfaces.base import Surface
from router.surfaces.sse import EventScanner

INPUT, OUTPUT = 11, 7


def seen_by_a_client(surface: Surface, sample: Sample, route: Route, body: bytes) -> EventScanner:
    scanner = surface.scanner(surface.read_as(sample.stream(), sample.content_type), route)
    scanner.feed(body)
    return scanner


def route_of(gateway: Gateway, backend: str) -> Route:
    return next(each for each in gateway.state.plan.models["chat"].routes if each.backend == backend)


def broken(events: tuple[bytes, ...]) -> dict[str, Reply]:
    """Three ways in which a stream is over before its end."""
    half = len(events[-1]) // 2
    return {
        "reset": streamed(events, ends=False),
        "no last event": streamed(events),
        "half an event": streamed((*events[:-1], events[-1][:half]), ends=False),
    }


async def test_a_stream_that_breaks_is_told_as_broken_and_booked(
    name: str, sample: Sample, surface: Surface, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    if sample.events is None:
        return
    gateway = await serve(OPEN)
    whole_stream = sample.events(INPUT, OUTPUT)
    api.reply = always(streamed(whole_stream))
    for after in range(1, len(whole_stream)):
        for how, reply in broken(whole_stream[:after]).items():
            gpu.reply = always(reply)
            before = errors_in(gateway)
            got = await ask(gateway.port, sample, sample.stream())
            await at_rest(gateway)
            came = after - (how == "half an event")
            if came <= sample.signs:
                assert (got.backend, got.ended) == ("api", True), (after, how, got)
                assert got.body == b"".join(whole_stream)
                continue
            passed = b"".join(whole_stream[:came])
            assert got.backend == "gpu"
            assert got.body.startswith(passed), (after, how, got)
            if sample.tail and came >= len(whole_stream) - sample.tail:
                assert got.body == passed, f"{name}: something was put behind a whole answer: {got.body!r}"
                continue
            assert sample.end not in got.body, f"{name}: an end was invented after {after} events ({how}): {got.body!r}"
            assert seen_by_a_client(surface, sample, route_of(gateway, "gpu"), got.body).error, (after, how, got)
            assert errors_in(gateway) == before + 1, f"{name}: it is not booked as failed"


def errors_in(gateway: Gateway) -> int:
    return sum(row.errors for row in gateway.rows() if row.cell.backend == "gpu")


async def test_a_failure_of_the_backends_own_is_the_end(
    name: str, sample: Sample, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    if sample.events is None:
        return
    gateway = await serve(OPEN)
    begun = sample.events(INPUT, OUTPUT)[: sample.signs + 1]
    gpu.reply = always(streamed((*begun, sample.failure)))
    got = await ask(gateway.port, sample, sample.stream())
    await at_rest(gateway)
    assert got.status == 200 and got.body.startswith(b"".join(begun)) and sample.end not in got.body
    assert not api.asked and errors_in(gateway) == 1


async def test_a_failure_before_the_first_part_is_another_backends_turn(
    name: str, sample: Sample, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    if sample.events is None:
        return
    gateway = await serve(OPEN)
    events = sample.events(INPUT, OUTPUT)
    gpu.reply, api.reply = always(streamed((*events[: sample.signs], sample.failure))), always(streamed(events))
    got = await ask(gateway.port, sample, sample.stream())
    assert (got.backend, got.body) == ("api", b"".join(events))


async def test_a_client_that_leaves_is_booked(
    name: str, sample: Sample, surface: Surface, serve, gpu: SampleBackend
) -> None:
    """What was produced for it counts, reported or estimated, and nothing stays held."""
    if sample.events is None:
        return
    gateway = await serve(OPEN)
    events = sample.events(INPUT, OUTPUT)
    for after in range(sample.signs + 1, len(events)):
        gate = asyncio.Event()
        gpu.reply = _paused(events[:after], gate)
        requests = sum(row.requests for row in gateway.rows())
        body = sample.stream()
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        head = f"POST {surface.paths[0]} HTTP/1.1\r\nhost: x\r\ncontent-type: {sample.content_type}\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(20):
            await reader.readuntil(b"\r\n\r\n")
            await reader.read(1)
        writer.transport.abort()
        await until(lambda requests=requests: sum(row.requests for row in gateway.rows()) == requests + 1)
        await at_rest(gateway)
        gate.set()


def _paused(events: tuple[bytes, ...], gate: asyncio.Event):
    async def reply(asked: object) -> Reply:
        return Reply(events, media_type="text/event-stream", chunked=True, waits=gate)

    return reply


async def test_an_answer_that_breaks_off_is_none(
    name: str, sample: Sample, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    gateway = await serve(OPEN)
    api.reply = always(whole(sample))
    said = sample.answer(INPUT, OUTPUT)
    dice = random.Random(name)
    for size in {0, 1, len(said) - 1, *(dice.randrange(len(said)) for _ in range(5))}:
        gpu.reply = always(Reply((said[:size],), media_type=sample.media_type, short=len(said) - size))
        got = await ask(gateway.port, sample, sample.body())
        await at_rest(gateway)
        if sample.media_type == "application/json" or size == 0:
            assert (got.status, got.backend, got.body) == (200, "api", said), (size, got)
        else:  # bytes that have begun to pass: they show as cut, and no word is put into them
            assert (got.backend, got.ended) == ("gpu", False) and said.startswith(got.body), (size, got)


@pytest.mark.parametrize("seed", range(3))
async def test_streams_pass_however_they_are_cut(
    name: str, sample: Sample, serve, api: SampleBackend, seed: int
) -> None:
    if sample.events is None:
        return
    gateway = await serve(CLOUD_FIRST)
    data = b"".join(sample.events(INPUT, OUTPUT))
    dice = random.Random(f"{name} {seed}")
    cuts = sorted({0, len(data), *(dice.randrange(len(data)) for _ in range(dice.randrange(30)))})
    api.reply = always(streamed([data[a:b] for a, b in pairwise(cuts)]))
    got: Got = await ask(gateway.port, sample, sample.stream())
    assert (got.status, got.ended, got.body) == (200, True, data)
    await at_rest(gateway)
    [row] = gateway.rows()
    assert (row.output, row.errors, row.estimated) == (OUTPUT, 0, 0)
