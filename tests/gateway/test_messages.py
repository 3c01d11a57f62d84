"""Anthropic's Messages through a whole gateway: to its own API, and to an own vLLM."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support import anthropic
from support.gateway import Gateway, parse
from support.scripted import ScriptedBackend, answer, stream

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: %(gpu)s, serves: {chat: tiny-llama}, cost: {usd_per_hour: 1.0},
        first_byte_timeout: 1s, idle_timeout: 1s}
  api: {zone: cloud, kind: anthropic, url: %(api)s, api_key: "env:CLAUDE_KEY", serves: {chat: claude-haiku-4-5},
        first_byte_timeout: 1s, idle_timeout: 1s}
models: {chat: {backends: [gpu, api], aliases: [claude-haiku-4-5]}}
secrets: {CLAUDE_KEY: [127.0.0.1]}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  unreadable: public
  detectors: [{find: [credit_card, us_ssn], raise_to: restricted}]
cost: {strategy: cloud_first}
retry: {attempts: 3, deadline: 5s, backoff: 1ms}
"""
CLOUD_ONLY = POLICY.replace("backends: [gpu, api]", "backends: [api]")
PATH, COUNT = "/v1/messages", "/v1/messages/count_tokens"
ASK = {"model": "chat", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
SECRET = "my SSN is 536-90-4399"
KEY = "sk-ant-of-the-gateway"

Backends = dict[str, ScriptedBackend]
Serve = Callable[..., Awaitable[Gateway]]


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch, serve: Serve, backends: Backends) -> Serve:
    monkeypatch.setenv("CLAUDE_KEY", KEY)
    backends["api"].default = answer(body=anthropic.message())
    backends["gpu"].default = answer(body=anthropic.message("From home.", {"input_tokens": 5, "output_tokens": 2}))

    async def start(policy: str = POLICY) -> Gateway:
        return await serve(policy)

    return start


async def test_an_answer_passes_as_it_came_and_all_that_it_used_is_booked(claude: Serve, backends: Backends) -> None:
    gateway = await claude()
    status, headers, body = await gateway.post(
        ASK, {"x-api-key": "whatever", "anthropic-beta": "b-1"}, PATH + "?beta=true"
    )
    assert (status, body) == (200, anthropic.message())
    assert headers["request-id"] == headers["x-request-id"]
    (head,) = backends["api"].heads
    assert head.startswith("POST /v1/messages?beta=true HTTP/1.1\r\n")
    assert f"x-api-key: {KEY}\r\n" in head and "authorization" not in head and "whatever" not in head
    assert "anthropic-version: 2023-06-01\r\n" in head and "anthropic-beta: b-1\r\n" in head
    assert backends["api"].requests[0]["model"] == "claude-haiku-4-5"
    (row,) = gateway.rows()
    assert (row.input, row.cached, row.output, row.estimated) == (400, 90, 7, 0)
    micro_usd = 10 * 1.0 + 90 * 0.1 + 100 * 1.25 + 200 * 2.0 + 7 * 5.0
    assert row.cost == round(micro_usd * 1000)


async def test_the_clients_version_is_kept(claude: Serve, backends: Backends) -> None:
    gateway = await claude()
    await gateway.post(ASK, {"anthropic-version": "2026-10-21"}, PATH)
    assert "anthropic-version: 2026-10-21\r\n" in backends["api"].heads[0]
    assert "2023-06-01" not in backends["api"].heads[0]


async def test_a_stream_passes_as_it_came(claude: Serve, backends: Backends) -> None:
    parts = (anthropic.start(), anthropic.text("Par", "is."), anthropic.end())
    backends["api"].default = stream(*parts)
    gateway = await claude()
    status, headers, body = await gateway.post(ASK | {"stream": True}, path=PATH)
    assert (status, body) == (200, b"".join(parts))
    assert headers["content-type"] == "text/event-stream"
    (row,) = gateway.rows()
    assert (row.input, row.cached, row.output, row.estimated) == (400, 90, 7, 0)


@pytest.mark.parametrize("last", [b"", anthropic.event("message_delta", delta={"stop_reason": "end_turn"}, usage={})])
async def test_a_stream_that_breaks_off_ends_with_an_error_and_no_invented_end(
    claude: Serve, backends: Backends, last: bytes
) -> None:
    parts = (anthropic.start(), anthropic.text("Par", "is."), *([last] if last else []))
    backends["api"].default = stream(*parts, ends=False)
    gateway = await claude()
    _, _, body = await gateway.post(ASK | {"stream": True}, path=PATH)
    whole = b"".join(parts)
    assert body.startswith(whole) and b"message_stop" not in body
    assert body[len(whole) :].startswith(b"event: error\ndata: {")
    (row,) = gateway.rows()
    assert (row.input, row.errors) == (400, 1) and row.output >= 2


