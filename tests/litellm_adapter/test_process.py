"""The whole adapter process, against a mock of Anthropic's API."""

import asyncio
import base64
import json
import os
import stat
import struct
from typing import Any

import aiohttp
import httpx2
import openai
import pytest

CHAT = "/claude/v1/chat/completions"


async def post(client: aiohttp.ClientSession, body: dict[str, Any], path: str = CHAT) -> tuple[int, dict[str, Any]]:
    async with client.post(path, json=body) as got:
        return got.status, await got.json()


async def chunks(client: aiohttp.ClientSession, body: dict[str, Any]) -> list[Any]:
    """The events of a stream, parsed; [DONE] as text."""
    lines = []
    async with client.post(CHAT, json={**body, "stream": True}) as got:
        assert got.status == 200
        try:
            async for line in got.content:
                lines.append(line.decode().strip().removeprefix("data: "))
        except aiohttp.ClientPayloadError:
            lines.append('"broken off"')
    return [line if line == "[DONE]" else json.loads(line) for line in lines if line]


async def test_the_answer_and_its_usage_are_anthropics(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, usage: Any
) -> None:
    status, answer = await post(client, hello)
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Hello there"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert_usage(answer["usage"], usage)


def assert_usage(got: dict[str, Any], anthropics: dict[str, int]) -> None:
    """OpenAI's prompt_tokens include what was read from and written to the cache; Anthropic's input does not."""
    read, written = anthropics["cache_read_input_tokens"], anthropics["cache_creation_input_tokens"]
    assert got["prompt_tokens"] == anthropics["input_tokens"] + read + written
    assert got["prompt_tokens_details"]["cached_tokens"] == read
    assert got["prompt_tokens_details"]["cache_write_tokens"] == written
    assert got["completion_tokens"] == anthropics["output_tokens"]
    assert got["total_tokens"] == got["prompt_tokens"] + got["completion_tokens"]


async def test_a_stream_and_its_usage_are_anthropics(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, usage: Any
) -> None:
    *parts, last, done = await chunks(client, {**hello, "stream_options": {"include_usage": True}})
    assert done == "[DONE]"
    assert "".join(part["choices"][0]["delta"].get("content", "") for part in parts) == "Hello there"
    assert parts[-1]["choices"][0]["finish_reason"] == "stop"
    assert {part["usage"] for part in parts} == {None}
    assert last["choices"] == []
    assert_usage(last["usage"], usage)


async def test_a_stream_has_no_usage_unless_asked_for(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any
) -> None:
    *parts, done = await chunks(client, hello)
    assert done == "[DONE]"
    assert all(part["choices"] and "usage" not in part for part in parts)


