"""What streams of events about kept objects come to, through a whole gateway."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.gateway import Gateway
from support.responses import COMPLETED, CREATED, DELTA, IN_PROGRESS, response
from support.scripted import Behaviour, ScriptedBackend, answer, raw, stream

POLICY = """
version: 1
zones: {cloud: {}}
backends:
  api: {zone: cloud, kind: openai, url: %(api)s, serves: {chat: gpt-4o-mini}, api_key: "env:OPENAI_API_KEY",
        resources: [responses, threads, assistants, files]}
  other: {zone: cloud, kind: openai, url: %(gpu)s, serves: {chat: gpt-4o}, api_key: "env:OTHER_KEY"}
models: {chat: {backends: [api]}}
secrets: {OPENAI_API_KEY: [127.0.0.1], OTHER_KEY: [127.0.0.1]}
"""
OTHERS = "sk-of-another-backend-0123"
BEGUN = CREATED + IN_PROGRESS + DELTA
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
Backends = dict[str, ScriptedBackend]


@pytest.fixture
async def gateway(
    serve: Callable[..., Awaitable[Gateway]], backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> Gateway:
    """One where the backend keeps `resp_1`."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-provider-0123")
    monkeypatch.setenv("OTHER_KEY", OTHERS)
    made = await serve(POLICY)
    backends["api"].default = answer(body=response())
    await made.post({"model": "chat", "input": "Hi", "store": True}, path="/v1/responses")
    return made


async def received(gateway: Gateway, backends: Backends, behaviour: Behaviour) -> bytes:
    backends["api"].default = behaviour
    status, _, body = await gateway.exchange(
        b"GET /v1/responses/resp_1?stream=true HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    assert status == 200
    return body


def last(body: bytes) -> Any:
    return json.loads(body.decode().strip().splitlines()[-1].removeprefix("data: "))


@pytest.mark.parametrize("behaviour", [stream(BEGUN, COMPLETED), raw(UNTIL_CLOSED + BEGUN + COMPLETED)])
async def test_a_whole_stream_passes_as_it_came(gateway: Gateway, backends: Backends, behaviour: Behaviour) -> None:
    assert await received(gateway, backends, behaviour) == BEGUN + COMPLETED


@pytest.mark.parametrize(
    "behaviour",
    [
        stream(BEGUN, ends=False),
        stream(BEGUN),
        raw(UNTIL_CLOSED + BEGUN),
        raw(UNTIL_CLOSED + BEGUN + COMPLETED[:40]),
    ],
    ids=["broken", "without its end", "until it closes", "half an event"],
)
async def test_a_stream_that_is_cut_ends_as_a_failed_response(
    gateway: Gateway, backends: Backends, behaviour: Behaviour
) -> None:
    body = await received(gateway, backends, behaviour)
    assert body.startswith(BEGUN + b"event: response.failed\n")
    assert (last(body)["response"]["id"], last(body)["response"]["status"]) == ("resp_1", "failed")


async def test_an_error_in_it_is_told_as_a_response_tells_it(gateway: Gateway, backends: Backends) -> None:
    error = b'data: {"error": {"message": "gone, %b"}}\n\n' % OTHERS.encode()
    body = await received(gateway, backends, stream(BEGUN, error, COMPLETED))
    assert body.startswith(BEGUN + b"event: response.failed\n") and body.count(b"\n\n") == BEGUN.count(b"\n\n") + 1
    assert last(body)["response"]["error"]["message"] == "gone, [secret]"


async def test_a_redirect_is_neither_followed_nor_passed_on(gateway: Gateway, backends: Backends) -> None:
    backends["api"].default = answer(302, b"", "location: https://elsewhere.example/\r\n")
    asked = b"GET /v1/responses/resp_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    status, headers, body = await gateway.exchange(asked)
    assert (status, "location" in headers) == (502, False)
    assert "HTTP 302, a redirect" in json.loads(body)["error"]["message"]


async def test_a_run_of_a_new_thread_is_told_how_it_is_done_here(gateway: Gateway, backends: Backends) -> None:
    status, _, body = await gateway.post({"assistant_id": "asst_1"}, path="/v1/threads/runs")
    assert status == 404 and "POST /v1/threads/{id}/runs" in json.loads(body)["error"]["message"]


async def test_a_credential_of_any_backend_is_told_to_nobody(gateway: Gateway, backends: Backends) -> None:
    backends["api"].default = answer(400, json.dumps({"error": {"message": f"no {OTHERS}"}}).encode())
    for path, body in (("/v1/responses", {"model": "chat", "input": "Hi"}), ("/v1/files", {"purpose": "batch"})):
        status, _, said = await gateway.post(body, path=path)
        assert (status, json.loads(said)["error"]["message"]) == (400, "no [secret]")
