"""The official SDK reads the simulation, and the bytes are OpenAI's."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import openai
import pytest

Start = Callable[..., Awaitable[str]]
HELLO: Any = [{"role": "user", "content": "Hello there"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]


@pytest.fixture
async def sdk(start_openai: Start) -> AsyncIterator[openai.AsyncOpenAI]:
    url = await start_openai(models=("m", "e"), api_key="k", cached_tokens=2)
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as made:
        yield made


async def test_chat(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model="m", messages=HELLO)
    choice = answer.choices[0]
    assert choice.message.content is not None
    assert choice.message.content.startswith("This is a simulated answer")
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 2


async def test_a_stream_adds_up_to_the_whole_answer(sdk: openai.AsyncOpenAI) -> None:
    whole = await sdk.chat.completions.create(model="m", messages=HELLO, n=2)
    texts = {0: "", 1: ""}
    usage = None
    stream = await sdk.chat.completions.create(
        model="m", messages=HELLO, n=2, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert list(texts.values()) == [choice.message.content for choice in whole.choices]
    assert usage == whole.usage


async def test_max_tokens_and_stop(sdk: openai.AsyncOpenAI) -> None:
    cut = await sdk.chat.completions.create(model="m", messages=HELLO, max_tokens=3)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("This is a", "length")
    assert cut.usage is not None and cut.usage.completion_tokens == 3
    stopped = await sdk.chat.completions.create(model="m", messages=HELLO, stop=[" simulated"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("This is a", "stop")


async def test_a_forced_tool_is_called(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model="m", messages=HELLO, tools=TOOLS, tool_choice="required")
    calls: Any = answer.choices[0].message.tool_calls
    assert (calls[0].function.name, json.loads(calls[0].function.arguments)) == ("weather", {"city": "simulated"})
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_a_streamed_tool_call_adds_up(sdk: openai.AsyncOpenAI) -> None:
    async with sdk.chat.completions.stream(model="m", messages=HELLO, tools=TOOLS, tool_choice="required") as stream:
        answer = await stream.get_final_completion()
    calls: Any = answer.choices[0].message.tool_calls
    assert (calls[0].function.name, json.loads(calls[0].function.arguments)) == ("weather", {"city": "simulated"})


async def test_logprobs(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model="m", messages=HELLO, logprobs=True, max_tokens=2)
    assert answer.choices[0].logprobs is not None and answer.choices[0].logprobs.content is not None
    assert [entry.token for entry in answer.choices[0].logprobs.content] == ["This", " is"]


async def test_completions(sdk: openai.AsyncOpenAI) -> None:
    whole = await sdk.completions.create(model="m", prompt=["a", "b"], n=2, logprobs=1)
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
    text = ""
    async for chunk in await sdk.completions.create(model="m", prompt="a", stream=True):
        text += chunk.choices[0].text
    assert text == whole.choices[0].text


async def test_embeddings_in_the_sdks_base64(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.embeddings.create(model="e", input=["a", "b"], dimensions=8)
    assert [len(item.embedding) for item in answer.data] == [8, 8]


async def test_models(sdk: openai.AsyncOpenAI) -> None:
    assert [(model.id, model.owned_by) async for model in sdk.models.list()] == [("m", "simulated"), ("e", "simulated")]
    assert (await sdk.models.retrieve("m")).id == "m"


async def test_headers(client: aiohttp.ClientSession, start_openai: Start) -> None:
    async with client.post(
        f"{await start_openai()}/v1/chat/completions", json={"model": "m", "messages": HELLO}
    ) as got:
        assert got.headers["x-simulated"] == "true"
        assert got.headers["x-request-id"].startswith("req_")
        assert got.headers["openai-processing-ms"].isdigit()


@pytest.mark.parametrize("asked", [True, False])
async def test_usage_is_null_until_the_last_chunk_only_when_asked_for(
    client: aiohttp.ClientSession, start_openai: Start, events: Callable[[str], list[str]], asked: bool
) -> None:
    body = {"model": "m", "messages": HELLO, "stream": True, "stream_options": {"include_usage": asked}}
    async with client.post(f"{await start_openai()}/v1/chat/completions", json=body) as got:
        *chunks, done = events(await got.text())
    parsed = [json.loads(chunk) for chunk in chunks]
    assert done == "[DONE]"
    assert [("usage" in chunk) for chunk in parsed] == [asked] * len(parsed)
    if asked:
        assert parsed[-1]["choices"] == [] and parsed[-1]["usage"]["total_tokens"] > 0
        assert {chunk["usage"] for chunk in parsed[:-1]} == {None}


async def test_any_name_is_answered_where_it_is_told_so(start_openai, client):
    url = await start_openai(any_model=True)
    async with client.post(f"{url}/v1/chat/completions", json={"model": "new", "messages": HELLO}) as got:
        assert (got.status, (await got.json())["model"]) == (200, "new")


ERRORS: list[tuple[dict[str, Any], dict[str, str], int, str | None]] = [
    ({"data": "{"}, {}, 400, None),
    ({"data": "[" * 100_000}, {}, 400, None),
    ({"json": []}, {}, 400, None),
    ({"json": {"messages": HELLO}}, {}, 400, None),
    ({"json": {"model": "m"}}, {}, 400, "missing_required_parameter"),
    ({"json": {"model": "x", "messages": HELLO}}, {}, 404, "model_not_found"),
    (
        {"json": {"model": "m", "messages": [{"role": "user", "content": "w " * 9000}]}},
        {},
        400,
        "context_length_exceeded",
    ),
    ({"json": {"model": "m", "messages": HELLO}}, {"authorization": ""}, 401, None),
    ({"json": {"model": "m", "messages": HELLO}}, {"authorization": "Bearer wrong"}, 401, "invalid_api_key"),
]


@pytest.mark.parametrize(("body", "headers", "status", "code"), ERRORS)
async def test_errors_are_openais(
    client: aiohttp.ClientSession,
    start_openai: Start,
    body: dict[str, Any],
    headers: dict[str, str],
    status: int,
    code: str | None,
) -> None:
    url = await start_openai(api_key="k")
    async with client.post(
        f"{url}/v1/chat/completions", headers={"authorization": "Bearer k", **headers}, **body
    ) as got:
        error = (await got.json())["error"]
        assert (got.status, error["code"]) == (status, code)
        assert set(error) == {"message", "type", "param", "code"}
        assert got.headers["x-request-id"]


async def test_unknown_urls_and_methods(client: aiohttp.ClientSession, start_openai: Start) -> None:
    url = await start_openai()
    async with client.get(f"{url}/v1/nothing") as got:
        assert (got.status, (await got.json())["error"]["message"]) == (404, "Invalid URL (GET /v1/nothing)")
    async with client.get(f"{url}/v1/chat/completions") as got:
        assert (got.status, (await got.json())["error"]["code"]) == (405, "method_not_supported")


async def test_bodies_of_tens_of_megabytes(client: aiohttp.ClientSession, start_openai: Start) -> None:
    url = await start_openai()
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 20_000_000}}
    body = {"model": "m", "messages": [{"role": "user", "content": [image]}]}
    async with client.post(f"{url}/v1/chat/completions", json=body) as got:
        assert got.status == 200


async def test_a_response(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.responses.create(model="m", input="Hello there", instructions="Be kind.")
    assert answer.output_text.startswith("This is a simulated answer") and answer.status == "completed"
    assert answer.usage is not None and answer.usage.input_tokens_details.cached_tokens == 2
    async with sdk.responses.stream(model="m", input="Hello there", instructions="Be kind.") as stream:
        kinds = [event.type async for event in stream]
        streamed = await stream.get_final_response()
    assert (streamed.output_text, streamed.usage) == (answer.output_text, answer.usage)
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


async def test_no_response_is_kept(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.responses.create(model="m", input="And now?", previous_response_id="resp_1")
    assert refused.value.code == "previous_response_not_found"
