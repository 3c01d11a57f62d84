"""What passes between a client and a backend besides the body."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest
from support.gateway import POLICY
from support.scripted import DONE, answer, completion, event, raw, stream

from router.core.redaction import NO_SECRETS
from router.gateway.headers import TO_CLIENT, TRACE, to_client
from router.surfaces.headers import TO_BACKEND

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
CARD = "4111 1111 1111 1111"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CLOUD_FIRST = POLICY.replace("local_first", "cloud_first")
FROM_CLIENT = [
    *("user-agent", "idempotency-key", "tracestate", "baggage", "cookie", "x-stainless-os", "x-forwarded-for", "from"),
    *("openai-organization", "openai-project", "openai-anything", "anthropic-anything", "accept", "referer", "via"),
    *("x-request-id", "x-breakeven-tags", "accept-language", "te", "x-api-key"),
]
FROM_BACKEND = [
    *("x-breakeven-zone: cloud", "x-breakeven-budget: none", "access-control-allow-origin: *", "set-cookie: a=b"),
    *("strict-transport-security: max-age=1", "clear-site-data: *", "alt-svc: h3", "server: nginx", "link: <x>"),
    *("x-should-retry: true", "openai-organization: acme", "openai-project: p", "location: http://x", "connection: x"),
    *("content-security-policy: x", "www-authenticate: Basic", "refresh: 0", "vary: origin", "trailer: x-evil"),
]


@pytest.mark.parametrize("name", FROM_CLIENT)
async def test_what_a_client_says_in_other_headers_stays_here(serve, backends, name):
    gateway = await serve(CLOUD_FIRST)
    await gateway.post(ASK, {name: "canary of the client"})
    [received] = [bytes(backend.received) for backend in backends.values() if backend.received]
    assert b"canary" not in received


async def test_a_backend_gets_what_it_needs_and_is_told_who_asks(serve, backends):
    gateway = await serve(CLOUD_FIRST)
    await gateway.post(
        ASK, {"openai-beta": "assistants=v2", "anthropic-beta": "a-2025-01-01, b", "user-agent": "app/1"}
    )
    (head,) = backends["api"].heads
    names = [line.partition(":")[0] for line in head.strip().split("\r\n")[1:]]
    own = ["host", "content-type", "accept", "accept-encoding", "user-agent", "anthropic-beta", "openai-beta"]
    assert names == [*own, "content-length"]
    assert "\r\nuser-agent: breakeven\r\n" in head and "\r\nanthropic-beta: a-2025-01-01, b\r\n" in head


@pytest.mark.parametrize("name", TO_BACKEND)
async def test_what_passes_is_looked_at(serve, backends, name):
    gateway = await serve(CLOUD_FIRST)
    _, headers, _ = await gateway.post(ASK, {name: CARD})
    assert (headers["x-breakeven-backend"], headers["x-breakeven-sensitivity"]) == ("gpu", "restricted")
    assert not backends["api"].received


@pytest.mark.parametrize("value", ["n\u00e4me", "a" * 300, '{"a": 1}', ""])
async def test_what_names_no_version_does_not_pass(serve, backends, value):
    gateway = await serve()
    await gateway.post(ASK, {"openai-beta": value})
    assert b"openai-beta" not in backends["gpu"].received


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("?beta=true", "POST /v1/chat/completions?beta=true HTTP/1.1"),
        ("?beta=4111111111111111", "POST /v1/chat/completions HTTP/1.1"),
        ("?beta=true&name=roe", "POST /v1/chat/completions HTTP/1.1"),
        ("?", "POST /v1/chat/completions HTTP/1.1"),
    ],
)
async def test_a_query_passes_that_chooses_a_version_and_no_other(serve, backends, query, line):
    gateway = await serve()
    await gateway.post(ASK, path=f"/v1/chat/completions{query}")
    assert backends["gpu"].heads[0].startswith(line)


async def test_traces_go_on_in_own_backends_only(serve, backends):
    gateway = await serve()
    await gateway.post(ASK, {TRACE: TRACEPARENT})
    await gateway.post(ASK, {TRACE: "00-jane-roe-01"})
    assert [TRACE in head for head in backends["gpu"].heads] == [True, False]
    backends["gpu"].default = answer(500, b"{}")
    await gateway.post(ASK, {TRACE: TRACEPARENT})
    assert backends["api"].heads and TRACE.encode() not in backends["api"].received


@pytest.mark.parametrize("line", FROM_BACKEND)
async def test_a_backend_speaks_neither_for_the_gateway_nor_to_the_browser(serve, backends, line):
    gateway = await serve()
    name = line.partition(":")[0]
    plain, headers = (await gateway.post(ASK))[1], {}
    backends["gpu"].default = answer(headers=f"{line}\r\n")
    _, headers, _ = await gateway.post(ASK)
    assert headers.get(name) == plain.get(name)
    assert headers["x-breakeven-zone"] == "local"


async def test_what_is_useful_passes_once(serve, backends):
    gateway = await serve()
    useful = "openai-processing-ms: 7\r\nx-ratelimit-remaining-tokens: 9\r\nContent-Type: text/html\r\n"
    backends["gpu"].default = answer(headers=f"{useful}x-request-id: req_of_theirs\r\n")
    _, headers, _ = await gateway.post(ASK)
    assert (headers["openai-processing-ms"], headers["x-ratelimit-remaining-tokens"]) == ("7", "9")
    assert headers["content-type"] == "application/json"
    assert headers["x-upstream-request-id"] == "req_of_theirs" != headers["x-request-id"]
    assert headers["x-request-id"] == gateway.ledger.records[0].request


def test_of_two_ids_the_first_passes_and_none_that_is_no_id() -> None:
    assert to_client([(b"request-id", b"a"), (b"x-request-id", b"b")], "ours", NO_SECRETS) == (
        b"x-request-id: ours\r\nx-upstream-request-id: a\r\n"
    )
    none = [(b"x-request-id", b"a b"), (b"x-request-id", b"c" * 200)]
    assert to_client(none, "ours", NO_SECRETS) == b"x-request-id: ours\r\n"


@pytest.mark.parametrize("name", ["x-request-id", "openai-version", "x-ratelimit-key"])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("said", ["gpu-secret-0123456789", b64encode(b"user:gpu-secret-0123456789").decode()])
async def test_a_header_that_repeats_our_credential_stays_here(serve, backends, monkeypatch, name, status, said):
    monkeypatch.setenv("GPU_KEY", "gpu-secret-0123456789")
    policy = POLICY.replace("gpu: {zone: local,", "gpu: {zone: local, api_key: env:GPU_KEY,")
    gateway = await serve(policy + "secrets: {GPU_KEY: [127.0.0.1]}\n")
    repeating = f"{name}: for:{said}\r\nopenai-processing-ms: 7\r\n"
    backends["gpu"].default = answer(status, completion(), repeating)
    answered, headers, _ = await gateway.post(ASK)
    assert (answered, headers["openai-processing-ms"]) == (status, "7")
    assert "authorization: Bearer gpu-secret-0123456789\r\n" in backends["gpu"].heads[-1]
    assert said not in str(headers)


async def test_trailers_are_no_headers(serve, backends):
    gateway = await serve()
    body = completion()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    trailer = b"0\r\nopenai-version: evil\r\nx-breakeven-zone: cloud\r\n\r\n"
    backends["gpu"].script.append(raw(head + b"%x\r\n%b\r\n" % (len(body), body) + trailer))
    status, headers, answered = await gateway.post(ASK)
    assert (status, answered, headers["x-breakeven-zone"]) == (200, body, "local")
    assert "openai-version" not in headers


async def test_streams_and_errors_are_no_exception(serve, backends):
    gateway = await serve()
    backends["gpu"].script.append(stream(event("Hi"), event(None, "stop"), DONE))
    _, streamed, _ = await gateway.post(ASK | {"stream": True})
    assert streamed["content-type"].startswith("text/event-stream") and streamed["x-request-id"]
    backends["gpu"].script.append(answer(400, b'{"error": {}}', "set-cookie: a=b\r\nx-request-id: theirs\r\n"))
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-upstream-request-id"], "set-cookie" in headers) == (400, "theirs", False)


def test_the_lists_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "headers.md").read_text()
    there, back = page.split("## From a backend")
    rows = "\n".join(line.split("|")[1] for line in there.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([a-z-]+)`", rows)) == {*TO_BACKEND, TRACE}
    rows = "\n".join(line.split("|")[1] for line in back.splitlines() if line.startswith("| `"))
    ids = {"x-request-id", "request-id", "x-upstream-request-id"}
    assert set(re.findall(r"`([a-z-]+)`", rows)) - ids == {name.decode() for name in TO_CLIENT}
