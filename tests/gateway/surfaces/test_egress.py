"""What may not leave does not, on any surface: a card in every place where text may stand, what no detector reads, what
is called restricted, and what continues something restricted, however the own backend fails meanwhile."""

from __future__ import annotations

import itertools
import logging

import pytest
from support.gateway import Gateway
from support.samples.backend import RESET, Reply, SampleBackend, always, streamed, whole
from support.samples.play import OPEN, SEALED, Got, ask, at_rest
from support.samples.sample import SAID, Sample

from router.core.pins import Pin
from router.surfaces.base import Surface

CANARY = "kanarek"
CARD = f"{CANARY} 4111 1111 1111 1111 {CANARY}"
RESTRICTED = "x-breakeven-sensitivity: restricted"
KEPT = "kept_1"


def faults(sample: Sample, elsewhere: str) -> tuple[Reply, ...]:
    """What an own backend may do in place of an answer, of which most have another backend tried."""
    broken = (
        () if sample.events is None else (streamed(sample.events(1, 1)[:1], ends=False), streamed([sample.failure]))
    )
    return (
        Reply(status=503),
        RESET,
        Reply((b"<html>",), media_type="text/html"),
        Reply((b"{",), short=50),
        Reply(status=307, lines=f"location: {elsewhere}/chat/completions\r\n"),
        Reply(
            (b'{"error": {"message": "Full.", "code": "rate_limit_exceeded"}}',),
            status=429,
            lines="retry-after-ms: 1\r\n",
        ),
        *broken,
    )


def bodies(sample: Sample, kind: str, text: str) -> list[bytes]:
    made = [sample.body(kind, text)]
    return made if sample.events is None else [*made, sample.stream(kind, text)]


async def test_nothing_restricted_leaves(
    name: str,
    sample: Sample,
    serve,
    gpu: SampleBackend,
    api: SampleBackend,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = await serve()
    replies = itertools.cycle(faults(sample, api.url))

    async def fail(asked: object) -> Reply:
        return next(replies)

    gpu.reply, api.reply = fail, always(whole(sample))
    sent: list[tuple[str, bytes, tuple[str, ...]]] = []
    for place in sample.places:
        sent += [(place, body, ()) for body in bodies(sample, place, CARD)]
    for kind in sample.unreadable:
        sent += [(kind, body, (f"user-agent: {CANARY}",)) for body in bodies(sample, kind, CANARY)]
    sent += [("label", body, (RESTRICTED,)) for body in bodies(sample, "", CANARY)]
    with caplog.at_level(logging.DEBUG):
        for what, body, lines in sent:
            before = len(gpu.asked)
            got = await ask(gateway.port, sample, body, *lines)
            assert got.status != 500, (what, got)
            assert not api.received, f"{name}: the cloud received the {what}: {bytes(api.received)!r}"
            assert len(gpu.asked) > before, f"{name}: the {what} did not even reach the own backend: {got}"
    await at_rest(gateway)
    assert f"{CANARY} " in repr(bytes(gpu.received))
    assert CANARY not in repr(gateway.ledger.records) + caplog.text
    print(f"{name}: {len(sent)} requests")


async def test_the_same_leaves_where_it_may(
    name: str, sample: Sample, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    """A cloud that never gets anything proves nothing."""
    gateway = await serve(OPEN)
    api.reply = always(whole(sample))
    for kind in (*sample.places, *sample.unreadable):
        got = await ask(gateway.port, sample, sample.body(kind, CANARY))
        assert (got.status, got.backend) == (200, "api"), (kind, got)
        assert got.body == sample.answer(11, 7)
    assert CANARY.encode() in api.received and SAID.encode() in got.body


async def test_what_a_provider_sealed_opens_the_way_for_nothing_else(
    name: str, sample: Sample, surface: Surface, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    gateway = await serve(SEALED)
    api.reply = gpu.reply = always(whole(sample))
    for kind in sample.unreadable:
        body = sample.body(kind, CANARY)
        home = bool(surface.read_as(body, sample.content_type).unreadable)
        assert (await ask(gateway.port, sample, body)).backend == ("gpu" if home else "api"), kind
        assert (await ask(gateway.port, sample, body, RESTRICTED)).backend == "gpu", kind


async def test_what_continues_something_restricted_stays_with_it(
    name: str, sample: Sample, surface: Surface, serve, gpu: SampleBackend, api: SampleBackend
) -> None:
    gateway = await serve(OPEN)
    api.reply = always(whole(sample))
    for kind in sample.references:
        for body in bodies(sample, kind, KEPT):
            assert surface.read_as(body, sample.content_type).refers_to == (KEPT,)
            keep(gateway, Pin("gpu", identity(gateway, "gpu"), "", "default", "anonymous", ("restricted",)))
            refused_by(await ask(gateway.port, sample, body), "gpu", kind)
            keep(gateway, Pin("api", identity(gateway, "api"), "", "default", "anonymous", ("restricted",)))
            assert (await ask(gateway.port, sample, body)).status >= 400
            keep(gateway, Pin("gpu", identity(gateway, "gpu"), "", "another team", "k", ("public",)))
            before = len(gpu.asked)
            got = await ask(gateway.port, sample, body)
            assert 400 <= got.status < 500 and len(gpu.asked) == before, (kind, got)
    assert not api.received


def keep(gateway: Gateway, pin: Pin) -> None:
    gateway.ledger.pins.pins[KEPT] = pin


def identity(gateway: Gateway, backend: str) -> str:
    [replica] = gateway.fleet.backends[backend].replicas
    return str(replica.identity)


def refused_by(got: Got, backend: str, kind: str) -> None:
    assert (got.status, got.backend) == (503, backend), (kind, got)
