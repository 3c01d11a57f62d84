"""The whole way: a client of OpenAI's dialect, the gateway, the adapter, a mock of Anthropic's API; and the ledger."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.gateway import Clock, start_gateway, stop_gateway
from support.waiting import until

from router.core.money import NANO_PER_MICRO

SENSITIVITY = """
sensitivity:
  levels: {public: [cloud], restricted: []}
  default: public
  detectors: [{find: [credit_card], raise_to: restricted}]
"""
ASK = {"model": "chat", "messages": [{"role": "user", "content": "Greet me"}], "max_tokens": 50}


@pytest.fixture
async def gateway(adapter, anthropic, policy, tmp_path, monkeypatch, key):
    """It serves by the adapter's policy, in which only Claude answers and restricted requests have nowhere to go."""
    monkeypatch.setenv("TEST_ANTHROPIC_KEY", key)
    text = policy.replace("[claude, lenient, nobody]", "[claude]") + SENSITIVITY
    made = await start_gateway(tmp_path, text, {}, Clock(), adapter.socket)
    yield made
    await stop_gateway(made)


def counted(gateway, usage):
    """The ledger's only row, checked against Anthropic's own numbers and prices."""
    [row] = gateway.rows()
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    assert row.input == usage["input_tokens"] + read + written
    assert (row.cached, row.output, row.estimated) == (read, usage["output_tokens"], 0)
    micro_usd = usage["input_tokens"] * 3 + read * 0.3 + written * 3.75 + usage["output_tokens"] * 15
    assert row.cost == round(NANO_PER_MICRO * micro_usd)
    return row


async def test_an_answer(gateway, anthropic, usage, key):
    status, headers, body = await gateway.post(ASK)
    assert status == 200
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello there"
    assert (headers["x-breakeven-backend"], headers["x-breakeven-zone"]) == ("claude", "cloud")
    assert anthropic.headers[0]["x-api-key"] == key and key not in str(headers)
    counted(gateway, usage)


async def test_a_stream(gateway, usage):
    status, _, body = await gateway.post(ASK | {"stream": True})
    events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    assert status == 200 and events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == "Hello there"
    assert all(chunk["choices"] for chunk in chunks)  # the one with usage stays here, since nobody asked for it
    counted(gateway, usage)


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/v1/chat/completions", ASK),
        ("/v1/responses", {"input": "Greet me", "max_output_tokens": 50}),
        ("/v1/messages", ASK),
    ],
)
async def test_anthropics_own_api_is_asked_in_every_dialect(gateway, anthropic, key, path, ask):
    """At the one path that it has: in its own dialect directly, in others through the adapter."""
    status, headers, body = await gateway.post({**ask, "model": "own"}, path=path)
    assert (status, headers["x-breakeven-backend"]) == (200, "own") and b"Hello there" in body
    assert anthropic.bodies[0]["model"] == "claude-sonnet-4-5" and "Greet me" in str(anthropic.bodies[0]["messages"])
    assert anthropic.headers[0]["x-api-key"] == key
    assert gateway.rows()[0].cost > 0


async def test_usage_that_is_not_reported_is_estimated_not_free(gateway, anthropic):
    anthropic.silent_about_usage = True
    status, _, body = await gateway.post({"model": "vectors", "input": "some words to count"}, path="/v1/embeddings")
    assert (status, json.loads(body)["data"][0]["embedding"]) == (200, [0.5, -0.25])
    await until(gateway.rows)
    [row] = gateway.rows()
    assert row.estimated == 1 and row.input > 0 and row.cost > 0


async def test_an_overloaded_provider_rests(gateway, anthropic):
    anthropic.error = (429, "rate_limit_error", "Slow down")
    anthropic.error_headers = {"retry-after": "50"}
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["retry-after"], headers["x-should-retry"]) == (429, "50", "true")
    asked = len(anthropic.bodies)
    status, headers, body = await gateway.post(ASK)
    assert (status, json.loads(body)["error"]["code"]) == (503, "backend_unavailable")
    assert 1 <= int(headers["retry-after"]) <= 50
    assert len(anthropic.bodies) == asked


async def test_a_restricted_request_never_gets_to_the_adapter(gateway, anthropic):
    messages = [{"role": "user", "content": "My card is 4111 1111 1111 1111"}]
    status, _, body = await gateway.post(ASK | {"messages": messages})
    assert (status, json.loads(body)["error"]["code"]) == (403, "egress_denied")
    assert not anthropic.bodies


async def test_a_client_that_leaves_frees_the_provider(gateway, anthropic):
    anthropic.hold = True
    body = json.dumps(ASK | {"stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await reader.readuntil(b"Hello")
    writer.transport.abort()
    await asyncio.wait_for(anthropic.left.wait(), 2)
    await until(gateway.rows)
    [row] = gateway.rows()
    assert row.estimated == 1 and not gateway.ledger.holds
