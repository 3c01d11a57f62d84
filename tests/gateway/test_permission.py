"""A request that waits is judged again by what has come into force since; nothing that was taken away comes back."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from support.compiled import interpreted_only
from support.gateway import POLICY, Gateway
from support.scripted import ScriptedBackend, answer
from support.waiting import until

from router.config.load import load
from router.gateway.body_reader import SHORT
from router.gateway.permission import Permission


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


Edit = Callable[[str], str]

TEXT = "write to anna@example.org "
ASK = {"model": "chat", "messages": [{"role": "user", "content": TEXT}]}
APP = {"authorization": "Bearer app-secret"}
KEYS = f"""
keys: [{{name: app, sha256: "{digest("app-secret")}"}}, {{name: other, sha256: "{digest("other-secret")}"}}]
"""
CLOUD_FIRST = POLICY.replace("local_first", "cloud_first")
KEYED = CLOUD_FIRST + KEYS
PATIENT = KEYED.replace("deadline: 5s", "deadline: 30s").replace("first_byte_timeout: 1s", "first_byte_timeout: 30s")
"""The start of a process takes as long as the machine needs."""


def replaced(old: str, new: str) -> Edit:
    return lambda text: text.replace(old, new)


NARROWED = {
    "a level": replaced("public: [local, cloud]", "public: [local]"),
    "a detector": replaced("detectors: [", "detectors: [{find: [email], raise_to: restricted}, "),
    "the key's zones": replaced("{name: app,", "{name: app, zones: [local],"),
    "a rule": lambda text: text + "rules: [{name: home, when: {model: chat}, zones: [local]}]\n",
}
ENDED = {
    "the key": replaced(digest("app-secret"), digest("another")),
    "the key's models": lambda text: (
        text.replace("{name: app,", "{name: app, models: [none],")
        .replace("models: {chat", "models: {none: {backends: [gpu]}, chat")
        .replace("{chat: tiny-llama}", "{chat: tiny-llama, none: x}")
    ),
    "the model": lambda text: text.replace("models: {chat", "models: {news").replace(
        "serves: {chat:", "serves: {news:"
    ),
}
BODIES = {
    "short": (json.dumps(ASK).encode(), {}),
    "long": (json.dumps(ASK | {"messages": [{"role": "user", "content": TEXT + "x " * SHORT}]}).encode(), {}),
    "gzip": (gzip.compress(json.dumps(ASK).encode()), {"content-encoding": "gzip"}),
}


class Fails:
    """An answer that makes the gateway try again, which waits until it is let go."""

    def __init__(self, backend: ScriptedBackend, status: int, headers: str = "") -> None:
        self.go_on = asyncio.Event()
        self._answer = answer(status, None if status == 200 else b"{}", headers)
        backend.script.append(self._behave)

    async def _behave(self, reader: Any, writer: Any, request: dict[str, Any]) -> None:
        await self.go_on.wait()
        await self._answer(reader, writer, request)


def edit(gateway: Gateway, tmp_path: Any, change: Edit) -> None:
    policy = tmp_path / "policy.yaml"
    text = change(policy.read_text())
    assert text != policy.read_text()
    policy.write_text(text)
    gateway.adopt(load(policy))


async def asked_while(
    gateway: Gateway, backend: ScriptedBackend, tmp_path: Any, change: Edit, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes]:
    """Post; edit the policy while the backend's error is on its way; the answer."""
    failing = Fails(backend, 500)
    running = asyncio.create_task(gateway.post(body, APP | headers))
    await asyncio.wait_for(backend.asked.wait(), 20)
    edit(gateway, tmp_path, change)
    failing.go_on.set()
    return await running


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("change", NARROWED)
async def test_after_a_failure_it_stays_where_it_may_still_go(serve, backends, tmp_path, change, body):
    """The cloud fails; its circuit and the retries would let it be asked again, but the policy does not any more."""
    gateway = await serve(PATIENT)
    status, headers, _ = await asked_while(gateway, backends["api"], tmp_path, NARROWED[change], *BODIES[body])
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
    assert len(backends["api"].requests) == 1


