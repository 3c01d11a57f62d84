"""Keys, models, health and CORS, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256

from support.compiled import interpreted_only
from support.gateway import POLICY

from router.config.load import load
from router.core.decision.cache import DecisionCache
from router.core.decision.decide import decide

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
KEY = "bk-test-key"
KEYS = f"""
keys:
  - {{name: app, sha256: "{sha256(KEY.encode()).hexdigest()}", team: search, models: [chat]}}
  - {{name: nobody, sha256: "{sha256(b"other").hexdigest()}", models: []}}
"""


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\n{lines}connection: close\r\n\r\n".encode()


async def test_without_keys_everybody_is_anonymous(gateway):
    assert (await gateway.post(ASK))[0] == 200


async def test_a_key_is_needed_once_there_is_one(serve):
    gateway = await serve(POLICY + KEYS)
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic abc"}):
        status, answered, body = await gateway.post(ASK, headers)
        assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
        assert "wrong" not in body.decode()
    assert answered["content-type"] == "application/json"


async def test_both_headers_of_the_sdks_are_taken(serve):
    gateway = await serve(POLICY + KEYS)
    assert (await gateway.post(ASK, {"authorization": f"Bearer {KEY}"}))[0] == 200
    assert (await gateway.post(ASK, {"x-api-key": KEY}))[0] == 200
    assert (await gateway.post(ASK, {"x-api-key": KEY, "authorization": f"Bearer {KEY}"}))[0] == 200
    assert {(row.cell.team, row.cell.key, row.requests) for row in gateway.rows()} == {("search", "app", 3)}


async def test_a_key_taken_out_of_the_policy_is_refused_at_once(serve, tmp_path):
    gateway = await serve(POLICY + KEYS)
    headers = {"authorization": f"Bearer {KEY}"}
    assert [(await gateway.post(ASK, headers))[0] for _ in range(2)] == [200, 200]
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace(sha256(KEY.encode()).hexdigest(), sha256(b"new").hexdigest()))
    gateway.adopt(load(policy))
    assert (await gateway.post(ASK, headers))[0] == 401
    assert (await gateway.post(ASK, {"authorization": "Bearer new"}))[0] == 200


@interpreted_only
async def test_the_last_gate_asks_the_key_whatever_was_remembered(serve, backends, monkeypatch):
    """A decision that was made for somebody who may do more reaches no connection."""
    narrow = sha256(b"narrow").hexdigest()
    gateway = await serve(
        POLICY.replace("local_first", "cloud_first") + KEYS + f"  - {{name: n, sha256: {narrow}, zones: [local]}}\n"
    )
    stale = []

    def remembered(recall, facts, snapshot):
        stale.append(decide(facts, gateway.state.plan, snapshot))
        return stale[0]

    monkeypatch.setattr(DecisionCache, "decide", remembered)
    _, headers, _ = await gateway.post(ASK, {"x-api-key": KEY})
    assert headers["x-breakeven-backend"] == "api"
    received = len(backends["api"].received)
    assert (await gateway.post(ASK, {"x-api-key": "narrow"}))[0] >= 500
    assert stale[0].permitted != stale[1].permitted == {"local"}
    assert len(backends["api"].received) == received


async def test_two_different_credentials_are_refused(serve):
    gateway = await serve(POLICY + KEYS)
    status, _, body = await gateway.post(ASK, {"x-api-key": "other", "authorization": f"Bearer {KEY}"})
    assert (status, json.loads(body)["error"]["code"]) == (400, "conflicting_credentials")


async def test_a_key_reaches_its_models_only(serve):
    gateway = await serve(POLICY + KEYS)
    status, _, body = await gateway.post(ASK, {"x-api-key": "other"})
    assert (status, json.loads(body)["error"]["code"]) == (403, "model_not_allowed")
    _, _, listed = await gateway.exchange(get("/v1/models", "x-api-key: other"))
    assert json.loads(listed) == {"object": "list", "data": []}


async def test_models_are_listed_with_their_aliases(gateway):
    status, _, body = await gateway.exchange(get("/v1/models"))
    assert status == 200
    assert {entry["id"] for entry in json.loads(body)["data"]} == {"chat", "gpt-4o-mini"}
    status, _, body = await gateway.exchange(get("/v1/models/gpt-4o-mini"))
    assert (status, json.loads(body)["object"]) == (200, "model")


async def test_health_is_for_everybody(serve):
    gateway = await serve(POLICY + KEYS)
    assert (await gateway.exchange(get("/healthz")))[0] == 200
    status, _, body = await gateway.exchange(get("/readyz"))
    assert (status, json.loads(body)["backends"]) == (200, {"gpu": "healthy", "api": "healthy"})
    assert json.loads(body)["policies"] == {gateway.state.plan.version: 1}
    assert json.loads(body)["stored_keys"] == "off"


async def test_a_head_request_has_no_body(gateway):
    status, headers, body = await gateway.exchange(get("/v1/models", method="HEAD"))
    assert (status, body) == (200, b"") and int(headers["content-length"]) > 0


async def test_cors_is_off_unless_asked_for(gateway):
    status, headers, _ = await gateway.exchange(get("/v1/models", "origin: https://app.example", method="OPTIONS"))
    assert status == 405 and "access-control-allow-origin" not in headers


async def test_cors_preflight(serve):
    gateway = await serve(POLICY + 'server: {cors_origins: ["https://app.example"]}\n')
    asked = ("origin: https://app.example", "access-control-request-headers: authorization, x-stainless-os")
    status, headers, _ = await gateway.exchange(get("/v1/chat/completions", *asked, method="OPTIONS"))
    assert (status, headers["access-control-allow-origin"]) == (204, "https://app.example")
    assert headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    _, headers, _ = await gateway.post(ASK, {"origin": "https://app.example"})
    assert headers["access-control-allow-origin"] == "https://app.example"
    _, headers, _ = await gateway.post(ASK, {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in headers


async def test_repeated_headers_count_once_more(serve):
    gateway = await serve(POLICY + KEYS)
    body = json.dumps(ASK).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n" % len(body)
    twice = b"authorization: Bearer %b\r\nauthorization: Bearer other\r\n\r\n" % KEY.encode()
    status, _, answered = await gateway.exchange(head + twice + body)
    assert (status, json.loads(answered)["error"]["code"]) == (400, "conflicting_credentials")
    tags = b"x-breakeven-sensitivity: public\r\nX-Breakeven-Sensitivity: restricted\r\n"
    key = b"authorization: Bearer %b\r\n\r\n" % KEY.encode()
    _, headers, _ = await gateway.exchange(head + tags + key + body)
    assert headers["x-breakeven-sensitivity"] == "restricted"


async def test_slashes_too_many_are_none(gateway):
    assert (await gateway.post(ASK, path="//v1/chat//completions/"))[0] == 200
    assert (await gateway.exchange(get("/v1/models/")))[0] == (await gateway.exchange(get("//v1/models")))[0] == 200
    assert (await gateway.exchange(get("/v1/chat/completions/")))[0] == 405


async def test_a_backend_that_is_only_tried_is_not_called_healthy(gateway):
    (replica,) = gateway.state.fleet.backends["api"].replicas
    past = asyncio.get_running_loop().time() - 10_000
    for _ in range(replica.health.failures_to_open):
        replica.report_failure(past, "HTTP 500")
    gateway.state.fleet._dirty = True
    report = json.loads((await gateway.exchange(get("/readyz")))[2])
    assert report["backends"] == {"gpu": "healthy", "api": "trial"}
    assert "the next request is a trial" in report["trials"]["api"]