OVERLOADED = anthropic.event("error", error={"type": "overloaded_error", "message": "Overloaded"})
GPU_ONLY = POLICY.replace("backends: [gpu, api]", "backends: [gpu]")


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("policy", "backend"), [(GPU_ONLY, "gpu"), (CLOUD_ONLY, "api")])
async def test_nothing_follows_an_error_event_and_the_connection_breaks(
    claude: Serve, backends: Backends, policy: str, backend: str, together: bool
) -> None:
    parts = (anthropic.start() + anthropic.text("Par"), OVERLOADED, anthropic.end())
    backends[backend].default = stream(parts[0], *([b"".join(parts[1:])] if together else parts[1:]))
    gateway = await claude(policy)
    answered = await received(gateway, ASK | {"stream": True})
    assert not answered.endswith(b"0\r\n\r\n")
    assert parse(answered)[2] == parts[0] + OVERLOADED
    (row,) = gateway.rows()
    assert row.errors == 1


UNSAID = [
    b"",
    anthropic.event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 7}),
    anthropic.event("message_delta", delta={}, usage={"output_tokens": 7}),
]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("said", UNSAID, ids=["no delta", "null", "left out"])
@pytest.mark.parametrize(("policy", "backend"), [(GPU_ONLY, "gpu"), (CLOUD_ONLY, "api")])
async def test_an_end_without_a_reason_is_a_stream_that_broke_off(
    claude: Serve, backends: Backends, policy: str, backend: str, said: bytes, together: bool
) -> None:
    begun, stop = anthropic.start() + anthropic.text("Par", "is."), anthropic.event("message_stop")
    ends = [said + stop] if together else [each for each in (said, stop) if each]
    backends[backend].default = stream(begun, *ends)
    gateway = await claude(policy)
    answered = await received(gateway, ASK | {"stream": True})
    body = parse(answered)[2]
    assert not answered.endswith(b"0\r\n\r\n")
    assert body.startswith(begun + said + b"event: error\ndata: {") and b"message_stop" not in body
    (row,) = gateway.rows()
    assert row.errors == 1


async def received(gateway: Gateway, body: dict[str, Any]) -> bytes:
    """Every byte of an answer as it came, to the end of the connection."""
    content = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (PATH.encode(), len(content), content)
    )
    found = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return found


@pytest.mark.parametrize(
    "fails",
    [
        answer(529, anthropic.error("overloaded_error", "Overloaded")),
        answer(429, anthropic.error("rate_limit_error", "Slow down"), "retry-after: 30\r\n"),
        answer(401, anthropic.error("authentication_error", "invalid x-api-key")),
        answer(404, anthropic.error("not_found_error", "model: claude-haiku-4-5")),
        answer(200, anthropic.error("overloaded_error", "Overloaded")),
    ],
)
async def test_what_another_backend_may_do_better_goes_on_to_it(claude: Serve, backends: Backends, fails: Any) -> None:
    backends["api"].default = fails
    gateway = await claude()
    status, _, body = await gateway.post(ASK, path=PATH)
    assert status == 200 and b"From home." in body


async def test_an_error_right_after_the_start_of_a_stream_is_not_the_clients(claude: Serve, backends: Backends) -> None:
    overloaded = anthropic.event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    backends["api"].default = stream(anthropic.start(), anthropic.event("ping"), overloaded)
    backends["gpu"].default = stream(anthropic.start(), anthropic.text("Home"), anthropic.end())
    gateway = await claude()
    status, _, body = await gateway.post(ASK | {"stream": True}, path=PATH)
    assert status == 200 and b"Home" in body and b"Overloaded" not in body


async def test_the_clients_own_mistake_is_told_as_the_provider_tells_it(claude: Serve, backends: Backends) -> None:
    said = anthropic.error("invalid_request_error", "messages: roles must alternate")
    backends["api"].default = answer(400, said)
    gateway = await claude()
    status, headers, body = await gateway.post(ASK, path=PATH)
    assert (status, body) == (400, said) and headers["request-id"].startswith("req_")
    assert not backends["gpu"].requests


