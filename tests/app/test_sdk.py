"""OpenAI's own SDK, given nothing but a base URL and a key."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256

import aiohttp
import openai
import pytest
from pydantic import BaseModel
from support.serving import Serving, eventually

KEY, SMALL_KEY = "bk-app", "bk-small"
POLICY = f"""
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu: {{zone: local, kind: vllm, url: "%(gpu)s", serves: {{chat: simulated-llama}}}}
  api:
    zone: cloud
    kind: openai
    url: "%(api)s"
    serves:
      chat: gpt-4o-mini
      cloudy: gpt-4o-mini
      vectors: {{model: text-embedding-3-small, endpoints: [embeddings]}}
  down: {{zone: local, kind: openai, url: "http://127.0.0.1:9/v1", serves: {{dead: m}}}}
models:
  chat: {{backends: [gpu, api], aliases: [gpt-4o-mini]}}
  cloudy: {{backends: [api]}}
  vectors: {{backends: [api], aliases: [text-embedding-3-small]}}
  dead: {{backends: [down]}}
sensitivity: {{levels: {{public: [local, cloud], restricted: [local]}}, default: public}}
cost: {{strategy: local_first}}
health: {{failures_to_open: 3, cooldown: 60s}}
retry: {{backoff: 1ms}}
keys:
  - {{name: app, sha256: "{sha256(KEY.encode()).hexdigest()}"}}
  - {{name: small, sha256: "{sha256(SMALL_KEY.encode()).hexdigest()}", models: [chat]}}
