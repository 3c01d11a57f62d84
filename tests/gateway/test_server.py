"""The end of a worker: what was sent before a connection closes is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from support.gateway import POLICY, Clock, Gateway, start_gateway, stop_gateway
from support.scripted import ScriptedBackend, silence, stream
from support.waiting import until

from router.core.resilience.worker_status import PowerState
from router.gateway import http_connection as http
from router.gateway import server

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
BODY = b'{"model": "chat", "stream": true, "messages": [{"role": "user", "content": "x"}]}'
STREAM = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
Open = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (http, server):
        monkeypatch.setattr(module, "PARTING_SECONDS", 0.5)
    monkeypatch.setattr(server, "ACCEPT_SECONDS", 0.3)


@pytest.fixture
async def slow() -> AsyncIterator[ScriptedBackend]:
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n'
    last = event.replace(b'"index": 0', b'"index": 0, "finish_reason": "stop"')
    made = ScriptedBackend(default=stream(*[event] * 4, last, b"data: [DONE]\n\n", gap=0.1))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def gateway(tmp_path, slow: ScriptedBackend) -> AsyncIterator[Gateway]:
    made = await start_gateway(tmp_path, POLICY, {"gpu": slow.url, "api": slow.url}, Clock())
    yield made
    await stop_gateway(made)


async def connect(gateway: Gateway) -> Open:
    return await asyncio.open_connection("127.0.0.1", gateway.port)


async def answered(connection: Open) -> bytes:
    """The head of one whole answer; its body has been read too."""
    reader, writer = connection
    writer.write(HEALTH)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    return head


async def test_a_connection_accepted_before_the_end_and_opened_after_it_is_told_to_close(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, opened, endings = asyncio.get_running_loop(), http.Client.connection_made, []

    def opened_late(client: http.Client, transport: asyncio.BaseTransport) -> None:
        endings.append(loop.create_task(gateway.server.drain(5)))
        loop.call_soon(opened, client, transport)

    monkeypatch.setattr(http.Client, "connection_made", opened_late)
    connection = await connect(gateway)
    assert b"connection: close" in await answered(connection)
    await endings[0]


async def test_what_arrives_while_it_ends_is_answered_and_is_told_to_close(gateway: Gateway) -> None:
    """On a connection that was kept, on one that said nothing yet, and on one that comes only now."""
    kept, fresh = await connect(gateway), await connect(gateway)
    assert b"connection: close" not in await answered(kept)
    ending = asyncio.create_task(gateway.server.drain(5))
    await asyncio.sleep(0)
    for connection in (kept, fresh, await connect(gateway)):
        assert b"connection: close" in await answered(connection)
        assert await connection[0].read() == b""
    await asyncio.wait_for(ending, 5)


async def test_who_says_nothing_is_let_go(gateway: Gateway) -> None:
    silent = await connect(gateway)
    await asyncio.wait_for(gateway.server.drain(20), 5)
    assert await silent[0].read() == b""
    with pytest.raises(OSError):
        await connect(gateway)


async def test_a_stream_that_promised_to_keep_its_connection_leaves_room_for_one_more_request(
    gateway: Gateway,
) -> None:
    reader, writer = connection = await connect(gateway)
    writer.write(STREAM)
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"connection: close" not in head
    ending = asyncio.create_task(gateway.server.drain(10))
    assert (await reader.readuntil(b"0\r\n\r\n")).count(b"data: ") == 6
    assert b"connection: close" in await answered(connection)
    await asyncio.wait_for(ending, 5)


POWERED = POLICY.replace(
    "cost: {usd_per_hour: 1.0},",
    "cost: {usd_per_hour: 1.0}, power: {driver: command, start: {run: [a]}, stop: {run: [b]}, look: {run: [c]}},",
)
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}


def say(gateway: Gateway, phase: str, starts_in: float) -> None:
    now, on = asyncio.get_running_loop().time(), phase == "on"
    told = PowerState(at=0.0, phase=phase, serves=on, coming=not on, ready_at=starts_in, why=f"It is {phase}.")
    gateway.fleet.told({"gpu": told}, now)


async def test_who_waits_for_a_start_that_takes_longer_than_the_grace_is_told_so_at_once(serve) -> None:
    gateway = await serve(POWERED)
    say(gateway, "starting", starts_in=240.0)
    waiting = [asyncio.create_task(gateway.post(RESTRICTED)) for _ in range(5)]
    await until(lambda: gateway.service.waiting == 5)
    ending = asyncio.create_task(gateway.server.drain(100))
    for status, headers, body in await asyncio.gather(*waiting):
        assert (status, json.loads(body)["error"]["code"]) == (503, "gpu_off")
        assert (headers["retry-after"], headers["x-should-retry"]) == ("60", "true"), "no SDK waits for longer"
    await asyncio.wait_for(ending, 30)


async def test_a_start_that_takes_longer_than_was_known_is_waited_for_until_the_grace_is_nearly_over(serve) -> None:
    gateway = await serve(POWERED)
    say(gateway, "starting", starts_in=0.0)
    waiting = [asyncio.create_task(gateway.post(RESTRICTED)) for _ in range(2)]
    await until(lambda: gateway.service.waiting == 2)
    await asyncio.wait_for(gateway.server.drain(1.0), 30)
    for status, _, body in await asyncio.gather(*waiting):
        assert (status, json.loads(body)["error"]["code"]) == (503, "gpu_off")


async def test_a_start_within_the_grace_is_served(serve) -> None:
    gateway = await serve(POWERED)
    say(gateway, "starting", starts_in=1.0)
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    ending = asyncio.create_task(gateway.server.drain(60))
    await asyncio.sleep(0.05)
    say(gateway, "on", starts_in=0.0)
    assert (await waiting)[0] == 200
    await asyncio.wait_for(ending, 30)


async def test_what_waits_for_room_or_for_its_answer_is_told_at_the_end_of_the_grace(serve, backends) -> None:
    patient = POLICY.replace("first_byte_timeout: 1s", "first_byte_timeout: 60s").replace(
        "deadline: 5s", "deadline: 90s"
    )
    gateway = await serve(
        patient.replace("cost: {usd_per_hour: 1.0},", "cost: {usd_per_hour: 1.0}, capacity: {max_running: 1},")
    )
    backends["gpu"].default = silence()
    running = asyncio.create_task(gateway.post(RESTRICTED))
    await backends["gpu"].asked.wait()
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    await asyncio.wait_for(gateway.server.drain(1.0), 30)
    told = [(status, json.loads(body)["error"]["code"]) for status, _, body in (await running, await waiting)]
    assert told == [(503, "shutting_down"), (503, "backends_full")]
    assert not gateway.ledger.holds and not gateway.service.clients


async def test_the_grace_period_bounds_all_of_it(gateway: Gateway) -> None:
    reader, writer = await connect(gateway)
    writer.write(STREAM)
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.wait_for(gateway.server.drain(0.1), 2)
    with pytest.raises(asyncio.IncompleteReadError):
        await reader.readuntil(b"0\r\n\r\n")