@pytest.mark.parametrize("change", [*NARROWED, *ENDED])
async def test_with_its_own_gpu_failing_it_does_not_leave_any_more(serve, backends, tmp_path, change):
    gateway = await serve(PATIENT.replace("cloud_first", "local_first"))
    backends["gpu"].default = answer(500, b'{"error":{"message":"out of memory"}}')
    change = {**NARROWED, **ENDED}[change]
    status, _, _ = await asked_while(gateway, backends["gpu"], tmp_path, change, *BODIES["short"])
    assert status >= 500
    assert not backends["api"].requests


@pytest.mark.parametrize("change", [*NARROWED, *ENDED])
async def test_a_limit_that_is_waited_for_does_not_outlast_the_permission(serve, backends, tmp_path, change):
    gateway = await serve(KEYED.replace("backends: [gpu, api]", "backends: [api]"))
    backends["api"].script.append(answer(429, b"{}", "retry-after-ms: 300\r\n"))
    running = asyncio.create_task(gateway.post(ASK, APP))
    await until(lambda: gateway.fleet.backends["api"].rest("gpt-4o-mini", asyncio.get_running_loop().time()))
    changed = {**NARROWED, **ENDED}[change]
    edit(gateway, tmp_path, lambda text: changed(text.replace("backends: [api]", "backends: [gpu, api]")))
    assert (await running)[0] in {429, 503}
    assert len(backends["api"].requests) == 1


async def asked_and_resting(gateway: Gateway, backend: ScriptedBackend) -> asyncio.Task[Any]:
    backend.script.append(answer(429, b"{}", "retry-after: 15\r\n"))
    running = asyncio.create_task(gateway.post(ASK, APP))
    await until(lambda: gateway.fleet.backends["api"].rest("gpt-4o-mini", asyncio.get_running_loop().time()))
    return running


@pytest.mark.parametrize("change", [*NARROWED, *ENDED])
async def test_one_that_waits_for_a_rest_is_refused_as_soon_as_an_edit_shuts_it_out(serve, backends, tmp_path, change):
    gateway = await serve(PATIENT.replace("backends: [gpu, api]", "backends: [api]"))
    running, api = await asked_and_resting(gateway, backends["api"]), gateway.fleet.backends["api"]
    changed = {**NARROWED, **ENDED}[change]
    edit(gateway, tmp_path, lambda text: changed(text.replace("backends: [api]", "backends: [gpu, api]")))
    status, _, body = await running
    assert status == 503 and b"do not permit" in body
    assert api.rest("gpt-4o-mini", asyncio.get_running_loop().time()), "it rests still"


async def test_one_that_is_permitted_still_goes_on_waiting(serve, backends, tmp_path):
    gateway = await serve(KEYED.replace("backends: [gpu, api]", "backends: [api]"))
    backends["api"].script.append(answer(429, b"{}", "retry-after-ms: 500\r\n"))
    running = asyncio.create_task(gateway.post(ASK, APP))
    await until(lambda: gateway.fleet.backends["api"].rest("gpt-4o-mini", asyncio.get_running_loop().time()))
    edit(gateway, tmp_path, replaced("attempts: 3", "attempts: 2"))
    assert (await running)[0] == 200 and len(backends["api"].requests) == 2


@pytest.mark.parametrize("change", [*NARROWED, *ENDED])
async def test_one_that_waits_for_room_is_refused_as_soon_as_an_edit_shuts_it_out(serve, backends, tmp_path, change):
    room = "capacity: {max_running: 1, queue: 2, queue_timeout: 20s}, "
    only = PATIENT.replace("gpt-4o-mini},", f"gpt-4o-mini}}, {room}", 1).replace("[gpu, api]", "[api]")
    gateway = await serve(only)
    first = Fails(backends["api"], 200)
    occupying = asyncio.create_task(gateway.post(ASK, APP))
    await backends["api"].asked.wait()
    waiting = asyncio.create_task(gateway.post(ASK, APP))
    await until(lambda: gateway.service._room.queued("api"))
    changed = {**NARROWED, **ENDED}[change]
    edit(gateway, tmp_path, lambda text: changed(text.replace("backends: [api]", "backends: [gpu, api]")))
    status, _, body = await waiting
    assert status == 503 and b"do not permit" in body
    assert not occupying.done()
    first.go_on.set()
    assert (await occupying)[0] == 200


