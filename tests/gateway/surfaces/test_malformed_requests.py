"""What cannot be served, on any surface: an answer 4xx in its dialect's shape, no crash, no word of the request; and
the gateway goes on serving."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from support.gateway import Gateway
from support.samples.backend import SampleBackend, always, whole
from support.samples.play import CLOUD_FIRST, ask
from support.samples.sample import BOUNDARY, File, Sample

WORD = "kanarek"
WRONG: tuple[Any, ...] = (None, True, 7, -1.5, 1e400, "", WORD, [], [[]], [None], {}, {"type": 7}, {"a": {"a": [{}]}})
"""In place of any value."""


def malformed(sample: Sample) -> Iterator[tuple[str, bytes, int]]:
    """Bodies that no surface takes, and the status."""
    good = sample.body(text=WORD)
    yield "no body", b"", 400
    yield "another kind of body", WORD.encode(), 400
    yield "cut off", good[:-5], 400
    yield "not UTF-8", good.replace(b'"chat"', b'"ch\xff\xfe"').replace(b"\r\nchat\r\n", b"\r\nch\xff\xfe\r\n"), 400
    yield "a model that is empty", sample.body(text=WORD, model=""), 400
    yield "an unknown model", sample.body(text=WORD, model=f"{WORD}-99"), 404
    if sample.form:
        yield "no form", json.dumps({"model": "chat", "prompt": WORD}).encode(), 400
        yield "the model twice", good.replace(f"--{BOUNDARY}--".encode(), _again(good)), 400
        yield "bytes behind its end", good + WORD.encode(), 400
        return
    yield "a list", b"[]", 400
    yield "a model that is a number", sample.body(text=WORD, model=7), 400  # type: ignore[arg-type]
    yield "nested too deep", good[:-1] + b',"x_deep":' + b"[" * 5_000, 400
    yield "the model twice", good[:-1] + b',"model":"chat"}', 400


def _again(good: bytes) -> bytes:
    head, _, rest = good.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + rest.partition(b"\r\n")[0] + f"\r\n--{BOUNDARY}--".encode()


async def refused(gateway: Gateway, sample: Sample, what: str, body: bytes) -> int:
    got = await ask(gateway.port, sample, body)
    assert got.status == 200 or 400 <= got.status < 500, (what, got)
    if got.status != 200:
        assert got.headers["content-type"] == "application/json", (what, got)
        assert sample.error(json.loads(got.body)), f"{sample.surface}: {what}: not its dialect's error: {got.body!r}"
        assert b"Traceback" not in got.body
    return got.status


async def test_gets_an_error_in_its_dialect(
    name: str, sample: Sample, serve, gpu: SampleBackend, api: SampleBackend, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await serve(CLOUD_FIRST)
    api.reply = always(whole(sample))
    for what, body, status in malformed(sample):
        assert await refused(gateway, sample, what, body) == status, what
    assert not api.asked and not gpu.asked
    assert (await ask(gateway.port, sample, sample.body())).status == 200
    assert "Traceback" not in caplog.text and WORD not in caplog.text.replace(f"{WORD}-99", "")


async def test_any_value_in_any_place_is_taken_or_refused_and_nothing_breaks(
    name: str, sample: Sample, serve, gpu: SampleBackend, api: SampleBackend, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong beyond what a decision needs is for the provider to judge; here it takes all."""
    gateway = await serve(CLOUD_FIRST)
    gpu.reply = api.reply = always(whole(sample))
    requests = 0
    with caplog.at_level(logging.ERROR):
        for body in dict.fromkeys(_spoiled(sample)):
            await refused(gateway, sample, body.decode(errors="replace")[:300], body)
            requests += 1
    assert not [record for record in caplog.records if record.exc_info], caplog.text
    print(f"{name}: {requests} requests")


def _spoiled(sample: Sample) -> Iterator[bytes]:
    kinds = {**sample.places, **sample.unreadable, **sample.references}
    for number, kind in enumerate(kinds):
        fields = {"model": "chat", **kinds[kind]}
        for place, path in enumerate(_paths(fields)):
            for turn in range(2):
                wrong = WRONG[(number + 3 * place + 7 * turn) % len(WRONG)]
                yield sample.encode(_with(fields, path, wrong))


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in pairs:
        yield (*at, name)
        yield from _paths(each, (*at, name))


def _with(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    if isinstance(value, File):
        return value
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], wrong)
    return copy
