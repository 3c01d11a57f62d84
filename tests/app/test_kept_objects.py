"""Two gateways on one ledger, as processes: what one had stored the other finds, for its own team alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.engines import Server, embedded
from support.keeping import Keeper
from support.serving import Answer, Serving, connected, eventually, request

TEAMS = {"search-1": "search", "search-2": "search", "sales": "sales"}
POLICY = """
version: 1
zones: {cloud: {}}
backends:
  api: {zone: cloud, kind: openai, url: %s, resources: all, serves: {chat: {model: m, price: {input: 1, output: 2}}}}
models: {chat: {backends: [api]}}
keys: [%s]
ledger: {timeout: 500ms}
"""


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made, loop = Keeper(), asyncio.new_event_loop()
    runs = threading.Thread(target=loop.run_forever)
    runs.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result()
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    runs.join()
    loop.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with embedded(tmp_path / "server") as started:
        yield started


@pytest.fixture
def gateways(tmp_path: Path, keeper: Keeper, server: Server) -> Iterator[list[Serving]]:
    keys = (f'{{name: {k}, team: {t}, sha256: "{sha256(k.encode()).hexdigest()}"}}' for k, t in TEAMS.items())
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY % (keeper.url, ", ".join(keys)))
    arguments = ("--policy", str(policy), "--redis", server.url, "--workers", "1")
    started = [Serving(tmp_path / f"data{number}", arguments).start() for number in range(2)]
    yield started
    for gateway in started:
        gateway.stop()


def ask(gateway: Serving, key: str, method: str, path: str, body: Any = None) -> Answer:
    with connected(gateway.url) as connection:
        return request(connection, method, f"/v1{path}", body, {"authorization": f"Bearer {key}"})


def test_what_one_gateway_had_stored_another_one_finds(gateways: list[Serving], server: Server) -> None:
    one, other = gateways
    first = ask(one, "search-1", "POST", "/responses", {"model": "chat", "input": "Hi"}).json
    more = {"model": "chat", "input": "And?", "previous_response_id": first["id"]}
    second = ask(other, "search-2", "POST", "/responses", more)
    assert second.status == 200
    assert ask(one, "search-1", "GET", f"/responses/{second.json['id']}").json["previous_response_id"] == first["id"]
    conversation = ask(other, "search-1", "POST", "/conversations", {}).json
    assert ask(one, "search-2", "GET", f"/conversations/{conversation['id']}").status == 200
    for gateway in gateways:
        assert ask(gateway, "sales", "GET", f"/conversations/{conversation['id']}").status == 404
        assert ask(gateway, "sales", "POST", "/responses", more).code == "previous_response_not_found"
    assert all(first["id"].encode() not in key for key in server.client.keys("*"))
    with server.frozen():
        lost = ask(other, "search-2", "POST", "/responses", more)
        assert (lost.status, lost.code) == (503, "objects_unavailable")
        assert ask(one, "search-1", "GET", f"/responses/{first['id']}").status == 503
    eventually(lambda: ask(other, "search-2", "GET", f"/responses/{first['id']}").status == 200)


def test_no_worker_or_gateway_has_to_live_for_it(gateways: list[Serving]) -> None:
    one, other = gateways
    made = ask(one, "search-1", "POST", "/conversations", {}).json
    [worker] = one.workers()
    worker.kill()
    assert ask(other, "search-1", "GET", f"/conversations/{made['id']}").status == 200
    eventually(lambda: finds(one, made["id"]))


def finds(gateway: Serving, id: str) -> bool:
    """Whether it does; a worker that is being replaced takes no connections."""
    try:
        return ask(gateway, "search-1", "GET", f"/conversations/{id}").status == 200
    except OSError:
        return False
