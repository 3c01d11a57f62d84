"""Entities are sought by a process apart; without its answer a request counts as if all of them were in it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from support.gateway import POLICY, Gateway
from support.scripted import ScriptedBackend
from support.waiting import until

from router.core.sensitivity.entities import (
    BUSY,
    FAILED,
    LENGTHS,
    NONSENSE,
    NOT_RUNNING,
    TOO_SLOW,
    Question,
    Unanswered,
    entity_search,
)
from router.gateway import entity_client
from router.gateway.entity_client import EntityClient

SEEKS = (
    POLICY.replace(
        "detectors: [",
        "presidio: {model: words, timeout: %(timeout)s}\n"
        "  detectors: [{entities: [PERSON], raise_to: restricted}, {entities: [LOCATION], raise_to: restricted}, ",
    )
    .replace("local_first", "cloud_first")
    .replace("deadline: 5s", "deadline: 90s")
)
TESTS = Path(__file__).parents[1]

Backends = dict[str, ScriptedBackend]


def ask(text: str) -> dict[str, Any]:
    return {"model": "chat", "messages": [{"role": "user", "content": text}]}


class Seeking:
    """A gateway, and where its process listens."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        search = entity_search(gateway.state.plan)
        assert search is not None
        self.gateway = gateway
        self.socket = str(folder / search.socket)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        self.process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "support.word_finder", self.socket),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        )
        assert process.stdout is not None and await process.stdout.readline() == b"ready\n"
        return process

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def zone(self, text: str, model: str = "chat") -> str:
        status, headers, _ = await self.gateway.post({**ask(text), "model": model})
        assert status == 200
        return headers["x-breakeven-zone"]


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="breakeven-") as folder:
        yield Path(folder)


@pytest.fixture
async def seeking(
    serve: Callable[..., Awaitable[Gateway]], folder: Path
) -> AsyncIterator[Callable[..., Awaitable[Seeking]]]:
    """`await seeking()`: by words, or by nobody yet."""
    made: list[Seeking] = []

    async def start(timeout: str = "60s", *, running: bool = True, policy: str = SEEKS) -> Seeking:
        gateway = await serve(policy.replace("%(timeout)s", timeout))
        gateway.state.entities = EntityClient(str(folder))
        made.append(Seeking(gateway, folder))
        if running:
            await made[-1].start()
        return made[-1]

    yield start
    for each in made:
        await each.end()


def sources(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.why for record in caplog.records if hasattr(record, "why")]


async def test_what_is_found_keeps_a_request_home_and_all_else_may_leave(seeking, backends):
    gate = await seeking()
    assert await gate.zone("Write to Ada") == "local"
    assert await gate.zone("Write to nobody") == "cloud"
    assert await gate.zone("4111 1111 1111 1111") == "local"


async def test_the_label_names_the_kind_and_never_the_text(seeking, caplog):
    gate = await seeking()
    backend = gate.gateway.state.fleet.backends
    assert backend
    await gate.zone("Ada Lovelace was in Paris")
    status, _, body = await gate.gateway.post(ask("Ada") | {"model": "gpt-4o-mini"})
    assert status == 200 and "Lovelace" not in caplog.text and "Lovelace" not in body.decode()


async def test_a_large_body_is_looked_at_whole(seeking):
    gate = await seeking()
    text = "nothing here. " * 6_000
    assert await gate.zone(text) == "cloud"
    assert await gate.zone(f"{text} Ada. {text}") == "local"


async def test_who_may_not_leave_anyway_is_not_asked_about(seeking, caplog):
    """Nobody listens: a question would be seen in the log."""
    gate = await seeking(running=False)
    headers = {"x-breakeven-sensitivity": "restricted"}
    assert (await gate.gateway.post(ask("hello"), headers))[0] == 200
    assert sources(caplog) == []


async def test_a_policy_without_entities_asks_nobody(serve, monkeypatch):
    async def never(*asked: object) -> bytes:
        raise AssertionError("asked")

    monkeypatch.setattr(entity_client, "_exchange", never)
    gateway = await serve(POLICY)
    assert gateway.state.serving.entities is None
    assert (await gateway.post(ask("Ada")))[0] == 200


async def test_nobody_listens(seeking, caplog):
    gate = await seeking(running=False)
    assert await gate.zone("hello") == "local"
    assert sources(caplog) == [NOT_RUNNING]


