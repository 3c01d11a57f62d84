"""A client that changes its base URL and nothing else sees the same: of every recorded request a backend gets the
client's bytes but for the model's name, and the client the backend's, streamed however that is cut, and not."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import pairwise

from support.samples.backend import Reply, SampleBackend, always
from support.samples.play import CLOUD_FIRST, ask
from support.samples.sample import Sample

from router.gateway.headers import TO_CLIENT
from router.surfaces.base import PREFIX, Surface
from router.surfaces.headers import FROM_BACKEND_PREFIXES

LINES = (
    "x-ratelimit-remaining-requests: 7\r\nanthropic-ratelimit-tokens-remaining: 9\r\nopenai-processing-ms: 5\r\n"
    "set-cookie: a=b\r\nserver: secret/1\r\nx-amz-cf-id: 1\r\nx-request-id: upstream-1\r\n"
)
WORDS = "Größe ❤ </x>"
OURS = re.compile(
    r"x-breakeven-.+|x-request-id|request-id|x-upstream-request-id|date|connection|content-length|.*encoding"
)


def recorded(sample: Sample) -> Iterator[tuple[bytes, bool]]:
    """Requests, and whether each asks for a stream."""
    for kind in (*sample.places, *sample.unreadable):
        yield sample.body(kind, WORDS), False
        if sample.events is not None:
            yield sample.stream(kind, WORDS), True


def cut(data: bytes, dice: random.Random) -> tuple[bytes, ...]:
    places = sorted({0, len(data), *(dice.randrange(len(data)) for _ in range(dice.randrange(8)))})
    return tuple(data[a:b] for a, b in pairwise(places))


def answers(sample: Sample, stream: bool, dice: random.Random) -> Iterator[Reply]:
    """As they come from providers: whole, chunked, and with errors of which the client has to be told."""
    if stream and sample.events is not None:
        data = b"".join(sample.events(11, 7))
        yield Reply(cut(data, dice), media_type="text/event-stream", chunked=True, lines=LINES)
        return
    said = sample.answer(11, 7)
    yield Reply((said,), media_type=sample.media_type, lines=LINES)
    yield Reply(cut(said, dice), media_type=sample.media_type, chunked=True, lines=LINES)


async def test_both_sides_get_each_others_bytes(
    name: str, sample: Sample, surface: Surface, serve, api: SampleBackend
) -> None:
    gateway = await serve(CLOUD_FIRST)
    at = api.url.removesuffix(PREFIX).rsplit(":", 1)[1]
    behind = surface.path if surface.at_root else PREFIX + surface.path
    dice, requests = random.Random(name), 0
    for body, stream in recorded(sample):
        for reply in answers(sample, stream, dice):
            api.reply = always(reply)
            named = body.replace(b'"chat"', b'"gpt-4o-mini"', 1).replace(b"\r\nchat\r\n", b"\r\ngpt-4o-mini\r\n", 1)
            direct = await ask(int(at), sample, named, path=behind)
            through = await ask(gateway.port, sample, body)
            assert through.status == direct.status == 200, (name, through)
            told, passed = api.asked[-2:]
            assert (passed.body, passed.path) == (told.body, told.path), f"{name}: the backend got other bytes"
            assert passed.headers["content-type"] == told.headers["content-type"]
            assert (through.status, through.body, through.ended) == (direct.status, direct.body, True), name
            check_headers(direct.headers, through.headers)
            requests += 2
    print(f"{name}: {requests} requests")


async def test_an_error_for_the_client_is_the_backends(
    name: str, sample: Sample, surface: Surface, serve, api: SampleBackend
) -> None:
    gateway = await serve(CLOUD_FIRST)
    for status in (400, 422):
        said = surface.error(status, "invalid_value", "Nobody takes that.", "x", None, "upstream-1")
        api.reply = always(Reply((said,), status=status, lines=LINES))
        got = await ask(gateway.port, sample, sample.body())
        assert (got.status, got.body, got.backend) == (status, said, "api")


def check_headers(direct: dict[str, str], through: dict[str, str]) -> None:
    """What passes is on the list, as it came; all else is the gateway's own."""
    passes = {name for name in direct if name.encode() in TO_CLIENT or name.encode().startswith(FROM_BACKEND_PREFIXES)}
    for header in passes:
        assert through[header] == direct[header]
    strange = {header for header in through.keys() - passes if not OURS.fullmatch(header)}
    assert not strange, strange
    assert through["x-upstream-request-id"] == "upstream-1"
