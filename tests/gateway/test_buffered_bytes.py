"""What one worker keeps of requests, and that it lets go of all of it."""

from __future__ import annotations

import asyncio
import json

from support.gateway import POLICY
from support.streams import opened, received
from support.waiting import until

from router.gateway.buffered_bytes import SMALL, BufferedBytes

SMALL_BOUND = POLICY + "server: {max_held_bytes: 400000, max_body_bytes: 300000}\n"
ASK = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def head(length: int, *lines: str) -> bytes:
    more = "".join(f"{line}\r\n" for line in lines)
    return f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{more}\r\n".encode()


def test_an_eighth_is_kept_back_for_small_requests():
    held = BufferedBytes(800_000)
    assert held.fits(700_000) and not held.fits(700_001)
    held.bytes = 700_001
    assert held.full(SMALL + 1) and not held.full(SMALL) and held.fits(SMALL)
    held.bytes = 800_001
    assert held.full(1)


async def test_what_does_not_fit_is_refused_by_its_head_and_small_requests_go_on(serve):
    gateway = await serve(SMALL_BOUND)
    _, first = await opened(gateway.port)
    first.write(head(300_000) + b" " * 299_000)
    await until(lambda: gateway.service.held.bytes > 299_000)
    reader, second = await opened(gateway.port)
    second.write(head(200_000))
    status, headers, body = await received(reader)
    assert (status, json.loads(body)["error"]["code"]) == (503, "too_much_held")
    assert headers["retry-after"] == "1" and "max_held_bytes" in json.loads(body)["error"]["message"]
    assert (await gateway.post(ASK))[0] == 200
    first.close()
    await until(lambda: not gateway.service.held.bytes)


async def test_chunks_that_do_not_fit_are_refused_when_they_come(serve):
    gateway = await serve(POLICY + "server: {max_held_bytes: 200000}\n")
    reader, writer = await opened(gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(30):
        writer.write(b"2710\r\n" + b" " * 10_000 + b"\r\n")
    status, _, body = await received(reader)
    assert (status, json.loads(body)["error"]["code"]) == (503, "too_much_held")
    await until(lambda: not gateway.service.held.bytes)


async def test_every_way_that_a_request_ends_lets_go_of_what_it_held(serve):
    gateway = await serve(SMALL_BOUND)
    body = json.dumps(ASK).encode()
    ways = [
        head(len(body)) + body,
        head(len(body), "connection: close") + body,
        (head(len(body)) + body) * 3,
        head(5) + b"hello",
        head(200_000) + b" " * 100_000,
        head(400_000),
        head(len(body)) + body + b"\0\0\0",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n" + b" " * 50_000,
        head(len(body), "transfer-encoding: chunked"),
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ]
    for pause in (0.0, 0.05):
        for sent in ways:
            _, writer = await opened(gateway.port)
            writer.write(sent)
            await asyncio.sleep(pause)
            writer.close()
    await until(lambda: not gateway.service.clients)
    assert gateway.service.held.bytes == 0
