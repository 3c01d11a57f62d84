"""Slow clients: the time for a head, and for a body, is a total that no byte moves."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.gateway import POLICY
from support.scripted import answer
from support.streams import opened, received
from support.waiting import until

from router.gateway import http, server

BODY = b'{"model":"chat","messages":[{"role":"user","content":"hi"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(server, "TICK_SECONDS", 0.02)


async def dripped(writer: asyncio.StreamWriter, sent: bytes, pause: float) -> None:
    for at in range(len(sent)):
        writer.write(sent[at : at + 1])
        await asyncio.sleep(pause)


@pytest.mark.parametrize("at_once", [0, len(HEAD)], ids=["head", "body"])
async def test_dripping_does_not_prolong_it(serve, at_once):
    limits = "header_timeout: 300ms" if not at_once else "body_timeout: 300ms"
    gateway = await serve(POLICY + f"server: {{{limits}}}\n")
    reader, writer = await opened(gateway.port)
    sent = HEAD + BODY
    writer.write(sent[:at_once])
    drip = asyncio.create_task(dripped(writer, sent[at_once:] + b" " * 1000, 0.05))
    status, headers, body = await received(reader)
    assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")
    assert headers["connection"] == "close"
    drip.cancel()
    writer.close()
    await until(lambda: not gateway.service.clients)


async def test_line_breaks_before_a_request_are_no_way_to_stay(serve):
    gateway = await serve(POLICY + "server: {header_timeout: 200ms}\n")
    reader, writer = await opened(gateway.port)
    drip = asyncio.create_task(dripped(writer, b"\r\n" * 1000, 0.02))
    assert (await received(reader))[0] == 408
    drip.cancel()


async def test_a_slow_upload_within_its_time_is_served(serve):
    gateway = await serve(POLICY + "server: {header_timeout: 100ms, body_timeout: 20s}\n")
    reader, writer = await opened(gateway.port)
    writer.write(HEAD)
    await dripped(writer, BODY, 0.01)
    assert (await received(reader))[0] == 200


async def test_an_answer_under_way_is_not_cut_by_a_half_sent_next_request(serve, backends):
    gateway = await serve(POLICY + "server: {header_timeout: 100ms}\n")

    async def slow(reader, writer, request):
        await asyncio.sleep(0.5)
        await answer()(reader, writer, request)

    backends["gpu"].script.append(slow)
    reader, writer = await opened(gateway.port)
    writer.write(HEAD + BODY + HEAD[:20])
    assert (await received(reader))[0] == 200
    status, _, body = await received(reader)
    assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")


async def test_who_does_not_leave_after_a_refusal_is_closed(serve, monkeypatch):
    monkeypatch.setattr(http, "LINGER_SECONDS", 0.1)
    gateway = await serve(POLICY + "server: {max_body_bytes: 10}\n")
    reader, writer = await opened(gateway.port)
    writer.write(HEAD)
    assert (await received(reader))[0] == 413
    await until(lambda: not gateway.service.clients)
