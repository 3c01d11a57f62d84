"""Whatever a backend calls an error, and whenever it says so: clients are told in their own dialect."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support import anthropic, responses
from support.gateway import Gateway
from support.scripted import ScriptedBackend, answer, event, raw, stream

from router.surfaces.sse import payloads

POLICY = """
version: 1
zones: {local: {owned: true}}
backends:
  gpu: {zone: local, kind: vllm, url: %(gpu)s, serves: {chat: tiny-llama}, cost: {usd_per_hour: 1.0}}
  api: {zone: local, kind: openai, url: %(api)s, serves: {chat: tiny-llama}, cost: {usd_per_hour: 1.0},
        resources: [files]}
models: {chat: {backends: [gpu, api]}}
retry: {attempts: 1, deadline: 5s}
"""
WORDS = "The GPU ran out of memory"
SHAPES = {
    "openai": {"error": {"message": WORDS, "type": "server_error", "param": None, "code": None}},
    "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": WORDS}, "request_id": None},
    "vllm before 0.10": {"object": "error", "message": WORDS, "type": "Internal", "param": None, "code": 500},
    "fastapi": {"detail": WORDS},
    "words": {"error": WORDS},
    "a text": WORDS,
}
BODIES = {
    **{name: json.dumps(shape).encode() for name, shape in SHAPES.items()},
    "a page": f"<html><title>{WORDS}</title></html>".encode(),
    "a chunk": b"data: " + json.dumps(SHAPES["openai"]).encode() + b"\n\n",
}
MESSAGES = [{"role": "user", "content": "Hi"}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "chat", "messages": MESSAGES},
    "/v1/completions": {"model": "chat", "prompt": "Hi"},
    "/v1/responses": {"model": "chat", "input": "Hi"},
    "/v1/messages": {"model": "chat", "max_tokens": 9, "messages": MESSAGES},
    "/v1/audio/speech": {"model": "chat", "input": "Hi", "voice": "alloy"},
    "/v1/images/generations": {"model": "chat", "prompt": "a cat"},
}
BEGINNINGS = {
    "/v1/chat/completions": event("Pa"),
    "/v1/completions": b'data: {"choices":[{"index":0,"text":"Pa","finish_reason":null}]}\n\n',
    "/v1/responses": responses.CREATED + responses.DELTA,
    "/v1/messages": anthropic.start() + anthropic.text("Pa"),
    "/v1/images/generations": b'data: {"type":"image_generation.partial_image","b64_json":"x"}\n\n',
}


@pytest.fixture
async def gateway(serve: Callable[..., Awaitable[Gateway]]) -> Gateway:
    return await serve(POLICY)


def told(path: str, value: Any) -> str:
    """The message of an error in the dialect of a path. Fails on any other."""
    if path == "/v1/messages":
        assert value["type"] == "error" and value["error"]["type"]
    else:
        assert value.keys() == {"error"} and value["error"].keys() == {"message", "type", "param", "code"}
    return str(value["error"]["message"])


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("status", [400, 502])
async def test_an_error_answer_is_told_in_the_clients_dialect(
    gateway: Gateway, backends: dict[str, ScriptedBackend], path: str, body: bytes, status: int
) -> None:
    backends["api"].default = backends["gpu"].default = answer(status, body)
    got, headers, said = await gateway.post(ASKED[path], path=path)
    assert (got, told(path, json.loads(said))) == (status, WORDS)
    if path == "/v1/messages":
        assert json.loads(said)["request_id"] == headers["x-request-id"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_so_is_one_about_what_a_backend_keeps(
    gateway: Gateway, backends: dict[str, ScriptedBackend], body: bytes
) -> None:
    backends["api"].default = backends["gpu"].default = answer(500, body)
    status, _, said = await gateway.post({"purpose": "batch"}, path="/v1/files")
    assert (status, told("/v1/files", json.loads(said))) == (500, WORDS)


@pytest.mark.parametrize("path", BEGINNINGS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("name", [b"", b"event: error\n"])
async def test_an_error_in_a_stream_is_told_in_the_clients_dialect(
    gateway: Gateway, backends: dict[str, ScriptedBackend], path: str, shape: Any, name: bytes
) -> None:
    error = name + b"data: " + json.dumps(shape).encode() + b"\n\n"
    backends["api"].default = backends["gpu"].default = stream(BEGINNINGS[path], error, b"data: [DONE]\n\n")
    status, _, body = await gateway.post(ASKED[path] | {"stream": True}, path=path)
    assert status == 200 and body.startswith(BEGINNINGS[path])
    last = body[len(BEGINNINGS[path]) :].decode()
    value = json.loads(last.partition("data: ")[2])
    if path == "/v1/responses":
        assert last.startswith("event: response.failed\n") and value["response"]["status"] == "failed"
        assert (value["response"]["id"], value["response"]["error"]["message"]) == ("resp_1", WORDS)
    else:
        assert last.startswith("event: error\n") == (
            path == "/v1/messages" or (name != b"" and shape is SHAPES["openai"])
        )
        assert told(path, value) == WORDS
    (row,) = gateway.rows()
    assert row.errors == 1


@pytest.mark.parametrize("end", ["broken", "whole", "a text that is cut"])
async def test_a_response_without_an_end_is_a_failed_one(
    gateway: Gateway, backends: dict[str, ScriptedBackend], end: str
) -> None:
    begun = BEGINNINGS["/v1/responses"]
    backends["api"].default = backends["gpu"].default = stream(
        begun, *([b"data: " + WORDS.encode()] if "text" in end else []), ends=end != "broken"
    )
    _, _, body = await gateway.post(ASKED["/v1/responses"] | {"stream": True}, path="/v1/responses")
    last = body[len(begun) :].decode()
    assert last.startswith("event: response.failed\n") and last.count("\n\n") == 1


NOT_JSON = b'data: {"id":"c","choi'
LEFT_OVER = {
    "a line without its blank line": lambda begun: [begun[:-1]],
    "half a line": lambda begun: [begun[:-9]],
    "half a JSON": lambda begun: [NOT_JSON + b"\n\n"],
    "half a JSON with more behind it": lambda begun: [NOT_JSON + b"\n\n", begun, b"data: [DONE]\n\n"],
    "all that at once": lambda begun: [NOT_JSON + b"\n\n" + begun + b"data: [DONE]\n\n"],
    "half a JSON without its blank line": lambda begun: [NOT_JSON + b"\n"],
}


@pytest.mark.parametrize("path", BEGINNINGS)
@pytest.mark.parametrize("left_over", LEFT_OVER.values(), ids=LEFT_OVER.keys())
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
async def test_the_error_of_a_stream_that_breaks_off_is_an_event_of_its_own(
    gateway: Gateway,
    backends: dict[str, ScriptedBackend],
    path: str,
    left_over: Callable[[bytes], list[bytes]],
    line_end: bytes,
) -> None:
    begun = BEGINNINGS[path]
    events = [each.replace(b"\n", line_end) for each in [begun, *left_over(begun)]]
    backends["api"].default = backends["gpu"].default = stream(*events)
    _, _, body = await gateway.post(ASKED[path] | {"stream": True}, path=path)
    assert body.startswith(events[0])
    *_, last = [json.loads(payload) for payload in payloads(body)]
    assert "upstream_stream_broken" in json.dumps(last) or told(path, last) == "The backend's stream broke off."
    (row,) = gateway.rows()
    assert row.errors == 1


async def test_an_error_that_lacks_its_blank_line_gets_one(
    gateway: Gateway, backends: dict[str, ScriptedBackend]
) -> None:
    error = b"data: " + json.dumps(SHAPES["openai"]).encode() + b"\n"
    backends["api"].default = backends["gpu"].default = stream(event("Pa"), error)
    path = "/v1/chat/completions"
    _, _, body = await gateway.post(ASKED[path] | {"stream": True}, path=path)
    assert body.startswith(event("Pa") + error + b"\n") and body.endswith(b"\n\n")


@pytest.mark.parametrize("path", BEGINNINGS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
async def test_an_error_that_begins_a_stream_is_an_error_answer(
    gateway: Gateway, backends: dict[str, ScriptedBackend], path: str, shape: Any
) -> None:
    backends["api"].default = backends["gpu"].default = stream(b"data: " + json.dumps(shape).encode() + b"\n\n")
    status, _, body = await gateway.post(ASKED[path] | {"stream": True}, path=path)
    assert status >= 500 and told(path, json.loads(body)) == WORDS


async def test_a_page_in_the_place_of_a_stream_is_no_answer(
    gateway: Gateway, backends: dict[str, ScriptedBackend]
) -> None:
    backends["api"].default = backends["gpu"].default = raw(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<p>Hi</p>"
    )
    status, _, body = await gateway.post(ASKED["/v1/responses"] | {"stream": True}, path="/v1/responses")
    assert status == 503 and told("/v1/responses", json.loads(body))
