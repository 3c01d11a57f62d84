"""A request's head is judged before its body is read; every answer comes in its turn."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from hashlib import sha256

import pytest
from support.gateway import POLICY
from support.scripted import answer
from support.streams import opened, received
from support.waiting import until

from router.config.load import load
from router.gateway import http_connection as http

KEY = "bk-test-key"
KEYS = f'keys: [{{name: app, sha256: "{sha256(KEY.encode()).hexdigest()}"}}]\n'
BODY = b'{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
CHAT = "/v1/chat/completions"


def head(length: int | None, *lines: str, key: str = KEY, path: str = CHAT) -> bytes:
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    more = "".join(f"{line}\r\n" for line in (framing, f"authorization: Bearer {key}", *lines))
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n".encode()


def code(body: bytes) -> str:
    return json.loads(body)["error"]["code"]


@pytest.fixture
async def gateway(serve):
    return await serve(POLICY + KEYS)


@pytest.mark.parametrize("length", [None, 100, 40_000_000], ids=["chunked", "short", "long"])
async def test_a_wrong_key_is_answered_before_its_body_has_come(gateway, length):
    reader, writer = await opened(gateway.port)
    writer.write(head(length, key="wrong"))
    status, headers, body = await received(reader)
    assert (status, code(body)) == (401, "invalid_api_key")
    assert (headers.get("connection") == "close") == (length != 100)
    writer.close()


async def test_bodies_of_wrong_keys_are_not_kept(gateway):
    readers = []
    for _ in range(4):
        reader, writer = await opened(gateway.port)
        writer.write(head(40_000_000, key="wrong") + b" " * 4_000_000)
        readers.append(reader)
        await writer.drain()
        assert gateway.service.held.bytes < 1000
    for reader in readers:
        assert (await received(reader))[0] == 401
    assert all(sum(map(len, client._body)) == 0 and client._long is None for client in gateway.service.clients)


async def test_no_body_is_asked_for_when_the_key_is_wrong(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(head(len(BODY), "expect: 100-continue", key="wrong"))
    assert (await received(reader))[0] == 401
    assert await reader.read() == b""
    reader, writer = await opened(gateway.port)
    writer.write(head(len(BODY), "expect: 100-continue"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert (await received(reader))[0] == 200


async def test_after_a_short_refused_body_the_connection_goes_on(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(head(len(BODY), key="wrong") + BODY[:10])
    assert (await received(reader))[0] == 401
    writer.write(BODY[10:] + head(len(BODY)) + BODY)
    assert (await received(reader))[0] == 200


async def test_refusals_come_in_their_turn(gateway, backends):
    async def slow(reader, writer, request):
        await asyncio.sleep(0.1)
        await answer()(reader, writer, request)

    backends["gpu"].script.append(slow)
    reader, writer = await opened(gateway.port)
    good, wrong = head(len(BODY)) + BODY, head(len(BODY), key="wrong") + BODY
    writer.write(good + wrong + good + head(None, key="wrong") + b"5\r\nhello\r\n")
    assert [(await received(reader))[0] for _ in range(4)] == [200, 401, 200, 401]
    assert await reader.read() == b""


async def test_what_is_no_http_is_answered_after_the_request_before_it(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(head(len(BODY)) + BODY + b"\0\0\0\r\n\r\n")
    assert (await received(reader))[0] == 200
    status, headers, body = await received(reader)
    assert (status, code(body), headers["connection"]) == (400, "malformed_http", "close")


async def test_a_body_for_nobody_is_not_read(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(head(40_000_000, path="/v1/nowhere"))
    status, _, body = await received(reader)
    assert (status, code(body)) == (404, "unknown_url")


async def test_a_key_revoked_while_the_body_came_opens_nothing(gateway, backends, tmp_path):
    reader, writer = await opened(gateway.port)
    writer.write(head(len(BODY)) + BODY[:20])
    await until(lambda: gateway.service.held.bytes)
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace(sha256(KEY.encode()).hexdigest(), sha256(b"new").hexdigest()))
    gateway.adopt(load(policy))
    writer.write(BODY[20:])
    assert (await received(reader))[0] == 401
    assert not backends["gpu"].requests


async def test_a_long_refused_body_may_be_sent_to_its_end(gateway):
    """A client that writes all before it reads still learns why: a close with unread bytes would take that along."""
    reader, writer = await opened(gateway.port)
    writer.write(head(8_000_000, key="wrong") + b" " * 8_000_000)
    await writer.drain()
    assert (await received(reader))[0] == 401


async def test_more_is_not_read_than_lingering_allows(gateway, monkeypatch):
    monkeypatch.setattr(http, "LINGER_BYTES", 1_000_000)
    _, writer = await opened(gateway.port)
    writer.write(head(None, key="wrong") + b" " * 30_000_000)
    await until(lambda: not gateway.service.clients)


async def test_a_header_that_does_not_end_is_refused(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-endless: ")
    for _ in range(16):
        await asyncio.sleep(0.01)
        writer.write(b"a" * 16_000)
    status, _, body = await received(reader)
    assert (status, code(body)) == (431, "headers_too_large")


@pytest.mark.parametrize(("size", "expected"), [(60_000, 200), (70_000, 431)])
async def test_trailers_are_bounded_as_headers(gateway, size, expected):
    reader, writer = await opened(gateway.port)
    writer.write(head(None) + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY))
    for _ in range(size // 1000):
        writer.write(b"x-more: " + b"a" * 994 + b"\r\n")
    writer.write(b"\r\n")
    assert (await received(reader))[0] == expected


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_a_head_may_come_in_many_pieces(gateway, size):
    sent = head(len(BODY), *[f"x-{n}: {'v' * 60}" for n in range(10)]) + BODY
    reader, writer = await opened(gateway.port)
    for at in range(0, len(sent), size):
        writer.write(sent[at : at + size])
        await asyncio.sleep(0)
    assert (await received(reader))[0] == 200


async def test_too_many_at_once_are_refused_after_the_others(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * (http.MOST_PIPELINED + 40))
    answers = []
    while not reader.at_eof():
        try:
            answers.append(await received(reader))
        except asyncio.IncompleteReadError:
            break
    assert {status for status, _, _ in answers[:-1]} == {200} and len(answers) > http.MOST_PIPELINED
    assert (answers[-1][0], code(answers[-1][2])) == (503, "too_many_pipelined")


H2C = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA"


def chunks(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


OFFERING = {
    "with a length": head(len(BODY), H2C) + BODY,
    "chunked": head(None, H2C) + chunks(BODY),
    "in other letters": head(len(BODY), H2C.replace("upgrade:", "UPGRADE:").replace("h2c", "H2C")) + BODY,
}


@pytest.mark.parametrize("offering", OFFERING)
@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
async def test_an_offer_of_another_protocol_is_ignored_and_its_body_kept(gateway, backends, offering, size):
    """Java's client and `curl --http2` make it on plain HTTP; however the bytes come, other requests may follow."""
    plain = head(len(BODY)) + BODY
    sent = OFFERING[offering] + plain + OFFERING[offering] + OFFERING[offering] + plain
    reader, writer = await opened(gateway.port)
    for at in range(0, len(sent), size):
        writer.write(sent[at : at + size])
        if size < 100:
            await asyncio.sleep(0)
    answers = [await received(reader) for _ in range(5)]
    assert [status for status, _, _ in answers] == [200] * 5
    assert all("upgrade" not in headers for _, headers, _ in answers)
    assert [request["messages"][0]["content"] for request in backends["gpu"].requests] == ["hi"] * 5
    assert not any("h2c" in each.lower() or "http2-settings" in each.lower() for each in backends["gpu"].heads)


