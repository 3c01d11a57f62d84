"""Shapes are those of a vLLM 0.32.0 that served a 135M model; the recorded keys are below."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web
from support.waiting import until

from router.simulate.vllm_api import ENGINE

Start = Callable[..., Awaitable[tuple[str, web.Application]]]
HELLO: Any = [{"role": "user", "content": "Hi"}]

CHAT_KEYS = [
    *("id", "object", "created", "model", "choices", "service_tier", "system_fingerprint", "usage"),
    *("prompt_logprobs", "prompt_token_ids", "prompt_text", "kv_transfer_params", "ec_transfer_params", "metrics"),
]
CHOICE_KEYS = ["index", "message", "logprobs", "finish_reason", "stop_reason", "token_ids", "routed_experts"]
MESSAGE_KEYS = ["role", "content", "refusal", "annotations", "audio", "function_call", "reasoning"]
USAGE_KEYS = [
    *("prompt_tokens", "total_tokens", "completion_tokens"),
    *("prompt_tokens_details", "completion_tokens_details"),
]


async def post(client: aiohttp.ClientSession, url: str, **body: Any) -> Any:
    async with client.post(f"{url}/v1/chat/completions", json={"model": "m", "messages": HELLO, **body}) as got:
        assert got.headers["x-simulated"] == "true"
        return json.loads(await got.text()) if got.content_type == "application/json" else await got.text()


async def test_one_that_a_file_switches_answers_only_while_that_says_on(client, start_vllm, tmp_path) -> None:
    switch = tmp_path / "state"
    switch.write_text("off\n")
    url = (await start_vllm(switch=str(switch)))[0]
    for path, state, status in (("/health", "off", 503), ("/v1/models", "on", 200), ("/health", "on", 200)):
        switch.write_text(f"{state}\n")
        async with client.get(url + path) as got:
            assert got.status == status


async def test_a_chat_answer_has_the_recorded_keys_in_order(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    answer = await post(client, (await start_vllm())[0])
    assert list(answer) == CHAT_KEYS
    assert list(answer["choices"][0]) == CHOICE_KEYS
    assert list(answer["choices"][0]["message"]) == MESSAGE_KEYS
    assert list(answer["usage"]) == USAGE_KEYS


@pytest.mark.parametrize(
    ("options", "with_usage"),
    [
        (None, "none"),
        ({"include_usage": True}, "last"),
        ({"include_usage": True, "continuous_usage_stats": True}, "all"),
    ],
)
async def test_usage_in_a_stream(
    client: aiohttp.ClientSession,
    start_vllm: Start,
    events: Callable[[str], list[str]],
    options: Any,
    with_usage: str,
) -> None:
    text = await post(client, (await start_vllm())[0], stream=True, max_tokens=3, stream_options=options)
    *chunks, done = events(text)
    seen = ["usage" in json.loads(chunk) for chunk in chunks]
    assert done == "[DONE]"
    assert seen == {"none": [False] * 4, "last": [False] * 4 + [True], "all": [True] * 5}[with_usage]


async def test_continuous_usage_counts_up(
    client: aiohttp.ClientSession, start_vllm: Start, events: Callable[[str], list[str]]
) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    text = await post(client, (await start_vllm())[0], stream=True, max_tokens=3, stream_options=options)
    counts = [json.loads(chunk)["usage"]["completion_tokens"] for chunk in events(text)[:-1]]
    assert counts == [0, 1, 2, 3, 3]


async def test_the_last_token_brings_the_finish(
    client: aiohttp.ClientSession, start_vllm: Start, events: Callable[[str], list[str]]
) -> None:
    text = await post(client, (await start_vllm())[0], stream=True, max_tokens=2)
    opening, first, last = (json.loads(chunk) for chunk in events(text)[:-1])
    assert opening["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert (first["choices"][0]["delta"], first["choices"][0]["finish_reason"]) == ({"content": "This"}, None)
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({"content": " is"}, "length")
    assert "system_fingerprint" in last and "system_fingerprint" not in first


async def test_the_sdk_streams_a_forced_tool(start_vllm: Start) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"type": "integer"}}}}}
    ]
    async with (
        openai.AsyncOpenAI(base_url=(await start_vllm())[0] + "/v1", api_key="-") as sdk,
        sdk.chat.completions.stream(model="m", messages=HELLO, tools=tools, tool_choice="required") as stream,
    ):
        calls: Any = (await stream.get_final_completion()).choices[0].message.tool_calls
    assert (calls[0].function.name, calls[0].function.arguments) == ("f", '{"a": 0}')


async def test_completions_stream_adds_up(start_vllm: Start) -> None:
    async with openai.AsyncOpenAI(base_url=(await start_vllm())[0] + "/v1", api_key="-") as sdk:
        whole = await sdk.completions.create(model="m", prompt="a")
        parts = [c.choices[0].text async for c in await sdk.completions.create(model="m", prompt="a", stream=True)]
    assert "".join(parts) == whole.choices[0].text


async def test_ignore_eos_produces_max_tokens(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    answer = await post(client, (await start_vllm())[0], max_tokens=200, ignore_eos=True)
    assert answer["usage"]["completion_tokens"] == 200


async def test_a_request_without_a_model_is_for_the_only_one(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    assert (await post(client, (await start_vllm())[0], model=None))["model"] == "m"


async def test_the_request_id_is_in_the_answers_id(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url, _ = await start_vllm()
    body, headers = {"model": "m", "messages": HELLO}, {"x-request-id": "abc"}
    async with client.post(f"{url}/v1/chat/completions", json=body, headers=headers) as got:
        assert (await got.json())["id"] == "chatcmpl-abc"


async def test_an_answer_is_shortened_to_what_fits_behind_its_prompt(
    client: aiohttp.ClientSession, start_vllm: Start
) -> None:
    messages = [{"role": "user", "content": "w " * 8000}]
    answer = await post(client, (await start_vllm())[0], messages=messages, max_tokens=8000, ignore_eos=True)
    usage = answer["usage"]
    assert usage["completion_tokens"] < 8000 and usage["total_tokens"] == 8192


LONG = [{"role": "user", "content": "w " * 9000}]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"model": "x"}, 404, "The model `x` does not exist."),
        ({"messages": "hi"}, 400, "body.messages"),
        ({"max_tokens": 9000}, 400, "max_tokens=9000 cannot be greater than max_model_len=8192"),
        ({"messages": LONG}, 400, "This model's maximum context length is 8192 tokens"),
        ({"n": 0}, 400, "integer below minimum"),
    ],
)
async def test_errors_carry_the_status_as_code(
    client: aiohttp.ClientSession, start_vllm: Start, body: Any, status: int, text: str
) -> None:
    error = (await post(client, (await start_vllm())[0], **body))["error"]
    assert error["code"] == status
    assert text in error["message"]


async def test_what_vllm_refuses_in_fastapis_words(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url, _ = await start_vllm()
    packed = gzip.compress(json.dumps({"model": "m", "messages": HELLO}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    async with client.post(f"{url}/v1/chat/completions", data=packed, headers=headers) as got:
        assert (got.status, await got.json()) == (400, {"detail": "There was an error parsing the body"})
    async with client.post(f"{url}/v1/embeddings", json={"model": "m", "input": "a"}) as got:
        assert (got.status, await got.json()) == (404, {"detail": "Not Found"})
    async with client.get(f"{url}/v1/chat/completions") as got:
        assert (got.status, got.headers["allow"]) == (405, "POST")
    async with client.post(
        f"{url}/v1/chat/completions", data=b"{", headers={"content-type": "application/json"}
    ) as got:
        assert (got.status, (await got.json())["error"]["param"]) == (400, "body.1")
    async with client.post(f"{url}/v1/chat/completions", data=b"{}", headers={"content-type": "text/plain"}) as got:
        assert got.status == 400


async def test_a_wrong_key_is_refused(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url, _ = await start_vllm(api_key="k")
    async with client.get(f"{url}/v1/models") as got:
        assert (got.status, await got.json()) == (401, {"error": "Unauthorized"})


async def test_probes(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url, _ = await start_vllm(context=2048)
    async with client.get(f"{url}/health") as got:
        assert (got.status, await got.read()) == (200, b"")
    async with client.get(f"{url}/v1/models") as got:
        model = (await got.json())["data"][0]
        assert (model["id"], model["max_model_len"], model["owned_by"]) == ("m", 2048, "simulated")
    async with client.get(f"{url}/metrics") as got:
        assert "vllm:num_requests_running" in await got.text()


async def test_metrics_count_tokens(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url, _ = await start_vllm()
    usage = (await post(client, url))["usage"]
    async with client.get(f"{url}/metrics") as got:
        text = await got.text()
    assert f'vllm:prompt_tokens_total{{engine="0",model_name="m"}} {float(usage["prompt_tokens"])}' in text
    assert f'vllm:generation_tokens_total{{engine="0",model_name="m"}} {float(usage["completion_tokens"])}' in text
    assert 'vllm:request_success_total{engine="0",model_name="m",finished_reason="stop"} 1.0' in text


SLOW = {"tokens_per_second": 1.0, "first_token": 0.0}


@pytest.mark.parametrize("stream", [True, False])
async def test_work_stops_when_the_client_leaves(
    client: aiohttp.ClientSession, start_vllm: Start, stream: bool
) -> None:
    url, app = await start_vllm(**SLOW)
    async with asyncio.timeout(10):
        leaving = asyncio.create_task(post(client, url, stream=stream))
        await until(lambda: app[ENGINE].running == 1)
        leaving.cancel()
        await until(lambda: app[ENGINE].running == 0)
    assert app[ENGINE].finished == {"abort": 1}


async def test_requests_beyond_the_slots_wait(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url, app = await start_vllm(slots=1, **SLOW)
    async with asyncio.timeout(10):
        tasks = [asyncio.create_task(post(client, url)) for _ in range(3)]
        await until(lambda: app[ENGINE].waiting == 2)
        async with client.get(f"{url}/metrics") as got:
            assert 'vllm:num_requests_waiting{engine="0",model_name="m"} 2.0' in await got.text()
        for task in tasks:
            task.cancel()
        await until(lambda: app[ENGINE].waiting == 0)
        await until(lambda: app[ENGINE].running == 0)


async def test_a_response(start_vllm: Start) -> None:
    url = (await start_vllm())[0]
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as sdk:
        answer = await sdk.responses.create(model="m", input="Hi", max_output_tokens=16)
        assert (answer.status, answer.usage and answer.usage.output_tokens) == ("incomplete", 16)
        stream = await sdk.responses.create(model="m", input="Hi", stream=True)
        assert [event.type async for event in stream][-1] == "response.completed"
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.create(model="m", input="And now?", previous_response_id="resp_1")


async def test_a_message(client: aiohttp.ClientSession, start_vllm: Start) -> None:
    url = f"{(await start_vllm())[0]}/v1/messages"
    asked: Any = {"model": "m", "max_tokens": 50, "messages": HELLO}
    async with client.post(url, json=asked) as got:
        whole = await got.json()
    assert whole["content"][0]["text"].startswith("This is a simulated answer")
    async with client.post(url, json=asked | {"stream": True}) as got:
        blocks = (await got.text()).strip().split("\n\n")
    named = [block.split("\n")[0] for block in blocks]
    assert (named[0], named[-1]) == ("event: message_start", "event: message_stop")
    async with client.post(f"{url}/count_tokens", json=asked) as got:
        assert (await got.json())["input_tokens"] == whole["usage"]["input_tokens"]


@pytest.mark.parametrize("wrong", [{"messages": []}, {"max_tokens": 1 << 20}, {"max_tokens": None}])
async def test_what_is_wrong_with_a_message_is_told_in_its_own_shape(
    client: aiohttp.ClientSession, start_vllm: Start, wrong: Any
) -> None:
    url = f"{(await start_vllm())[0]}/v1/messages"
    async with client.post(url, json={"model": "m", "max_tokens": 50, "messages": HELLO} | wrong) as got:
        told = await got.json()
    assert (got.status, told["type"]) == (400, "error") and told["error"].keys() == {"type", "message"}
