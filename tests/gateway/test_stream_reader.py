"""What streams of events about kept objects come to, through a whole gateway."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.gateway import Gateway
from support.responses import COMPLETED, CREATED, DELTA, IN_PROGRESS, event, response, response_object
from support.scripted import Behaviour, ScriptedBackend, answer, raw, stream
from support.scripted import event as chunk

from router.core.redaction import NO_SECRETS, Secrets
from router.gateway.stream_reader import ContentReader, broken_off, without_remarks
from router.surfaces.registry import SURFACES
from router.surfaces.sse import EventScanner

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


ENCODED = b64encode(f"user:{OTHERS}".encode()).decode()
FAILED = {"code": "invalid_prompt", "message": f"{OTHERS} or {ENCODED}"}


def asked(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("status", [{"status": "failed", "error": FAILED}, {"incomplete_details": {"reason": OTHERS}}])
async def test_nor_in_an_answer_that_says_why_it_is_none(
    gateway: Gateway, backends: Backends, status: dict[str, Any]
) -> None:
    backends["api"].default = answer(body=response(**status))
    given, _, body = await gateway.post({"model": "chat", "input": "Hi"}, path="/v1/responses")
    assert given == 200 and b"[secret]" in body and OTHERS.encode() not in body and ENCODED[8:-8].encode() not in body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/files"),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html", "application/octet-stream"])
async def test_nor_in_what_is_kept_with_whatever_it_came(
    gateway: Gateway, backends: Backends, method: str, path: str, kind: str
) -> None:
    said = {"object": "list", "data": [], "has_more": False, "errors": {"data": [FAILED]}, "status_details": OTHERS}
    body = json.dumps(said).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    backends["api"].default = raw(head.encode() + body)
    status, _, body = await gateway.exchange(asked(method, path))
    assert (status, body.count(b"[secret]")) == (200, 3)
    assert OTHERS.encode() not in body and ENCODED[8:-8].encode() not in body


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/files"), ("GET", "/v1/responses/resp_1"), ("POST", "/v1/files")]
)
@pytest.mark.parametrize("status", [401, 403])
async def test_what_a_backend_says_of_our_credential_is_no_clients_business(
    gateway: Gateway, backends: Backends, method: str, path: str, status: int
) -> None:
    error = {"message": "Incorrect API key provided: sk-****0123", "type": "invalid_request_error", "param": None}
    backends["api"].default = answer(status, json.dumps({"error": error | {"code": "invalid_api_key"}}).encode())
    given, headers, body = await gateway.exchange(asked(method, path))
    assert (given, headers["x-should-retry"], b"0123" in body) == (503, "false", False)
    told = json.loads(body)["error"]
    assert told["code"] == "backend_unavailable" and told["message"].endswith(f"answered. api: HTTP {status}")


@pytest.mark.parametrize(("status", "expected"), [(402, 503), (403, 503), (429, 429)])
async def test_nor_is_our_bill_but_for_a_limit(
    gateway: Gateway, backends: Backends, status: int, expected: int
) -> None:
    error = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
    backends["api"].default = answer(status, json.dumps({"error": error}).encode())
    assert (await gateway.exchange(asked("GET", "/v1/files")))[0] == expected


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("code", "expected"), [("server_error", 502), ("rate_limit_exceeded", 429), ("invalid_api_key", 503)]
)
async def test_an_error_in_the_place_of_what_is_kept_is_one(
    gateway: Gateway, backends: Backends, method: str, code: str, expected: int
) -> None:
    error = {"message": f"Not {OTHERS}, not sk-****0123", "code": code}
    backends["api"].default = answer(body=json.dumps({"error": error}).encode())
    status, _, body = await gateway.exchange(asked(method, "/v1/responses/resp_1"))
    assert (status, OTHERS.encode() in body) == (expected, False)
    backends["api"].default = answer(body=response(status="failed", error=error | {"code": "invalid_prompt"}))
    assert (await gateway.exchange(asked("GET", "/v1/responses/resp_1")))[0] == 200


def test_content_passes_without_a_credential_that_comes_in_pieces() -> None:
    secret, content = Secrets([OTHERS]), f"{'x' * 99}{OTHERS}, {ENCODED}{'y' * 99}".encode()
    for size in (1, 7, 40, len(content)):
        reader = ContentReader(secret)
        passed = b"".join(reader.feed(content[at : at + size]) for at in range(0, len(content), size)) + reader.rest()
        assert passed.startswith(b"x" * 99 + b"[secret], ") and passed.count(b"[secret]") == 2
        assert OTHERS.encode() not in passed and ENCODED[8:-8].encode() not in passed


def test_content_passes_at_once_where_there_is_nothing_to_look_for() -> None:
    assert ContentReader(NO_SECRETS).feed(b"Paris") == b"Paris"


REMARKS = [b": %b", b": sk%%2Dof-another-backend-0123 %b", b"Traceback: %b", b"%b", b"id: %b"]
STREAMS = {
    "/v1/responses": (BEGUN, COMPLETED),
    "/v1/chat/completions": (chunk("Paris", "stop"), b"data: [DONE]\n\n"),
}


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("remark", REMARKS)
@pytest.mark.parametrize("alone", [True, False])
async def test_nor_beside_the_events_of_a_stream(
    gateway: Gateway, backends: Backends, path: str, remark: bytes, alone: bool
) -> None:
    begun, end = STREAMS[path]
    said = remark % OTHERS.encode() + (b"\n\n" if alone else b"\n")
    backends["api"].default = stream(said + begun, said + end)
    asked = {"model": "chat", "stream": True, "input": "Hi", "messages": [{"role": "user", "content": "Hi"}]}
    asked.pop("messages" if path == "/v1/responses" else "input")
    _, _, body = await gateway.post(asked, path=path)
    assert OTHERS.encode() not in body and b"sk%2Dof" not in body
    assert [line for line in body.splitlines() if line.startswith(b"data:")] == [
        line for line in (begun + end).splitlines() if line.startswith(b"data:")
    ]


@pytest.mark.parametrize("remark", REMARKS)
async def test_nor_beside_those_of_one_that_is_kept(gateway: Gateway, backends: Backends, remark: bytes) -> None:
    body = await received(gateway, backends, stream(remark % OTHERS.encode() + b"\n\n" + BEGUN, COMPLETED))
    assert body.endswith(BEGUN + COMPLETED) and OTHERS.encode() not in body and b"sk%2Dof" not in body


@pytest.mark.parametrize("fields", [{"status": "failed", "error": FAILED}, {"incomplete_details": {"reason": OTHERS}}])
@pytest.mark.parametrize("kept", [True, False])
async def test_nor_in_the_last_event_of_one_that_failed(
    gateway: Gateway, backends: Backends, fields: dict[str, Any], kept: bool
) -> None:
    kind = "failed" if "status" in fields else "incomplete"
    failed = event(f"response.{kind}", 4, response=response_object(**{"status": kind} | fields))
    if kept:
        body = await received(gateway, backends, stream(BEGUN, failed))
    else:
        backends["api"].default = stream(BEGUN, failed)
        _, _, body = await gateway.post({"model": "chat", "input": "Hi", "stream": True}, path="/v1/responses")
    assert body.startswith(BEGUN) and b"[secret]" in body
    assert OTHERS.encode() not in body and ENCODED[8:-8].encode() not in body


def test_a_piece_of_an_event_that_is_too_large_stays_as_it_is() -> None:
    piece = b"%41" * 10_000 + b"\n\n"
    assert without_remarks(piece, Secrets([OTHERS])) == piece


def test_what_tells_of_the_end_does_not_continue_an_event_that_was_too_large_to_be_held() -> None:
    surface, scanner = SURFACES["chat"], EventScanner(max_event=30)
    plain = broken_off(surface, scanner, "req-1")
    scanner.feed(b"data: " + b"x" * 50)
    assert broken_off(surface, scanner, "req-1") == b"\n\n" + plain