async def test_an_offer_without_a_body_is_ignored_too(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(f"GET /healthz HTTP/1.1\r\nhost: x\r\n{H2C}\r\n\r\n".encode() * 2)
    assert [(await received(reader))[0] for _ in range(2)] == [200, 200]


async def test_what_is_asked_of_a_head_is_asked_of_one_with_an_offer(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(head(40_000_000, H2C, key="wrong"))
    assert (await received(reader))[0] == 401
    reader, writer = await opened(gateway.port)
    writer.write(head(len(BODY), H2C, "expect: 100-continue"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert (await received(reader))[0] == 200


async def test_offers_without_end_are_bounded_as_all_requests(gateway):
    reader, writer = await opened(gateway.port)
    writer.write(f"GET /healthz HTTP/1.1\r\nhost: x\r\n{H2C}\r\n\r\n".encode() * 2000)
    answers = []
    while not reader.at_eof():
        try:
            answers.append(await received(reader))
        except asyncio.IncompleteReadError:
            break
    assert (answers[-1][0], code(answers[-1][2])) == (503, "too_many_pipelined")


async def test_a_websocket_is_told_that_there_is_none(gateway):
    offer = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAA"
    reader, writer = await opened(gateway.port)
    writer.write(f"GET /v1/responses HTTP/1.1\r\nhost: x\r\n{offer}\r\n\r\n".encode())
    status, headers, body = await received(reader)
    assert (status, code(body), headers["connection"]) == (404, "upgrade_not_supported", "close")


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [(CHAT, "GET", "POST"), ("/v1/models", "DELETE", "GET, HEAD"), ("/healthz", "PUT", "GET, HEAD")],
)
async def test_a_method_that_will_not_do_is_told_which_will(gateway, path, method, allow):
    reader, writer = await opened(gateway.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    status, headers, _ = await received(reader)
    assert (status, headers["allow"]) == (405, allow)


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_a_body_in_tiny_chunks_takes_turns_with_others_and_no_more_memory_than_its_bytes(gateway, size):
    total, read = 600_000, 256 * 1024
    data = b"%x\r\n%b\r\n" % (size, b" " * size) * (total // size)
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(head(None))
        await until(lambda: any(each.reading_body for each in gateway.service.clients))
        [served] = gateway.service.clients
        sending = asyncio.create_task(asyncio.to_thread(client.sendall, data))
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - so much has come when the loop turns next
        grown, before = [0], 0
        async with asyncio.timeout(30):
            while before < total // size * size:
                await asyncio.sleep(0)
                grown.append(served._body_bytes - before)
                before = served._body_bytes
        await sending
        assert max(grown) <= (http.MANY_PIECES + read // (size + 5) + 1) * size
        assert sum(map(sys.getsizeof, served._body)) < 2 * total
        client.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert b" 200 OK\r\n" in await asyncio.to_thread(client.recv, 65536)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_long_body_is_put_together_as_it_comes_and_goes_on_as_it_is(gateway, backends, chunked, monkeypatch):
    """Twice on one connection, with a short one between them."""
    monkeypatch.setattr(http, "LONG_BODY", 100_000)
    text = "".join(chr(ord("a") + n % 26) for n in range(http.LONG_BODY + 12_345))
    long = BODY.replace(b"hi", text.encode())
    reader, writer = await opened(gateway.port)
    for body in (long, BODY, long):
        writer.write(head(None if chunked else len(body)))
        if chunked:
            writer.write(b"%x\r\n%b\r\n" % (len(body) // 2, body[: len(body) // 2]))
            writer.write(chunks(body[len(body) // 2 :]))
        else:
            writer.write(body[:-1])
            if body is long:
                [served] = gateway.service.clients
                await until(lambda served=served: served._body_bytes == len(long) - 1)
                assert served._long.tell() == len(long) - 1 and not served._body
            writer.write(body[-1:])
        assert (await received(reader, 60.0))[0] == 200
    assert [len(request["messages"][0]["content"]) for request in backends["gpu"].requests] == [len(text), 2, len(text)]
    assert bytes(backends["gpu"].received).count(text.encode()) == 2
    writer.close()
