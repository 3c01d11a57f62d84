"""Connections over TLS: bytes, pauses and ends are as without it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.certificates import Pair, self_signed
from support.gateway import PATIENCE, POLICY, Clock, Gateway, join_chunks, parse, start_gateway, stop_gateway
from support.scripted import DONE, ScriptedBackend, answer, completion, event, stream
from support.waiting import until

from router.gateway import http_connection as http
from router.gateway import server
from router.system.certificate import certificate_of

ASK = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
Open = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("tls"), "gateway")


@pytest.fixture
async def gateway(tmp_path: Path, pair: Pair, backends: dict[str, ScriptedBackend]) -> AsyncIterator[Gateway]:
    urls = {name: backend.url for name, backend in backends.items()}
    tls = certificate_of(str(pair.chain), str(pair.key)).context
    made = await start_gateway(tmp_path, POLICY, urls, Clock(), tls=tls)
    yield made
    await stop_gateway(made)


async def opened(gateway: Gateway, pair: Pair) -> Open:
    return await asyncio.open_connection("127.0.0.1", gateway.port, ssl=pair.trusted())


def posted(body: bytes, *lines: str) -> bytes:
    head = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"content-length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


async def answered(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One answer with a length, on a connection that goes on."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    status, headers, _ = parse(head)
    return status, headers, await reader.readexactly(int(headers["content-length"]))


async def test_requests_follow_each_other_on_one_connection(gateway, pair, backends):
    reader, writer = await opened(gateway, pair)
    for _ in range(3):
        writer.write(posted(json.dumps(ASK | {"stream": False}).encode()))
        assert (await answered(reader))[0] == 200
    writer.close()


async def opened_narrow(gateway: Gateway, pair: Pair) -> Open:
    """Of a client whose system keeps little for it."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    narrow.connect(("127.0.0.1", gateway.port))
    narrow.setblocking(False)
    return await asyncio.open_connection(sock=narrow, ssl=pair.trusted(), server_hostname="localhost")


async def test_who_reads_slowly_gets_every_byte_and_holds_the_backend_back(gateway, pair, backends):
    events = [*[event("x" * 60_000) for _ in range(200)], event(None, "stop")]
    backends["gpu"].default = stream(*events, DONE)
    reader, writer = await opened_narrow(gateway, pair)
    writer.write(posted(json.dumps(ASK).encode()))
    await until(lambda: any(client.stalled_since for client in gateway.service.clients), 20)
    [client] = gateway.service.clients
    assert client.busy
    received = bytearray()
    while not received.endswith(b"0\r\n\r\n"):
        received += await asyncio.wait_for(reader.read(1 << 20), PATIENCE)
    assert join_chunks(bytes(received).partition(b"\r\n\r\n")[2]) == b"".join((*events, DONE))
    assert not client.stalled_since
    writer.close()


async def test_a_connection_that_closes_waits_until_its_answer_was_read(gateway, pair, backends, monkeypatch):
    """However little of it fits into the systems between."""
    monkeypatch.setattr(http, "PARTING_SECONDS", 0.1)
    whole = completion("x" * 12_000_000)
    backends["gpu"].default = answer(200, whole)
    reader, writer = await opened_narrow(gateway, pair)
    writer.write(posted(json.dumps(ASK | {"stream": False}).encode(), "connection: close"))
    await until(lambda: gateway.service.clients and not any(client.busy for client in gateway.service.clients), 20)
    await asyncio.sleep(0.5)  # several times as long as a client is waited for that has everything
    assert (await answered(reader))[2] == whole
    await until(lambda: not gateway.service.clients)
    writer.close()


async def test_a_client_that_leaves_ends_its_request(gateway, pair, backends):
    backends["gpu"].default = stream(*[event("x")] * 1_000, gap=0.02)
    reader, writer = await opened(gateway, pair)
    writer.write(posted(json.dumps(ASK).encode()))
    await reader.readuntil(b"data: ")
    writer.transport.abort()
    await until(lambda: not gateway.service.clients)


async def test_a_long_body_that_is_refused_does_not_take_the_answer_along(gateway, pair):
    reader, writer = await opened(gateway, pair)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000000\r\n\r\n" + b"x" * 4_000_000
    )
    status, headers, body = await answered(reader)
    assert (status, headers["connection"]) == (413, "close") and json.loads(body)["error"][
        "code"
    ] == "request_too_large"
    writer.close()
    await until(lambda: not gateway.service.clients)


async def test_a_connection_that_idles_ends_although_its_client_does_not_look(gateway, pair):
    """As pools of blocking clients do not."""
    loop = asyncio.get_running_loop()

    def ask_and_idle() -> ssl.SSLSocket:
        made = pair.trusted().wrap_socket(
            socket.create_connection(("127.0.0.1", gateway.port)), server_hostname="localhost"
        )
        made.sendall(HEALTH)
        assert made.recv(4096).startswith(b"HTTP/1.1 200")
        return made

    pooled = await loop.run_in_executor(None, ask_and_idle)
    began = time.monotonic()
    await gateway.server.drain(30.0)
    assert time.monotonic() - began < 10 and not gateway.service.clients
    pooled.close()


async def test_a_drain_lets_streams_end(gateway, pair, backends):
    events = [*[event(f"{number}") for number in range(20)], event(None, "stop")]
    backends["gpu"].default = stream(*events, DONE, gap=0.05)
    reader, writer = await opened(gateway, pair)
    writer.write(posted(json.dumps(ASK).encode()))
    received = await reader.readuntil(b"data: ")
    draining = asyncio.create_task(gateway.server.drain(30.0))
    received += await asyncio.wait_for(reader.read(), PATIENCE)
    assert join_chunks(received.partition(b"\r\n\r\n")[2]) == b"".join((*events, DONE))
    writer.close()
    await asyncio.wait_for(draining, PATIENCE)


async def test_who_speaks_no_tls_is_let_go(gateway, pair):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(HEALTH)
    with contextlib.suppress(ConnectionError):
        assert b"HTTP/" not in await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    reader, writer = await opened(gateway, pair)
    writer.write(HEALTH)
    assert (await answered(reader))[0] == 200
    writer.close()


async def test_a_handshake_that_never_ends_does(monkeypatch, tmp_path, pair, backends):
    monkeypatch.setattr(server, "HANDSHAKE_SECONDS", 0.2)
    urls = {name: backend.url for name, backend in backends.items()}
    tls = certificate_of(str(pair.chain), str(pair.key)).context
    gateway = await start_gateway(tmp_path, POLICY, urls, Clock(), tls=tls)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"\x16\x03\x01")
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    await stop_gateway(gateway)
