"""Answers that are too large, and that nothing of an exchange stays once it is over."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter

import pytest
from support.gateway import POLICY
from support.scripted import DONE, answer, completion, event, raw, silence, stream
from support.streams import opened
from support.waiting import until

from router.gateway.context import RequestContext
from router.gateway.forward_request import Attempt, ForwardRequest
from router.gateway.http_connection import Client
from router.gateway.request import Request
from router.gateway.upstream_response import UpstreamResponse
from router.upstream.connection import Connection

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}
SMALL = POLICY + "server: {max_answer_bytes: 100000}\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
LARGE = completion("x" * 200_000)


def endless(head: bytes, part: bytes):
    """Writes until the other side closes, and says so."""
    closed = asyncio.Event()

    async def behave(reader, writer, request):
        writer.write(head)
        try:
            while True:
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            closed.set()

    return behave, closed


CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
CHUNK = b"2710\r\n" + b" " * 10_000 + b"\r\n"
TOO_LARGE = {
    "announced": raw(HEAD + b"content-length: 9999999\r\n\r\n{", close=False),
    "whole": answer(200, LARGE),
    "an error": answer(500, LARGE),
    "a stream's first event": stream(event("x" * 200_000)),
}


@pytest.mark.parametrize("fault", TOO_LARGE.values(), ids=TOO_LARGE.keys())
async def test_an_answer_that_is_too_large_is_asked_for_elsewhere(serve, backends, fault):
    gateway = await serve(SMALL)
    backends["gpu"].default = fault
    status, headers, body = await gateway.post(ASK)
    assert (status, body, headers["x-breakeven-backend"]) == (200, completion(), "api")
    assert "the answer is too large" in headers["x-breakeven-reason"]


async def test_where_there_is_no_other_backend_it_is_said_what_to_do(serve, backends):
    gateway = await serve(SMALL)
    backends["gpu"].default = answer(200, LARGE)
    status, _, body = await gateway.post(RESTRICTED)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (502, "answer_too_large")
    assert "server.max_answer_bytes" in error["message"]


async def test_its_connection_is_closed_as_soon_as_that_is_known(serve, backends):
    gateway = await serve(SMALL)
    behave, closed = endless(CHUNKED, CHUNK)
    backends["gpu"].default = behave
    assert (await gateway.post(RESTRICTED))[0] == 502
    async with asyncio.timeout(10):
        await closed.wait()


async def test_a_long_stream_is_no_large_answer(serve, backends):
    gateway = await serve(SMALL)
    backends["gpu"].default = stream(*[event("x" * 1000)] * 300, event(None, "stop"), DONE)
    status, _, body = await gateway.post(ASK | {"stream": True})
    assert status == 200 and body.endswith(DONE) and len(body) > 300_000


# --- nothing stays


PATHS = {
    "an answer": answer(),
    "a stream": stream(event("Paris"), event(None, "stop"), DONE),
    "reset before the head": raw(b""),
    "silence": silence(),
    "garbage": raw(b"\x00\x01\x02 this is not HTTP\r\n\r\n"),
    "a body shorter than announced": raw(HEAD + b"content-length: 500\r\n\r\n{}"),
    "too large": answer(200, LARGE),
    "too large, announced": raw(HEAD + b"content-length: 9999999\r\n\r\n{", close=False),
    "an empty stream": stream(),
    "a stream that begins with an error": stream(b'data: {"error":{"message":"no"}}\n\n'),
    "a stream that breaks off": stream(event("Paris"), ends=False),
    "a stream cut short": stream(event("Paris")),
    "429": answer(429, b"{}"),
    "500": answer(500, b"{}"),
    "400": answer(400, b"{}"),
    "our key refused": answer(401, b"{}"),
}
OURS = (RequestContext, Client, Connection, UpstreamResponse, ForwardRequest, Request, Attempt)


def alive() -> Counter[str]:
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, OURS))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
async def test_nothing_is_left_for_the_garbage_collector(serve, backends, path, streamed):
    """A worker looks for cycles rarely: what is part of one stays for hours, with its body and its answer."""
    quick = SMALL.replace("1s, idle_timeout: 1s", "100ms, idle_timeout: 100ms").replace(
        "deadline: 5s", "deadline: 400ms"
    )
    gateway = await serve(quick)
    backends["gpu"].default = backends["api"].default = path
    for ask in (ASK, RESTRICTED):
        await gateway.post(ask | {"stream": streamed})
    await until(lambda: not gateway.service.clients)
    await asyncio.sleep(0.01)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        for _ in range(3):
            for ask in (ASK, RESTRICTED):
                await gateway.post(ask | {"stream": streamed})
        await until(lambda: not gateway.service.clients)
        await until(lambda: alive() <= before)
    finally:
        gc.enable()


async def test_nothing_is_left_of_clients_that_leave(serve, backends):
    gateway = await serve(SMALL)
    backends["gpu"].default = backends["api"].default = silence()
    body = json.dumps(ASK).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        for sent in (head, head + body[:5], head + body, head + body + b"\0", b"\0\0\0\r\n\r\n", b"GET"):
            _, writer = await opened(gateway.port)
            writer.write(sent)
            await asyncio.sleep(0.02)
            writer.close()
        await until(lambda: not gateway.service.clients)
        await until(lambda: alive() <= before)
    finally:
        gc.enable()
