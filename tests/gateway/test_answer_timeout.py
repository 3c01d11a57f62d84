"""How long an answer is waited for: no byte prolongs it, and no other backend's time is used up."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.gateway import POLICY
from support.scripted import DONE, answer, completion, drip, event, late, silence, stream
from support.waiting import until

from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.timeouts import ENOUGH, Needed
from router.gateway.answer_timeout import AnswerTimeout

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def policy(deadline: str = "5s", **gpu: str) -> str:
    """Small limits for the first backend."""
    limits = {"first_byte_timeout": "200ms", "idle_timeout": "300ms"} | gpu
    lines = ", ".join(f"{name}: {value}" for name, value in limits.items())
    short = POLICY.replace("first_byte_timeout: 1s, idle_timeout: 1s", lines, 1)
    return short.replace("deadline: 5s", f"deadline: {deadline}")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


FOR_EVER = {
    "silence": silence(),
    "a head that goes on": drip(b"HTTP/1.1 200 OK\r\n", b"x-more: y\r\n"),
    "interim answers": drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "comments": drip(STREAM, chunk(b": ping\n\n")),
    "an event byte by byte": drip(STREAM + chunk(b"data: "), chunk(b"x")),
    "a body byte by byte": drip(HEAD + b"content-length: 1000000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("fault", FOR_EVER.values(), ids=FOR_EVER.keys())
async def test_what_never_ends_leaves_its_turn_to_the_next_backend(serve, backends, fault, streams):
    gateway = await serve(policy())
    backends["gpu"].default = fault
    backends["api"].default = stream(event("Paris", "stop"), DONE) if streams else answer()
    status, headers, body = await gateway.post(ASK | {"stream": streams})
    assert (status, headers["x-breakeven-reason"]) == (200, "failover from gpu: no answer in time")
    assert body == (event("Paris", "stop") + DONE if streams else completion())


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("fault", FOR_EVER.values(), ids=FOR_EVER.keys())
async def test_the_deadline_is_one_whatever_arrives(serve, backends, fault, streams):
    gateway = await serve(policy(deadline="400ms"))
    backends["gpu"].default = fault
    status, headers, body = await gateway.post(RESTRICTED | {"stream": streams})
    assert (status, json.loads(body)["error"]["code"]) == (504, "backend_timeout")
    assert headers["x-should-retry"] == "false"
    assert not gateway.ledger.holds


async def test_the_last_backend_has_all_that_is_left(serve, backends):
    gateway = await serve(policy())
    backends["gpu"].default = late(answer(), 0.8)
    assert (await gateway.post(RESTRICTED))[0] == 200


@pytest.mark.parametrize("sign", ["another answer", "a probe"])
async def test_a_living_backend_may_take_longer_for_an_answer_in_one_piece(serve, backends, sign):
    gateway = await serve(policy())
    backends["gpu"].script.append(late(answer(body=completion("At last.")), 1.0))
    asked = asyncio.create_task(gateway.post(ASK))
    await backends["gpu"].asked.wait()
    replica = gateway.fleet.backends["gpu"].replicas[0]
    while not asked.done():
        if sign == "a probe":
            replica.probed(ReplicaLoad(), asyncio.get_running_loop().time())
        else:
            await gateway.post(RESTRICTED)
        await asyncio.sleep(0.05)
    status, headers, body = asked.result()
    assert (status, headers["x-breakeven-backend"], body) == (200, "gpu", completion("At last."))


async def test_even_a_living_backend_has_an_end(serve, backends):
    gateway = await serve(policy(answer_timeout="400ms"))
    backends["gpu"].default = silence()
    asked = asyncio.create_task(gateway.post(ASK))
    replica = gateway.fleet.backends["gpu"].replicas[0]
    while not asked.done():
        replica.probed(ReplicaLoad(), asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
    assert asked.result()[1]["x-breakeven-backend"] == "api"


AFTER_THE_FIRST = {
    "silence": drip(STREAM + chunk(event("Pa")), b""),
    "comments": drip(STREAM + chunk(event("Pa")), chunk(b": ping\n\n")),
    "an event byte by byte": drip(STREAM + chunk(event("Pa")) + chunk(b"data: "), chunk(b"x")),
}


@pytest.mark.parametrize("fault", AFTER_THE_FIRST.values(), ids=AFTER_THE_FIRST.keys())
async def test_a_stream_ends_when_its_events_do(serve, backends, fault):
    gateway = await serve(policy())
    backends["gpu"].default = fault
    status, _, body = await gateway.post(ASK | {"stream": True})
    assert status == 200 and body.startswith(event("Pa")) and b"upstream_stream_broken" in body
    [row] = gateway.rows()
    assert (row.errors, row.estimated) == (1, 1)


async def test_a_stream_of_events_ends_at_last_too(serve, backends):
    gateway = await serve(policy(stream_timeout="600ms", idle_timeout="10s"))
    backends["gpu"].default = drip(STREAM, chunk(event("Pa")))
    _, _, body = await gateway.post(ASK | {"stream": True})
    assert body.count(event("Pa")) > 1 and b"upstream_stream_broken" in body


async def test_slow_events_are_progress(serve, backends):
    gateway = await serve(policy(first_byte_timeout="2s", idle_timeout="1s"))
    events = (event("Pa"), event("ris"), event(".", "stop"), DONE)
    backends["gpu"].default = stream(*events, gap=0.5)
    assert (await gateway.post(ASK | {"stream": True}))[2] == b"".join(events)


async def test_a_stream_that_goes_on_is_a_sign_of_life_and_a_pause_of_the_client_is_no_silence(gateway):
    replica = gateway.fleet.backends["gpu"].replicas[0]
    patience = AnswerTimeout(replica, Needed(), stream=True, now=100.0, deadline=105.0, others=lambda: True)
    assert patience.look(100.5, True, 1) > 100.5 and replica.alive == 100.5
    assert patience.look(101.0, True, 1) > 101.0 and replica.alive == 100.5
    assert patience.look(101.5, True, 1) <= 101.5
    patience.resumed(101.6)
    assert patience.look(102.0, True, 1) > 102.0


async def test_what_answers_of_a_model_have_needed_is_waited_for(gateway):
    replica = gateway.fleet.backends["gpu"].replicas[0]
    needed = replica.needs("tiny-llama", stream=True)
    assert needed is replica.needs("tiny-llama", stream=True) is not replica.needs("tiny-llama", stream=False)
    for _ in range(ENOUGH):
        AnswerTimeout(replica, needed, stream=True, now=0.0, deadline=600.0, others=lambda: True).answered(4.0)
    patience = AnswerTimeout(replica, needed, stream=True, now=0.0, deadline=600.0, others=lambda: True)
    assert 12.0 <= patience.first_look <= 14.0


async def test_a_client_that_does_not_read_keeps_its_slot_no_longer_than_any_stream(serve, backends):
    gateway = await serve(policy(stream_timeout="300ms"))
    backends["gpu"].default = stream(*[event("x" * 60_000)] * 400, ends=False)
    body = json.dumps(RESTRICTED | {"stream": True}).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1024)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")
    writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
    (replica,) = gateway.fleet.backends["gpu"].replicas
    await until(lambda: replica.inflight)
    await until(lambda: not replica.inflight)
    writer.transport.abort()
