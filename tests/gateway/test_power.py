"""A GPU that is off takes no request: what may leave goes to the cloud, what may not waits, and never leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.compiled import interpreted_only
from support.gateway import POLICY, Gateway
from support.scripted import answer, completion
from support.waiting import until

from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.worker_status import PowerState
from router.gateway.forward_request import ForwardRequest
from router.gateway.pipeline import Pipeline

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}
POWER = (
    "power: {driver: command, start: {run: [start]}, stop: {run: [stop]}, look: {run: [look]}},"
    " capacity: {queue: 1, queue_timeout: 100ms},"
)
POWERED = POLICY.replace("cost: {usd_per_hour: 1.0},", f"cost: {{usd_per_hour: 1.0}}, {POWER}")
BY_THRESHOLD = POWERED.replace("cost: {strategy: local_first}", "cost: {strategy: threshold}")


def say(gateway: Gateway, phase: str, starts_in: float = 60.0, **fields: Any) -> None:
    """As the controller would."""
    state = PowerState(
        at=0.0, phase=phase, ready_at=starts_in, **({"serves": phase == "on", "why": f"It is {phase}."} | fields)
    )
    gateway.fleet.told({"gpu": state}, asyncio.get_running_loop().time())


def where(answered: tuple[int, dict[str, str], bytes]) -> tuple[int, str, str]:
    status, headers, _ = answered
    return status, headers["x-breakeven-backend"], headers["x-breakeven-reason"]


@pytest.fixture
async def off(serve: Callable[..., Any]) -> Gateway:
    gateway = await serve(POWERED)
    say(gateway, "off")
    return gateway


async def test_what_may_leave_goes_to_the_cloud(off, backends):
    assert where(await off.post(ASK)) == (200, "api", "gpu-off")
    assert not backends["gpu"].received and not off.service.wanted


async def test_what_may_not_leave_waits_for_the_start_and_is_answered_at_home(off, backends):
    wanted: list[str] = []
    off.fleet.on_wanted = wanted.append
    waiting = asyncio.create_task(off.post(RESTRICTED))
    await until(lambda: off.service.waiting)
    assert wanted == ["gpu"] and list(off.service.wanted) == ["gpu"]
    say(off, "starting", coming=True)
    await asyncio.sleep(0.15)
    assert not waiting.done() and not backends["gpu"].received, "longer than queue_timeout, for a start"
    say(off, "on")
    answered = await waiting
    assert where(answered) == (200, "gpu", "only-permitted") and answered[2] == completion()
    assert not backends["api"].received and not off.service.wanted and not off.ledger.holds


async def test_who_meets_a_unit_that_was_killed_is_told_when_there_is_another(off, backends):
    """Before anybody has noticed: in that second, it is said to be on."""
    say(off, "on")
    assert (await off.post(RESTRICTED))[0] == 200
    await backends["gpu"].stop()
    status, headers, body = await off.post(RESTRICTED)
    error = json.loads(body)["error"]
    assert (status, error["code"], headers["x-should-retry"]) == (503, "backend_unavailable", "true")
    assert headers["retry-after"] == "60", "a start takes 300 s, and nobody is told to wait for longer than a minute"
    assert "It was on a moment ago." in error["message"]
    assert not backends["api"].received and not off.ledger.holds


async def test_the_rest_of_a_long_start_is_told_and_when_to_ask_again(off, backends):
    say(off, "starting", starts_in=400.0, coming=True)
    waiting = asyncio.create_task(off.post(RESTRICTED))
    await until(lambda: off.service.waiting)
    status, headers, body = await off.post(RESTRICTED)
    assert (status, headers["retry-after"]) == (503, "60")
    assert "It is expected to be on in 400 s; try again in 60 s." in json.loads(body)["error"]["message"]
    waiting.cancel()


async def test_who_finds_no_place_is_told_the_rest_of_the_start_and_wakes_it_all_the_same(off, backends):
    waiting = asyncio.create_task(off.post(RESTRICTED))
    await until(lambda: off.service.waiting)
    wanted: list[str] = []
    off.fleet.on_wanted = wanted.append
    status, headers, body = await off.post(RESTRICTED)
    assert (status, json.loads(body)["error"]["code"]) == (503, "gpu_off")
    assert 50 <= int(headers["retry-after"]) <= 60 and headers["x-should-retry"] == "true" and wanted == ["gpu"]
    say(off, "on")
    assert (await waiting)[0] == 200
    assert not backends["api"].received


async def test_a_start_that_takes_too_long_ends_in_503(off, backends):
    say(off, "starting", starts_in=0.0, coming=True)
    waiting = asyncio.create_task(off.post(RESTRICTED))
    await until(lambda: off.service.waiting)
    say(off, "starting", starts_in=240.0, coming=True)
    status, headers, body = await waiting
    assert (status, json.loads(body)["error"]["code"]) == (503, "gpu_off")
    assert headers["retry-after"] == "60", "nobody is told to wait for longer than a minute"
    assert "try again in 60 s" in json.loads(body)["error"]["message"]
    assert not backends["gpu"].received and not backends["api"].received


async def test_before_a_controller_has_told_it_waits_as_long_as_the_policy_expects_a_start_to_take(serve, backends):
    gateway = await serve(POWERED.replace("kind: openai, url: %(gpu)s", "kind: vllm, url: %(gpu)s"))
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.wanted)
    await asyncio.sleep(0.2)
    assert not waiting.done(), "longer than queue_timeout"
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, headers["retry-after"]) == (503, "60")
    assert "The gateway that switches it has not told yet whether it is on." in json.loads(body)["error"]["message"]
    gateway.fleet.backends["gpu"].replicas[0].probed(ReplicaLoad())
    assert where(await waiting) == (200, "gpu", "only-permitted")


async def test_what_is_kept_off_is_waited_for_by_nobody(off):
    say(off, "off", wakes=False, why="It is off: an administrator ordered it.")
    status, _, body = await off.post(RESTRICTED)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (503, "gpu_off") and "an administrator ordered it" in error["message"]


async def test_no_start_is_waited_for_beyond_the_deadline(serve, backends):
    gateway = await serve(POWERED.replace("deadline: 5s", "deadline: 300ms"))
    say(gateway, "starting", starts_in=3600.0, coming=True)
    status, headers, body = await gateway.post(RESTRICTED)
    assert (status, json.loads(body)["error"]["code"]) == (503, "gpu_off")
    assert headers["retry-after"] == "60" and "to be on in 3600 s" in json.loads(body)["error"]["message"]
    assert not gateway.service.waiting and not backends["gpu"].received and not backends["api"].received


@interpreted_only
async def test_the_wait_for_a_start_moves_no_deadline(serve, monkeypatch):
    gateway = await serve(POWERED.replace("deadline: 5s", "deadline: 60s"))
    sent: list[ForwardRequest] = []
    make = Pipeline._job
    monkeypatch.setattr(Pipeline, "_job", lambda *given: sent.append(make(*given)) or sent[-1])
    say(gateway, "starting", coming=True)
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    asked = asyncio.get_running_loop().time()
    await asyncio.sleep(0.2)
    say(gateway, "on")
    assert where(await waiting) == (200, "gpu", "only-permitted")
    assert sent[0].deadline <= asked + 60, "one instant, of which the wait is part"


FAILED = {"rests": True, "why": "It failed to start: exited with status 3.", "failing": "exited with status 3"}


async def test_while_a_failed_start_rests_nobody_waits_and_all_are_told_why_and_for_how_long(off, backends):
    wanted: list[str] = []
    off.fleet.on_wanted = wanted.append
    for starts_in, least, most in ((240.0, 60, 60), (40.0, 30, 40), (20.0, 10, 20)):
        say(off, "failed", starts_in=starts_in, **FAILED)
        status, headers, body = await off.post(RESTRICTED)
        error = json.loads(body)["error"]
        assert (status, error["code"], headers["x-should-retry"]) == (503, "gpu_off", "true")
        assert least <= int(headers["retry-after"]) <= most, "as of now, though the decision is the same"
        assert "gpu: It failed to start: exited with status 3." in error["message"]
    assert wanted == ["gpu"] * 3 and not off.service.waiting and not backends["api"].received


async def test_who_waits_for_a_start_that_fails_is_told_so_at_once(serve, backends):
    gateway = await serve(POWERED.replace("deadline: 5s", "deadline: 600s"))
    say(gateway, "starting", starts_in=600.0, coming=True)
    waiting = asyncio.create_task(gateway.post(RESTRICTED))
    await until(lambda: gateway.service.waiting)
    say(gateway, "failed", starts_in=50.0, **FAILED)
    status, headers, body = await waiting
    assert status == 503 and 40 <= int(headers["retry-after"]) <= 50
    assert "exited with status 3" in json.loads(body)["error"]["message"]
    assert not gateway.service.waiting and not gateway.service.wanted


async def test_who_waited_in_vain_is_told_what_became_of_the_start_and_not_why_it_was_off(off):
    say(off, "off", starts_in=0.0, why="It is off: they would save less than their rent.")
    waiting = asyncio.create_task(off.post(RESTRICTED))
    await until(lambda: off.service.waiting)
    say(off, "starting", starts_in=30.0, coming=True, why="It is being switched on: a request waits.")
    status, _, body = await waiting
    message = json.loads(body)["error"]["message"]
    assert status == 503 and "It is being switched on" in message and "rent" not in message


async def test_who_waited_is_counted_when_it_was_served(off, clock):
    waiting = asyncio.create_task(off.post(RESTRICTED))
    await until(lambda: off.service.waiting)
    clock.now += 86_400
    say(off, "on")
    assert (await waiting)[0] == 200
    assert [row.requests for row in off.rows()] == [1]


async def test_a_client_that_leaves_wants_nothing_any_more(off):
    content = json.dumps(RESTRICTED).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", off.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await until(lambda: off.service.waiting)
    writer.transport.abort()
    await until(lambda: not off.service.waiting)
    assert not off.service.wanted


async def test_while_it_is_on_it_is_preferred_whatever_the_volume(serve):
    gateway = await serve(BY_THRESHOLD)
    say(gateway, "on")
    assert where(await gateway.post(ASK)) == (200, "gpu", "gpu-on")
    say(gateway, "draining")
    assert where(await gateway.post(ASK)) == (200, "api", "gpu-off")


async def test_a_stream_that_runs_while_it_drains_is_finished_and_its_failures_open_no_circuit(off, backends):
    say(off, "on")
    gate = asyncio.Event()

    async def slow(reader: Any, writer: Any, request: dict[str, Any]) -> None:
        await gate.wait()
        await answer()(reader, writer, request)

    backends["gpu"].script.append(slow)
    running = asyncio.create_task(off.post(RESTRICTED))
    await backends["gpu"].asked.wait()
    say(off, "draining")
    assert where(await off.post(ASK)) == (200, "api", "gpu-off")
    gate.set()
    assert where(await running) == (200, "gpu", "only-permitted")


async def test_what_is_off_is_no_reason_to_be_not_ready(off):
    async def ready() -> tuple[int, dict[str, Any]]:
        status, _, body = await off.exchange(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return status, json.loads(body)["backends"]

    assert await ready() == (200, {"gpu": "off", "api": "healthy"})
    say(off, "starting", coming=True)
    assert await ready() == (200, {"gpu": "starting", "api": "healthy"})


async def test_why_a_start_fails_is_told_where_one_looks_first(off):
    ask = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    assert "failing" not in json.loads((await off.exchange(ask))[2])
    say(off, "failed", failing="exited with status 1: no such model")
    status, _, body = await off.exchange(ask)
    assert (status, json.loads(body)["failing"]) == (200, {"gpu": "exited with status 1: no such model"})
    assert where(await off.post(ASK)) == (200, "api", "gpu-off")
