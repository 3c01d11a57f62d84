"""Large bodies are read in a process of their own; nothing goes on unread, whatever becomes of that process."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import sys

import pytest
from support.gateway import POLICY
from support.serving import clean_environment
from support.waiting import until

from router.gateway import body_reader as reader
from router.gateway.body_reader import SHORT
from router.gateway.errors import ApiError

PATIENT = POLICY.replace("deadline: 5s", "deadline: 60s").replace("first_byte_timeout: 1s", "first_byte_timeout: 60s")
"""The start of a process takes as long as the machine needs."""
CARD = "4111 1111 1111 1111"


@pytest.fixture
async def gateway(serve):
    return await serve(PATIENT)


def chat(text: str) -> bytes:
    return json.dumps({"model": "chat", "messages": [{"role": "user", "content": text}]}).encode()


LONG = chat("x " * SHORT)
ZIPPED = gzip.compress(LONG)
GZIP = {"content-encoding": "gzip"}


def lanes(gateway):
    own = gateway.service._completions._reader
    return own._long, own._huge


def code(body: bytes) -> str:
    return json.loads(body)["error"]["code"]


async def test_short_bodies_need_no_process(gateway):
    assert (await gateway.post(chat("hi")))[0] == 200
    assert (await gateway.post(gzip.compress(chat("hi")), GZIP))[0] == 200
    assert [lane.pid for lane in lanes(gateway)] == [0, 0]


@pytest.mark.parametrize(("body", "headers"), [(LONG, {}), (ZIPPED, GZIP)], ids=["plain", "gzip"])
async def test_a_long_body_reaches_the_backend_as_it_was(gateway, backends, body, headers):
    assert (await gateway.post(body, headers))[0] == 200
    assert backends["gpu"].requests[0]["messages"] == json.loads(LONG)["messages"]
    assert lanes(gateway)[0].pid
    await until(lambda: not gateway.service.held.bytes)


async def test_what_is_huge_does_not_hold_up_what_is_long(gateway):
    assert (await gateway.post(chat("x" * reader.LONG)))[0] == 200
    long, huge = lanes(gateway)
    assert (long.pid, huge.pid > 0) == (0, True)


@pytest.mark.parametrize("zipped", [False, True])
async def test_what_stands_at_the_end_of_a_long_body_is_found(gateway, backends, zipped):
    body = chat("x " * SHORT + CARD)
    status, headers, _ = await gateway.post(gzip.compress(body) if zipped else body, GZIP if zipped else {})
    assert (status, headers["x-breakeven-sensitivity"]) == (200, "restricted")
    assert CARD.encode() not in bytes(backends["api"].received)


async def test_errors_are_those_of_short_bodies(gateway):
    broken = LONG[:-5]
    assert code((await gateway.post(broken))[2]) == "invalid_json"
    assert code((await gateway.post(gzip.compress(broken), GZIP))[2]) == "invalid_json"
    assert code((await gateway.post(ZIPPED[:-9] + ZIPPED, GZIP))[2]) == "malformed_body"
    assert code((await gateway.post(LONG, {"content-encoding": "br"}))[2]) == "unsupported_encoding"
    assert (await gateway.post(LONG))[0] == 200


async def test_a_process_that_was_killed_is_started_again(gateway):
    assert (await gateway.post(LONG))[0] == 200
    before = lanes(gateway)[0].pid
    os.kill(before, signal.SIGKILL)
    assert (await gateway.post(LONG))[0] == 200
    assert lanes(gateway)[0].pid not in (0, before)


async def test_a_body_that_ends_the_process_each_time_is_refused(gateway, backends, monkeypatch):
    monkeypatch.setattr(reader, "_COMMAND", "print('!', end='', flush=True); import sys; sys.stdin.buffer.read(12)")
    status, _, body = await gateway.post(LONG)
    assert (status, code(body)) == (503, "request_not_read") and not backends["gpu"].requests


async def test_a_process_that_does_not_answer_is_ended(gateway, backends, monkeypatch):
    monkeypatch.setattr(reader, "READ_SECONDS", 0.2)
    monkeypatch.setattr(reader, "_COMMAND", "print('!', end='', flush=True); import time; time.sleep(60)")
    status, headers, body = await gateway.post(LONG)
    assert (status, code(body), headers["x-should-retry"]) == (503, "request_not_read", "false")
    assert lanes(gateway)[0].pid == 0 and not backends["gpu"].requests


async def test_a_start_is_not_the_fault_of_the_body_that_it_is_for(gateway, backends, monkeypatch):
    monkeypatch.setattr(reader, "READ_SECONDS", 0.2)
    monkeypatch.setattr(reader, "START_SECONDS", 0.4)
    monkeypatch.setattr(reader, "_COMMAND", "import time; time.sleep(60)")
    status, headers, body = await gateway.post(LONG)
    assert (status, code(body), headers["x-should-retry"]) == (503, "too_many_large_requests", "true")
    assert lanes(gateway)[0].pid == 0 and not backends["gpu"].requests


async def test_one_key_has_a_bound_of_its_own():
    lane = reader.Lane(asyncio.get_running_loop())
    await lane._turns.take("calm")
    await lane._turns.take("busy")
    waiting = [asyncio.create_task(lane.read(b"", b"", "busy")) for _ in range(reader.MOST_OF_ONE)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError, match="of the key 'busy'"):
        await lane.read(b"", b"", "busy")
    calm = asyncio.create_task(lane.read(b"", b"", "calm"))
    await asyncio.sleep(0)
    assert lane._turns.of("calm") == 1 and not calm.done()
    for task in (*waiting, calm):
        task.cancel()
    await asyncio.wait([*waiting, calm])
    lane.close()


async def test_requests_wait_for_their_turn_within_bounds(gateway, backends, monkeypatch):
    monkeypatch.setattr(reader, "MOST_WAITING", 1)
    monkeypatch.setattr(reader, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(reader, "_COMMAND", "import time; time.sleep(60)")
    running = asyncio.create_task(gateway.post(LONG))
    await until(lambda: lanes(gateway)[0].pid)
    waiting = asyncio.create_task(gateway.post(LONG))
    await until(lambda: lanes(gateway)[0]._turns.count)
    for answer in (await gateway.post(LONG), await waiting):
        assert (answer[0], code(answer[2]), answer[1]["retry-after"]) == (503, "too_many_large_requests", "2")
    assert (await gateway.post(chat("hi")))[0] == 200
    running.cancel()
    assert len(backends["gpu"].requests) == 1


SLOW = "import router.gateway.body_process as it, time; fetch = it.fetch\n"
SLOW += "def slow(errand, body): time.sleep(b'slow' in body); return fetch(errand, body)\n"
SLOW += "it.fetch = slow\n"


async def test_who_leaves_takes_no_process_along(gateway, monkeypatch):
    monkeypatch.setattr(reader, "_COMMAND", SLOW + reader._COMMAND)
    running = asyncio.create_task(gateway.post(chat("slow" + "x" * SHORT)))
    await until(lambda: lanes(gateway)[0].pid)
    pid = lanes(gateway)[0].pid
    for client in list(gateway.service.clients):
        client.abort()
    assert (await gateway.post(LONG))[0] == 200
    assert lanes(gateway)[0].pid == pid and _lives(pid)
    running.cancel()


async def test_a_body_that_takes_long_holds_up_its_own_key_alone(gateway, monkeypatch):
    monkeypatch.setattr(reader, "_COMMAND", "import time; print('!', end='', flush=True); time.sleep(60)")
    lane = lanes(gateway)[0]
    slow = [asyncio.create_task(lane.read(b"", b"", "slow")) for _ in range(3)]
    await until(lambda: lane.pid)
    other = asyncio.create_task(lane.read(b"", b"", "other"))
    await until(lambda: len(lane._working) == 2)
    assert lane._turns.of("slow") == 2 and not lane._turns.of("other")
    for task in (*slow, other):
        task.cancel()
    await asyncio.wait([*slow, other])


async def test_it_goes_once_it_idles_and_when_the_worker_ends(gateway, monkeypatch):
    monkeypatch.setattr(reader, "IDLE_SECONDS", 0.05)
    assert (await gateway.post(LONG))[0] == 200
    await until(lambda: not lanes(gateway)[0].pid)
    monkeypatch.setattr(reader, "IDLE_SECONDS", 60.0)
    assert (await gateway.post(LONG))[0] == 200
    pid = lanes(gateway)[0].pid
    await gateway.server.drain(1.0)
    await until(lambda: not _lives(pid))


async def test_a_process_that_has_grown_is_replaced(gateway, monkeypatch):
    grown = "from router.gateway import body_process; body_process.SPENT_BYTES = 0; "
    monkeypatch.setattr(reader, "_COMMAND", grown + reader._COMMAND)
    assert (await gateway.post(LONG))[0] == 200
    assert lanes(gateway)[0].pid == 0
    assert (await gateway.post(LONG))[0] == 200


async def test_it_does_not_outlive_a_worker_that_was_killed(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(
        "import asyncio, sys\n"
        "from router.gateway.body_reader import Lane\n"
        "async def main():\n"
        "    lane = Lane(asyncio.get_running_loop())\n"
        "    await lane._ready()\n"
        "    print(lane.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, env=clean_environment()
    )
    assert worker.stdout is not None
    pid = int(await worker.stdout.readline())
    assert _lives(pid)
    worker.kill()
    await worker.wait()
    await until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    """A zombie does not: it is only not yet waited for."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