async def test_a_refusal_is_an_answer(claude: Serve, backends: Backends) -> None:
    backends["api"].default = answer(body=anthropic.message("", stop_reason="refusal"))
    gateway = await claude()
    status, _, body = await gateway.post(ASK, path=PATH)
    assert status == 200 and json.loads(body)["stop_reason"] == "refusal"


WITH_A_SECRET: dict[str, dict[str, Any]] = {
    "system": {"system": SECRET},
    "system blocks": {"system": [{"type": "text", "text": SECRET}]},
    "tool input": {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": {"a": SECRET}}]}]},
    "tool result": {
        "messages": [
            {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": SECRET}]}]}
        ]
    },
    "thinking": {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": SECRET}]}]},
    "tool": {"tools": [{"name": "a", "description": SECRET, "input_schema": {}}]},
    "schema": {"tools": [{"name": "a", "input_schema": {"properties": {SECRET: {}}}}]},
    "stop": {"stop_sequences": [SECRET]},
    "user": {"metadata": {"user_id": SECRET}},
    "escaped": {"messages": [{"role": "user", "content": "my SSN is 536-90-\u200b4399"}]},
}


@pytest.mark.parametrize("path", [PATH, COUNT])
@pytest.mark.parametrize("fields", WITH_A_SECRET.values(), ids=WITH_A_SECRET)
async def test_nothing_restricted_leaves_not_even_to_be_counted(
    claude: Serve, backends: Backends, fields: dict[str, Any], path: str
) -> None:
    backends["gpu"].default = answer(body=b'{"input_tokens":5}') if path == COUNT else backends["gpu"].default
    gateway = await claude()
    status, headers, _ = await gateway.post(ASK | fields, path=path)
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
    assert not backends["api"].received


async def test_where_it_may_not_leave_it_is_refused_in_the_clients_dialect(claude: Serve, backends: Backends) -> None:
    gateway = await claude(CLOUD_ONLY)
    for path in (PATH, COUNT):
        status, headers, body = await gateway.post(ASK | {"system": SECRET}, path=path)
        said = json.loads(body)
        assert (status, said["type"], said["error"]["type"]) == (403, "error", "permission_error")
        assert said["request_id"] == headers["request-id"] == headers["x-request-id"]
    assert not backends["api"].received


async def test_counting_costs_nothing(claude: Serve, backends: Backends) -> None:
    backends["api"].default = answer(body=b'{"input_tokens":31}')
    gateway = await claude()
    status, _, body = await gateway.post({"model": "chat", "messages": ASK["messages"]}, path=COUNT)
    assert (status, body) == (200, b'{"input_tokens":31}')
    (row,) = gateway.rows()
    assert (row.requests, row.input, row.output, row.cost) == (1, 0, 0, 0)


DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}


async def test_what_an_own_server_would_lose_goes_where_it_is_kept(claude: Serve, backends: Backends) -> None:
    gateway = await claude(POLICY.replace("cloud_first", "local_first"))
    with_document = ASK | {"messages": [{"role": "user", "content": [DOCUMENT]}]}
    assert (await gateway.post(ASK, path=PATH))[1]["x-breakeven-backend"] == "gpu"
    assert (await gateway.post(with_document, path=PATH))[1]["x-breakeven-backend"] == "api"
    assert len(backends["gpu"].requests) == 1


async def test_or_nowhere(claude: Serve, backends: Backends) -> None:
    gateway = await claude(POLICY.replace("backends: [gpu, api]", "backends: [gpu]"))
    asked = ASK | {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    status, _, body = await gateway.post(asked, path=PATH)
    assert status == 400 and "hosted tools" in json.loads(body)["error"]["message"]
    assert not backends["gpu"].requests


async def test_models_are_listed_in_the_dialect_of_who_asks(claude: Serve) -> None:
    gateway = await claude()
    for headers, kind in (("anthropic-version: 2023-06-01\r\n", "model"), ("", None)):
        ask = f"GET /v1/models HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n"
        status, _, body = await gateway.exchange(ask.encode())
        listing = json.loads(body)
        assert status == 200 and listing["data"][0].get("type") == kind and ("has_more" in listing) is bool(kind)


async def test_a_path_that_there_is_not_is_told_in_the_dialect_of_who_asks(claude: Serve) -> None:
    gateway = await claude()
    ask = b"GET /v1/nope HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\nconnection: close\r\n\r\n"
    status, headers, body = await gateway.exchange(ask)
    assert status == 404 and json.loads(body)["request_id"] == headers["request-id"]