"""
HELLO = [{"role": "user", "content": "Hello there"}]
RESTRICTED = {"x-breakeven-sensitivity": "restricted"}
BOTH = pytest.mark.parametrize("model", ["chat", "cloudy"], ids=["vllm", "openai"])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, pretended: dict[str, str]) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "policy.yaml").write_text(POLICY % pretended)
    serving = Serving(folder / "data", ("--policy", str(folder / "policy.yaml"))).start()
    yield serving
    assert serving.stop() == 0


@pytest.fixture
def client(gateway: Serving) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture
async def asynchronous(gateway: Serving) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=20) as made:
        yield made


# --- chat


@BOTH
def test_a_whole_answer(client, model):
    answer = client.chat.completions.create(model=model, messages=HELLO)
    assert "Hello there" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


@BOTH
def test_a_stream_says_the_same_and_has_usage_only_when_asked(client, model):
    whole = client.chat.completions.create(model=model, messages=HELLO)
    plain = list(client.chat.completions.create(model=model, messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in plain) == whole.choices[0].message.content
    assert {chunk.usage for chunk in plain} == {None}
    options = {"include_usage": True}
    asked = list(client.chat.completions.create(model=model, messages=HELLO, stream=True, stream_options=options))
    assert [chunk.usage for chunk in asked if chunk.usage][-1].total_tokens == whole.usage.total_tokens
    assert asked[-1].choices == []


@BOTH
def test_the_streaming_helper(client, model):
    with client.chat.completions.stream(model=model, messages=HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)
    assert "Hello there" in final.choices[0].message.content


@BOTH
def test_several_choices(client, model):
    answer = client.chat.completions.create(model=model, messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    chunks = client.chat.completions.create(model=model, messages=HELLO, n=3, stream=True)
    texts = ["", "", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [choice.message.content for choice in answer.choices]


@BOTH
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_forced_tool(client, model, choice):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    asked = {
        "model": model,
        "messages": HELLO,
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}],
        "tool_choice": choice,
    }
    (call,) = client.chat.completions.create(**asked).choices[0].message.tool_calls
    assert call.function.name == "weather" and "city" in json.loads(call.function.arguments)
    with client.chat.completions.stream(**asked) as stream:
        (streamed,) = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed.function.arguments == call.function.arguments


@BOTH
def test_logprobs(client, model):
    answer = client.chat.completions.create(model=model, messages=HELLO, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    assert "".join(each.token for each in tokens) == answer.choices[0].message.content
    assert all(each.logprob <= 0 for each in tokens)


@BOTH
def test_response_formats_pass_through(client, model):
    class Reply(BaseModel):
        text: str

    answer = client.chat.completions.create(
        model=model, messages=HELLO, response_format={"type": "json_object"}, seed=7, user="somebody"
    )
    assert answer.choices[0].finish_reason == "stop"
    with client.chat.completions.stream(model=model, messages=HELLO, response_format={"type": "text"}) as stream:
        assert stream.get_final_completion().choices[0].message.content
    schema = {"type": "json_schema", "json_schema": {"name": "reply", "schema": Reply.model_json_schema()}}
    assert client.chat.completions.create(model=model, messages=HELLO, response_format=schema).choices


def test_raw_responses_show_where_it_ran_and_why(client):
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO)
    assert (raw.headers["x-breakeven-backend"], raw.headers["x-breakeven-reason"]) == ("gpu", "local-first")
    assert raw.parse().choices[0].message.content


async def test_many_at_once(asynchronous):
    async def whole(number: int) -> str:
        messages = [{"role": "user", "content": f"number {number}"}]
        answer = await asynchronous.chat.completions.create(model="chat", messages=messages)
        return answer.choices[0].message.content

    async def streamed(number: int) -> str:
        messages = [{"role": "user", "content": f"number {number}"}]
        stream = await asynchronous.chat.completions.create(model="cloudy", messages=messages, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    answers = await asyncio.gather(*(ask(number) for number in range(20) for ask in (whole, streamed)))
    assert all(f'"number {place // 2}"' in text for place, text in enumerate(answers))


async def test_a_client_that_leaves_a_stream_is_no_error(asynchronous, gateway):
    stream = await asynchronous.chat.completions.create(model="chat", messages=HELLO, stream=True)
    await anext(aiter(stream))
    await stream.close()
    assert (await asynchronous.chat.completions.create(model="chat", messages=HELLO)).choices
    assert not gateway.log("unhandled error")


# --- the other endpoints


@BOTH
def test_completions(client, model):
    answer = client.completions.create(model=model, prompt="Once upon", max_tokens=5)
    assert answer.usage.completion_tokens == 5
    chunks = client.completions.create(model=model, prompt="Once upon", max_tokens=5, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == answer.choices[0].text
    several = client.completions.create(model=model, prompt=["Once", "Twice"], max_tokens=2)
    assert [choice.index for choice in several.choices] == [0, 1]


@BOTH
def test_responses(client, model):
    """What the SDKs of today use unless told otherwise."""
    answer = client.responses.create(model=model, input="Hello there")
    assert "Hello there" in answer.output_text
    with client.responses.stream(model=model, input="Hello there") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert (final.output_text, final.usage) == (answer.output_text, answer.usage)
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


async def test_messages(gateway):
    """As Anthropic's SDK asks, with its key where it puts it."""
    asked = {"model": "chat", "max_tokens": 200, "messages": HELLO}
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    url = f"{gateway.url}/v1/messages"
    async with aiohttp.ClientSession(headers=headers) as client:
        async with client.post(url, json=asked) as got:
            answer = await got.json()
        assert "Hello there" in answer["content"][0]["text"] and answer["stop_reason"] == "end_turn"
        async with client.post(url, json=asked | {"stream": True}) as got:
            streamed = await got.text()
        assert streamed.startswith("event: message_start") and "event: message_stop" in streamed
        async with client.post(f"{url}/count_tokens", json=asked) as got:
            counted = await got.json()
    assert counted["input_tokens"] == answer["usage"]["input_tokens"]


def test_token_ids_which_nobody_here_can_read_stay_local(client):
    assert client.completions.create(model="chat", prompt=[[1, 2, 3], [4, 5]], max_tokens=2).usage.prompt_tokens == 5
    with pytest.raises(openai.PermissionDeniedError, match="unreadable token ids"):
        client.embeddings.create(model="vectors", input=[1, 2, 3])