async def test_killed_while_it_looks_and_there_again(seeking, caplog):
    gate = await seeking()
    process = gate.process
    running = asyncio.create_task(gate.zone("think slowly"))
    await asyncio.sleep(0.3)
    process.kill()
    assert await running == "local"
    assert sources(caplog) == [NOT_RUNNING]
    await process.wait()
    await gate.start()
    assert await gate.zone("hello") == "cloud"


async def test_stopped_by_the_system(seeking, caplog):
    gate = await seeking(timeout="500ms")
    gate.process.send_signal(signal.SIGSTOP)
    try:
        assert await gate.zone("hello") == "local"
    finally:
        gate.process.send_signal(signal.SIGCONT)
    assert sources(caplog) == [TOO_SLOW]


async def test_too_slow(seeking, caplog):
    gate = await seeking(timeout="300ms")
    assert await gate.zone("think slowly") == "local"
    assert sources(caplog) == [TOO_SLOW]


async def test_the_requests_own_deadline_counts_as_well(seeking, caplog):
    gate = await seeking(timeout="60s", policy=SEEKS.replace("deadline: 90s", "deadline: 500ms"))
    status, _, _ = await gate.gateway.post(ask("think slowly"))
    assert status >= 500 and sources(caplog)[0] == TOO_SLOW


async def test_a_failure_of_its_own_is_told_without_the_text(seeking, caplog):
    gate = await seeking()
    assert await gate.zone("this fails, says Ada") == "local"
    assert sources(caplog) == [FAILED] and "says Ada" not in caplog.text
    assert await gate.zone("hello") == "cloud"


@pytest.mark.parametrize("garbage", [b"\x00\xff" * 10, b'{"found":["IBAN"]}', b"[]", b"x" * 100_000])
async def test_garbage_is_no_answer(seeking, caplog, garbage):
    gate = await seeking(running=False)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(gate.socket)
    listener.listen()

    def talk() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as asked:
            asked.read(sum(LENGTHS.unpack(asked.read(LENGTHS.size))))
            try:
                connection.sendall(garbage)
            except OSError:
                pass  # it was enough

    talking = threading.Thread(target=talk, daemon=True)
    talking.start()
    assert await gate.zone("hello") == "local"
    talking.join(10)
    listener.close()
    assert sources(caplog) == [NONSENSE]


async def test_so_many_wait_at_most(seeking, caplog, monkeypatch):
    monkeypatch.setattr(entity_client, "MOST_WAITING", 1)
    gate = await seeking()
    running = asyncio.create_task(gate.zone("think slowly"))
    await until(lambda: gate.gateway.state.entities._waiting.total() == 1)
    assert await gate.zone("hello") == "local"
    assert sources(caplog) == [BUSY]
    gate.process.kill()
    assert await running == "local"


async def test_one_key_has_a_bound_of_its_own(serve, folder, monkeypatch):
    monkeypatch.setattr(entity_client, "MOST_OF_ONE", 1)
    plan = (await serve(SEEKS.replace("%(timeout)s", "60s"))).state.serving.entities
    client, loop = EntityClient(str(folder)), asyncio.get_running_loop()
    held = asyncio.Event()

    async def exchange(*asked: object) -> bytes:
        await held.wait()
        return b'{"found":[]}'

    monkeypatch.setattr(entity_client, "_exchange", exchange)
    ask = [client._ask(plan, Question((), 0.5, (), key), (), loop.time() + 60) for key in ("busy", "calm", "busy")]
    first, other = map(asyncio.create_task, ask[:2])
    await asyncio.sleep(0)
    with pytest.raises(Unanswered, match=BUSY):
        await ask[2]
    held.set()
    assert await first == await other == frozenset()
    assert not client._waiting


async def test_where_it_cannot_stay_its_refusal_says_why(seeking):
    policy = SEEKS.replace("{chat: {backends: [gpu, api], aliases: [gpt-4o-mini]}}", "{chat: {backends: [api]}}")
    gate = await seeking(running=False, policy=policy)
    status, _, body = await gate.gateway.post(ask("hello"))
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (403, "egress_denied")
    assert f"did not answer ({NOT_RUNNING}), and that alone raised its level to 'restricted'" in error["message"]
    assert "Try again shortly" in error["message"] and "a retry does not help" not in error["message"]


async def test_others_are_served_while_it_looks(seeking):
    gate = await seeking()
    running = asyncio.create_task(gate.zone("think slowly"))
    await until(lambda: gate.gateway.state.entities._waiting.total() == 1)
    status, _, _ = await gate.gateway.post(ask("hello"), {"x-breakeven-sensitivity": "restricted"})
    assert status == 200 and not running.done()
    gate.process.kill()
    assert await running == "local"