async def test_the_official_sdk_reads_tool_calls_from_a_stream(adapter: Any, anthropic: Any, hello: Any) -> None:
    anthropic.content = [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}]
    anthropic.stop_reason = "tool_use"
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    transport = httpx2.AsyncHTTPTransport(uds=adapter.socket)
    async with (
        openai.AsyncOpenAI(
            base_url="http://adapter/claude/v1", api_key="-", http_client=httpx2.AsyncClient(transport=transport)
        ) as sdk,
        sdk.chat.completions.stream(model=hello["model"], messages=hello["messages"], tools=tools) as stream,
    ):
        answer = await stream.get_final_completion()
    calls: Any = answer.choices[0].message.tool_calls
    assert (calls[0].function.name, json.loads(calls[0].function.arguments)) == ("weather", {"city": "Oslo"})
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_embeddings(client: aiohttp.ClientSession, anthropic: Any) -> None:
    body = {"model": "openai/text-embedding-3-small", "input": "a"}
    _, answer = await post(client, body, "/vectors/v1/embeddings")
    assert answer["data"][0]["embedding"] == [0.5, -0.25]
    assert answer["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    _, packed = await post(client, {**body, "encoding_format": "base64"}, "/vectors/v1/embeddings")
    assert struct.unpack("<2f", base64.b64decode(packed["data"][0]["embedding"])) == (0.5, -0.25)


TRAPS: dict[str, Any] = {
    "api_base": "http://127.0.0.1:1",
    "base_url": "http://127.0.0.1:1",
    "api_key": "sk-of-the-client",
    "api_version": "x",
    "custom_llm_provider": "openai",
    "fallbacks": ["openai/gpt-4o"],
    "context_window_fallback_dict": {"anthropic/claude-sonnet-4-5": "openai/gpt-4o"},
    "model_list": [{"model_name": "x"}],
    "extra_headers": {"x-evil": "1"},
    "headers": {"x-evil": "1"},
    "extra_body": {"evil": 1},
    "mock_response": "evil",
    "mock_tool_calls": [],
    "metadata": {"evil": 1},
    "litellm_metadata": {"evil": 1},
    "callbacks": ["evil"],
    "timeout": 0.001,
    "num_retries": 5,
    "max_retries": 5,
    "drop_params": False,
    "allowed_openai_params": ["evil"],
    "provider_specific_header": {"custom_llm_provider": "anthropic", "extra_headers": {"x-evil": "1"}},
    "prompt_id": "evil",
    "cache": {"evil": 1},
    "client": "evil",
    "ssl_verify": False,
    "use_litellm_proxy": True,
    "acompletion": False,
    "evil": 1,
}


@pytest.mark.parametrize("name", TRAPS)
async def test_a_body_chooses_neither_destination_nor_credentials(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, key: str, name: str
) -> None:
    """What is not known is refused, by its name, or left out where the policy says so."""
    body = {**hello, name: TRAPS[name]}
    if name != "metadata":  # the gateway's own
        status, answer = await post(client, body)
        assert (status, answer["error"]["param"], anthropic.bodies) == (400, name, [])
    status, answer = await post(client, body, "/lenient/v1/chat/completions")
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello there")
    assert anthropic.headers[0]["x-api-key"] == key
    assert "evil" not in json.dumps([anthropic.bodies, anthropic.headers])


async def test_parameters_reach_the_provider(client: aiohttp.ClientSession, anthropic: Any, hello: Any) -> None:
    asked = {**hello, "temperature": 0.5, "stop": ["x"]}
    status, answer = await post(client, {**asked, "seed": 1})
    assert (status, answer["error"]["param"], anthropic.bodies) == (400, "seed", [])
    await post(client, asked)
    (body,) = anthropic.bodies
    assert (body["model"], body["max_tokens"], body["temperature"], body["stop_sequences"]) == (
        "claude-sonnet-4-5",
        50,
        0.5,
        ["x"],
    )


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/claude", "openai/gpt-4o"),
        ("/claude", "anthropic/claude-opus-4"),
        ("/claude", None),
        ("/vectors", "anthropic/claude-sonnet-4-5"),
        ("/other", "anthropic/claude-sonnet-4-5"),
        ("/claude%2F..%2Fvectors", "anthropic/claude-sonnet-4-5"),
    ],
)
async def test_only_the_policys_models_of_that_backend(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, path: str, model: str | None
) -> None:
    status, answer = await post(client, {**hello, "model": model}, f"{path}/v1/chat/completions")
    assert status == 404
    assert answer["error"]["type"] == "invalid_request_error"
    assert anthropic.bodies == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/x.png", "https://example.org/x.png", "//x/y", "file:///etc/passwd"]
)
async def test_nothing_is_fetched_for_a_client(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, address: str
) -> None:
    content = [{"type": "image_url", "image_url": {"url": address}}]
    status, answer = await post(client, {**hello, "messages": [{"role": "user", "content": content}]})
    assert (status, answer["error"]["param"]) == (400, "messages[0].content[0].image_url.url")
    assert anthropic.bodies == []


async def test_inline_images_reach_the_provider(client: aiohttp.ClientSession, anthropic: Any, hello: Any) -> None:
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    status, _ = await post(client, {**hello, "messages": [{"role": "user", "content": content}]})
    assert status == 200
    source = anthropic.bodies[0]["messages"][0]["content"][0]["source"]
    assert (source["type"], source["data"]) == ("base64", "AAAA")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_errors_keep_the_providers_status_and_words(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, status: int, kind: str, stream: bool
) -> None:
    anthropic.error = (status, kind, "Because.")
    got, answer = await post(client, {**hello, "stream": stream})
    assert (got, answer["error"]["type"], answer["error"]["message"]) == (status, kind, "Because.")
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert len(anthropic.bodies) == 1, "the adapter does not retry"


