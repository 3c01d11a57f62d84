"""A gateway without keys, and the pages of the world."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from support.gateway import POLICY

from router.config.load import load
from router.gateway.origin_guard import Guard, NoGuard

ASK = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hi"}]}).encode()
KEYS = f'keys: [{{name: app, sha256: "{sha256(b"app").hexdigest()}"}}]\n'
ORIGINS = 'server: {cors_origins: ["https://app.example"]}\n'
JSON = "content-type: application/json"


def post(*lines: str, host: str = "localhost:8080") -> bytes:
    head = "\r\n".join(("POST /v1/chat/completions HTTP/1.1", f"host: {host}", "connection: close", *lines))
    return f"{head}\r\ncontent-length: {len(ASK)}\r\n\r\n".encode() + ASK


def verdict(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    status, _, body = answer
    return status, json.loads(body)["error"]["code"] if status >= 400 else ""


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "127.0.0.2"])
async def test_sdks_and_curl_on_this_machine_are_served(serve, host):
    gateway = await serve(guard=Guard)
    assert verdict(await gateway.exchange(post(JSON, host=host))) == (200, "")
    assert verdict(await gateway.exchange(post("content-type: application/json; charset=utf-8", host=host))) == (
        200,
        "",
    )


async def test_a_client_of_http_1_0_has_no_host(serve):
    gateway = await serve(guard=Guard)
    head = f"POST /v1/chat/completions HTTP/1.0\r\n{JSON}\r\ncontent-length: {len(ASK)}\r\n\r\n"
    assert verdict(await gateway.exchange(head.encode() + ASK)) == (200, "")


@pytest.mark.parametrize("host", ["rebound.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", ""])
async def test_a_name_that_was_pointed_here_is_not_answered(serve, backends, host):
    gateway = await serve(guard=Guard)
    assert verdict(await gateway.exchange(post(JSON, host=host))) == (421, "unknown_host")
    listing = f"GET /v1/models HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
    assert verdict(await gateway.exchange(listing)) == (421, "unknown_host")
    assert not backends["gpu"].requests


@pytest.mark.parametrize(
    "lines",
    [
        ("origin: https://evil.example",),
        ("origin: null",),
        ("origin: http://localhost:3000",),
        ("origin: https://app.example.evil.example",),
        ("sec-fetch-site: cross-site",),
        ("sec-fetch-site: same-site",),
    ],
)
async def test_a_page_of_another_origin_may_not_ask(serve, backends, lines):
    gateway = await serve(POLICY + ORIGINS, guard=Guard)
    assert verdict(await gateway.exchange(post(JSON, *lines))) == (403, "foreign_origin")
    assert not backends["gpu"].requests


async def test_pages_of_the_policys_origins_may(serve):
    gateway = await serve(POLICY + ORIGINS, guard=Guard)
    from_page = ("origin: https://app.example", "sec-fetch-site: cross-site")
    assert verdict(await gateway.exchange(post(JSON, *from_page))) == (200, "")
    asking = "OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\norigin: https://app.example\r\n"
    status, headers, _ = await gateway.exchange(f"{asking}connection: close\r\n\r\n".encode())
    assert (status, headers["access-control-allow-origin"]) == (204, "https://app.example")
    assert verdict(await gateway.exchange(post(JSON, "origin: http://localhost:8080"))) == (200, "")


async def test_the_origins_of_all_are_all(serve):
    gateway = await serve(POLICY + 'server: {cors_origins: ["*"]}\n', guard=Guard)
    assert verdict(await gateway.exchange(post(JSON, "origin: https://any.example"))) == (200, "")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "text/plain;application/json"])
async def test_a_body_that_a_page_may_send_without_asking_is_not_taken(serve, backends, kind):
    gateway = await serve(guard=Guard)
    status, _, body = await gateway.exchange(post(f"content-type: {kind}"))
    assert (status, json.loads(body)["error"]["code"]) == (415, "unsupported_media_type")
    assert "content-type: application/json" in json.loads(body)["error"]["message"]
    assert verdict(await gateway.exchange(post())) == (415, "unsupported_media_type")
    assert not backends["gpu"].requests


@pytest.mark.parametrize(
    ("credential", "status"), [("authorization: Bearer any", 400), ("x-api-key: any", 400), ("accept: any", 415)]
)
async def test_a_form_comes_with_a_credential_which_a_page_may_not_send_without_asking(serve, credential, status):
    gateway = await serve(guard=Guard)
    form = f"content-type: multipart/form-data; boundary=x\r\n{credential}"
    asked = post(form).replace(b"/v1/chat/completions", b"/v1/audio/transcriptions")
    assert (await gateway.exchange(asked))[0] == status


async def test_with_keys_the_key_is_the_guard(serve):
    gateway = await serve(POLICY + KEYS, guard=Guard)
    known = "authorization: Bearer app"
    assert verdict(await gateway.exchange(post(known, "origin: https://any.example", host="gate.example"))) == (200, "")


async def test_the_guard_goes_once_there_are_keys(serve, tmp_path):
    gateway = await serve(guard=Guard)
    assert isinstance(gateway.service._guard, Guard)
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text() + KEYS)
    gateway.adopt(load(policy))
    assert type(gateway.service._guard) is NoGuard