def test_embeddings(client):
    both = client.embeddings.create(model="vectors", input=["one", "two"])  # the SDK asks for base64 on its own
    assert [item.index for item in both.data] == [0, 1]
    floats = client.embeddings.create(model="text-embedding-3-small", input="one", encoding_format="float")
    assert both.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
    assert len(client.embeddings.create(model="vectors", input="one", dimensions=8).data[0].embedding) == 8


def test_models(client, gateway):
    names = {"chat", "gpt-4o-mini", "cloudy", "vectors", "text-embedding-3-small", "dead"}
    assert {model.id for model in client.models.list()} == names
    assert client.models.retrieve("gpt-4o-mini").object == "model"
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=SMALL_KEY) as small:
        assert {model.id for model in small.models.list()} == {"chat", "gpt-4o-mini"}
        with pytest.raises(openai.NotFoundError):
            small.models.retrieve("cloudy")


# --- errors


def test_a_wrong_key(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="wrong", max_retries=0) as stranger:
        for call in (stranger.models.list, lambda: stranger.chat.completions.create(model="chat", messages=HELLO)):
            with pytest.raises(openai.AuthenticationError) as refused:
                call()
            assert refused.value.code == "invalid_api_key"


def test_a_model_that_does_not_exist(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="nothing", messages=HELLO)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_a_model_that_the_key_may_not_use(gateway):
    small = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=SMALL_KEY, max_retries=0)
    with small, pytest.raises(openai.PermissionDeniedError) as refused:
        small.chat.completions.create(model="cloudy", messages=HELLO)
    assert refused.value.code == "model_not_allowed"


@pytest.mark.parametrize("stream", [False, True])
def test_what_may_not_leave_does_not(client, stream):
    with pytest.raises(openai.PermissionDeniedError) as refused:
        client.chat.completions.create(model="cloudy", messages=HELLO, stream=stream, extra_headers=RESTRICTED)
    assert (refused.value.code, refused.value.type) == ("egress_denied", "permission_error")


@BOTH
def test_a_request_that_a_backend_refuses(client, model):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=HELLO, max_tokens=0)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=[])


@BOTH
def test_a_prompt_beyond_the_context(client, model):
    """Dense enough for the gateway to leave the judgement to the backend, whose words clients act on."""
    messages = [{"role": "user", "content": "a b " * 4500}]
    with pytest.raises(openai.BadRequestError, match="maximum context length is 8192 tokens"):
        client.chat.completions.create(model=model, messages=messages)


def test_a_body_that_is_no_request(client):
    with pytest.raises(openai.BadRequestError):
        client.post("/chat/completions", cast_to=object, body=["not", "an", "object"])


def test_a_backend_that_is_down(gateway, monkeypatch):
    """What was tried in vain is not tried again by the SDK. Once the circuit is open it waits as long as it is told."""
    waits, told = [], []
    monkeypatch.setattr(time, "sleep", waits.append)
    patient = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=1, timeout=20)
    with patient:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError) as failed:
                patient.chat.completions.create(model="dead", messages=HELLO)
            assert (failed.value.status_code, failed.value.code) == (503, "backend_unavailable")
            headers = failed.value.response.headers
            told.append((headers["x-should-retry"], "retry-after" in headers))
    assert told == [("false", False), ("true", True)]
    (wait,) = waits
    assert 1 <= wait <= 60
    assert sum(line.get("model") == "dead" for line in gateway.log()) == 1 + 2


def test_an_endpoint_that_the_backends_do_not_have(client):
    """Neither backend pretends to hear: they are asked for the rest all the same afterwards."""
    with pytest.raises(openai.APIStatusError, match="it has no /audio/speech"):
        client.audio.speech.create(model="chat", input="hi", voice="alloy")
    assert client.chat.completions.create(model="chat", messages=HELLO).choices


def test_all_of_it_was_counted(gateway, client):
    """Every answer with tokens stands in the ledger, under the key that asked."""
    client.chat.completions.create(model="chat", messages=HELLO)
    by_key = eventually(lambda: gateway.usage("key"))
    assert by_key["app"]["requests"] > 0
    assert by_key["app"]["input"] == by_key["total"]["input"]