async def test_retry_after_is_kept(client: aiohttp.ClientSession, anthropic: Any, hello: Any) -> None:
    anthropic.error, anthropic.error_headers = (429, "rate_limit_error", "Slow down."), {"retry-after": "7"}
    async with client.post(CHAT, json=hello) as got:
        assert (got.status, got.headers["retry-after"]) == (429, "7")
        assert (await got.json())["error"]["code"] == "rate_limit_exceeded"


async def test_a_provider_that_is_not_there(client: aiohttp.ClientSession, hello: Any) -> None:
    status, answer = await post(client, hello, "/nobody/v1/chat/completions")
    assert (status, answer["error"]["code"]) == (502, "connection_error")
    assert "127.0.0.1" not in answer["error"]["message"]


@pytest.mark.parametrize(("trouble", "status"), [("cut", "connection_error"), ("fail_inside", None)])
async def test_a_broken_stream_never_looks_complete(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, trouble: str, status: str | None
) -> None:
    setattr(anthropic, trouble, True)
    first, *_, error, end = await chunks(client, {**hello, "stream_options": {"include_usage": True}})
    assert first["choices"][0]["delta"]["content"] == "Hello"
    assert error["error"]["code"] == status
    assert end == "broken off"


async def test_the_key_is_shown_to_nobody(
    client: aiohttp.ClientSession, adapter: Any, anthropic: Any, hello: Any, key: str
) -> None:
    anthropic.error = (401, "authentication_error", f"invalid x-api-key {key} or sk-proj-1234567890")
    _, answer = await post(client, hello)
    assert answer["error"]["message"].startswith("invalid x-api-key ")
    assert "sk-" not in json.dumps(answer)
    assert key not in adapter.log.read_text()


async def test_logs_have_neither_prompts_nor_answers(
    client: aiohttp.ClientSession, adapter: Any, anthropic: Any, hello: Any
) -> None:
    await post(client, hello)
    anthropic.error = (400, "invalid_request_error", "about the-prompt")
    await post(client, hello)
    log = adapter.log.read_text()
    assert '"backend": "claude"' in log and '"status": 400' in log
    assert "the-prompt" not in log and "Hello" not in log


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_the_upstream_call(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any, stream: bool
) -> None:
    anthropic.hold = True
    leaving = asyncio.create_task(post(client, {**hello, "stream": stream}))
    async with asyncio.timeout(10):
        await anthropic.started.wait()
    leaving.cancel()
    async with asyncio.timeout(1):
        await anthropic.left.wait()


async def test_malformed_requests(client: aiohttp.ClientSession, adapter: Any, hello: Any) -> None:
    for data in (b"{", b"[]", b"\xff", b"[" * 100_000):
        async with client.post(CHAT, data=data) as got:
            assert (got.status, (await got.json())["error"]["type"]) == (400, "invalid_request_error")
    async with client.get("/claude/v1/nothing") as got:
        assert (got.status, "error" in await got.json()) == (404, True)
    async with client.get(CHAT) as got:
        assert (got.status, "error" in await got.json()) == (405, True)


async def test_health(client: aiohttp.ClientSession) -> None:
    async with client.get("/healthz") as got:
        assert (got.status, await got.json()) == (200, {"status": "ok"})


def test_only_the_owner_may_use_the_socket(adapter: Any) -> None:
    mode = os.stat(adapter.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


async def test_it_connects_to_nobody_but_the_provider(
    client: aiohttp.ClientSession, adapter: Any, anthropic: Any, hello: Any, listening: Any
) -> None:
    await post(client, hello)
    await chunks(client, hello)
    seen = set(adapter.connections.read_text().splitlines())
    assert seen & {f"socket.connect {(listening.getsockname(),)}"}
    assert all("127.0.0.1" in line for line in seen), seen


async def test_calls_with_tools_need_no_other_package(
    client: aiohttp.ClientSession, anthropic: Any, hello: Any
) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    status, _ = await post(client, {**hello, "tools": [tool]})
    assert (status, anthropic.bodies[0]["tools"][0]["name"]) == (200, "f")


async def test_a_backend_that_changed_under_its_name_is_not_used(client, anthropic, hello):
    """A request that began before a reload means the backend of then, which may have been in another zone."""
    async with client.post(
        "/claude/v1/chat/completions", json=hello, headers={"x-adapter-fingerprint": "another"}
    ) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (503, "backend_changed")
    assert not anthropic.bodies
