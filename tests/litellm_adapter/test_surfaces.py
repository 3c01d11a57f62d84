"""Messages and responses of the whole adapter process, native and translated, against a mock of Anthropic's API."""

import json
from typing import Any

import aiohttp
import pytest

from router.surfaces.may_be_billed import HEADER

ASK = {
    "model": "anthropic/claude-sonnet-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "the-prompt"}],
}
RESPOND = {"model": "anthropic/claude-sonnet-4-5", "max_output_tokens": 50, "input": "the-prompt"}


async def post(client: aiohttp.ClientSession, surface: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with client.post(f"/claude/v1/{surface}", json=body) as got:
        return got.status, await got.json()


async def events(client: aiohttp.ClientSession, surface: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Parsed; the last one is {} when the stream was broken off."""
    found = []
    async with client.post(f"/claude/v1/{surface}", json={**body, "stream": True}) as got:
        assert (got.status, got.content_type) == (200, "text/event-stream")
        try:
            async for line in got.content:
                if line.startswith(b"data: "):
                    found.append(json.loads(line[6:]))
        except aiohttp.ClientPayloadError:
            found.append({})
    return found


async def test_a_message_is_anthropics_own(client: aiohttp.ClientSession, anthropic: Any, usage: Any, key: str) -> None:
    status, answer = await post(client, "messages", ASK)
    assert (status, answer["content"], answer["stop_reason"]) == (
        200,
        [{"type": "text", "text": "Hello there"}],
        "end_turn",
    )
    assert answer["usage"] == usage
    assert anthropic.bodies[0] == {**ASK, "model": "claude-sonnet-4-5", "stream": False}
    assert anthropic.headers[0]["x-api-key"] == key


async def test_a_stream_of_messages_is_anthropics_own(
    client: aiohttp.ClientSession, anthropic: Any, usage: Any
) -> None:
    found = await events(client, "messages", ASK)
    assert [each["type"] for each in found][:2] == ["message_start", "content_block_start"]
    assert found[-1] == {"type": "message_stop"}
    assert found[0]["message"]["usage"]["input_tokens"] == usage["input_tokens"]
    assert found[-2]["usage"] == {"output_tokens": usage["output_tokens"]}


async def test_a_response_is_translated_with_its_usage(
    client: aiohttp.ClientSession, anthropic: Any, usage: Any
) -> None:
    status, answer = await post(client, "responses", RESPOND)
    assert (status, answer["object"], answer["status"]) == (200, "response", "completed")
    assert answer["id"].startswith("resp_")
    assert answer["output"][0]["content"][0]["text"] == "Hello there"
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    assert answer["usage"]["input_tokens"] == usage["input_tokens"] + read + written
    assert answer["usage"]["input_tokens_details"]["cached_tokens"] == read
    assert answer["usage"]["output_tokens"] == usage["output_tokens"]


async def test_a_stream_of_responses_is_translated(client: aiohttp.ClientSession, anthropic: Any, usage: Any) -> None:
    found = await events(client, "responses", RESPOND)
    assert found[0]["type"] == "response.created" and found[-1]["type"] == "response.completed"
    assert [each["sequence_number"] for each in found] == list(range(len(found)))
    assert "".join(each.get("delta", "") for each in found if each["type"].endswith("text.delta")) == "Hello there"
    assert found[-1]["response"]["usage"]["output_tokens"] == usage["output_tokens"]


@pytest.mark.parametrize(("surface", "body"), [("messages", ASK), ("responses", RESPOND)])
async def test_a_stream_that_breaks_off_has_no_end(
    client: aiohttp.ClientSession, anthropic: Any, surface: str, body: dict[str, Any]
) -> None:
    anthropic.cut = True
    *_, error, end = await events(client, surface, body)
    assert (error["type"], error["error"]["message"], end) == ("error", "The provider's stream ended early.", {})


@pytest.mark.parametrize(("surface", "body"), [("messages", ASK), ("responses", RESPOND)])
async def test_an_error_inside_a_stream_has_the_providers_words(
    client: aiohttp.ClientSession, anthropic: Any, surface: str, body: dict[str, Any]
) -> None:
    anthropic.fail_inside = True
    *_, error, end = await events(client, surface, body)
    assert (error["type"], error["error"]["message"], end) == ("error", "Overloaded", {})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("surface", "body"), [("messages", ASK), ("responses", RESPOND)])
@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (429, "rate_limit_error"), (529, "overloaded_error")]
)
async def test_a_refusal_keeps_status_and_words(
    client: aiohttp.ClientSession,
    anthropic: Any,
    surface: str,
    body: dict[str, Any],
    stream: bool,
    status: int,
    kind: str,
) -> None:
    anthropic.error = (status, kind, "Not with sk-ant-the-key-of-the-policy")
    anthropic.error_headers = {"retry-after": "7"}
    async with client.post(f"/claude/v1/{surface}", json={**body, "stream": stream}) as got:
        answer = await got.json()
        assert (got.status, got.headers["retry-after"], got.headers.get(HEADER)) == (status, "7", None)
    assert answer["error"]["message"] == "Not with (hidden)"
    assert answer.get("type") == ("error" if surface == "messages" else None)


async def test_a_client_that_leaves_frees_the_provider(client: aiohttp.ClientSession, anthropic: Any) -> None:
    anthropic.hold = True
    async with client.post("/claude/v1/messages", json={**ASK, "stream": True}) as got:
        await got.content.readuntil(b"Hello")
        got.close()
    await anthropic.left.wait()


async def test_whatever_is_asked_it_connects_to_nobody_but_the_provider(
    client: aiohttp.ClientSession, adapter: Any, anthropic: Any, listening: Any
) -> None:
    for surface, body in (("messages", ASK), ("responses", RESPOND)):
        await post(client, surface, body)
        await events(client, surface, body)
    seen = set(adapter.connections.read_text().splitlines())
    assert seen & {f"socket.connect {(listening.getsockname(),)}"}
    assert all("127.0.0.1" in line for line in seen), seen