async def test_one_in_the_queue_is_judged_again_when_there_is_room(serve, backends, tmp_path):
    room = "capacity: {max_running: 1, queue: 1, queue_timeout: 5s}, "
    only = KEYED.replace("gpt-4o-mini},", f"gpt-4o-mini}}, {room}", 1).replace("[gpu, api]", "[api]")
    gateway = await serve(only)
    first = Fails(backends["api"], 200)
    occupying = asyncio.create_task(gateway.post(ASK, APP))
    await backends["api"].asked.wait()
    waiting = asyncio.create_task(gateway.post(ASK, {"authorization": "Bearer other-secret"}))
    await until(lambda: gateway.service._room.queued("api"))
    edit(gateway, tmp_path, replaced(digest("other-secret"), digest("another")))
    first.go_on.set()
    await occupying
    status, _, body = await waiting
    assert status == 503 and b"do not permit" in body
    assert len(backends["api"].requests) == 1


async def test_one_that_fails_over_to_what_is_full_is_judged_again_when_there_is_room(serve, backends, tmp_path):
    room = "capacity: {max_running: 1, queue_timeout: 9s}, "
    both = PATIENT.replace("gpt-4o-mini},", f"gpt-4o-mini}}, {room}", 1).replace("[gpu, api]", "[api]")
    both = both.replace("kind: openai, url: %(api)s", "kind: openai, urls: [%(api)s, %(gpu)s]")
    gateway = await serve(both + "health: {failures_to_open: 1, cooldown: 60s}\n")
    sick, busy = backends["api"], backends["gpu"]
    failing, occupied = Fails(sick, 500), Fails(busy, 200)
    running = asyncio.create_task(gateway.post(ASK, APP))
    await sick.asked.wait()
    occupying = asyncio.create_task(gateway.post(ASK, {"authorization": "Bearer other-secret"}))
    await busy.asked.wait()
    failing.go_on.set()
    await until(lambda: gateway.service.waiting)
    edit(gateway, tmp_path, ENDED["the key"])
    occupied.go_on.set()
    assert [(await each)[0] for each in (occupying, running)] == [200, 503]
    assert len(busy.requests) == 1


async def test_an_edit_that_permits_it_still_changes_nothing(serve, backends, tmp_path):
    gateway = await serve(PATIENT)
    failing = Fails(backends["api"], 500)
    running = asyncio.create_task(gateway.post(ASK, APP))
    await backends["api"].asked.wait()
    edit(gateway, tmp_path, replaced("attempts: 3", "attempts: 2"))
    failing.go_on.set()
    assert (await running)[0] == 200


async def test_what_was_taken_away_does_not_come_back(serve, backends, tmp_path):
    """A policy that is narrowed and widened again while a request waits: it was judged in between."""
    gateway = await serve(KEYED.replace("backends: [gpu, api]", "backends: [api]"))
    failing = [Fails(backends["api"], 500), Fails(backends["api"], 500)]
    running = asyncio.create_task(gateway.post(ASK, APP))
    await backends["api"].asked.wait()
    kept = (tmp_path / "policy.yaml").read_text()
    edit(gateway, tmp_path, NARROWED["the key's zones"])
    failing[0].go_on.set()
    status, _, _ = await running
    edit(gateway, tmp_path, lambda text: kept)
    assert status >= 500 and len(backends["api"].requests) == 1


@interpreted_only
async def test_while_nothing_changes_nobody_is_judged_again(serve, backends, monkeypatch):
    judged = []

    async def count(permission: Permission) -> None:
        judged.append(permission)

    monkeypatch.setattr(Permission, "renew", count)
    gateway = await serve(KEYED)
    backends["api"].script.extend([answer(500), answer(429, b"{}", "retry-after-ms: 10\r\n")])
    assert (await gateway.post(ASK, APP))[0] == 200
    assert not judged
