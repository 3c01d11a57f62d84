"""What each provider is really sent for each of OpenAI's parameters: the value, its counterpart, or nothing but a 400.

The mocks answer in the shape of each provider's documentation, and keep what they are asked.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.surfaces.may_be_billed import UNSUPPORTED

PROJECT = Path(__file__).parents[2]
POLICY = """
version: 1
zones: {{local: {{owned: true}}}}
backends:
  claude: {{zone: local, kind: litellm, api_base: "{url}", serves: {{a: anthropic/claude-sonnet-4-5}}}}
  gemini: {{zone: local, kind: litellm, api_base: "{url}", serves: {{b: gemini/gemini-2.5-flash}}}}
  mistral: {{zone: local, kind: litellm, api_base: "{url}/v1", serves: {{c: mistral/mistral-large-latest}}}}
  groq: {{zone: local, kind: litellm, api_base: "{url}/v1", serves: {{d: groq/llama-3.3-70b-versatile}}}}
  openai: {{zone: local, kind: litellm, api_base: "{url}/v1", serves: {{e: openai/gpt-4o}}}}
  lenient:
    zone: local
    kind: litellm
    api_base: "{url}"
    drop_unsupported: true
    serves: {{f: anthropic/claude-sonnet-4-5}}
models:
  a: {{backends: [claude]}}
  b: {{backends: [gemini]}}
  c: {{backends: [mistral]}}
  d: {{backends: [groq]}}
  e: {{backends: [openai]}}
  f: {{backends: [lenient]}}
"""
MODELS = {
    "claude": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "mistral": "mistral/mistral-large-latest",
    "groq": "groq/llama-3.3-70b-versatile",
    "openai": "openai/gpt-4o",
    "lenient": "anthropic/claude-sonnet-4-5",
}
COUNTS = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def tool(**more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, **more}}


ASKED: dict[str, dict[str, Any]] = {
    "n": {"n": 2},
    "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 3},
    "frequency_penalty": {"frequency_penalty": 0.5},
    "presence_penalty": {"presence_penalty": 0.5},
    "seed": {"seed": 7},
    "response_format": {"response_format": {"type": "json_object"}},
    "logit_bias": {"logit_bias": {"5": -100}},
    "parallel_tool_calls": {"tools": [tool()], "parallel_tool_calls": False},
    "tools[0].strict": {"tools": [tool(strict=True)]},
    "tool_choice": {"tools": [tool()], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
    "stop": {"stop": ["X"]},
    "top_p": {"top_p": 0.5},
    "verbosity": {"verbosity": "low"},
    "store": {"store": True},
}
REFUSED = None
SAID: dict[str, dict[str, Any]] = {
    "claude": {
        "parallel_tool_calls": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        "tool_choice": {"tool_choice": {"type": "tool", "name": "weather"}},
        "stop": {"stop_sequences": ["X"]},
        "top_p": {"top_p": 0.5},
    },
    "gemini": {
        "n": {"generationConfig": {"candidate_count": 2}},
        "logprobs": {"generationConfig": {"responseLogprobs": True}},
        "frequency_penalty": {"generationConfig": {"frequency_penalty": 0.5}},
        "presence_penalty": {"generationConfig": {"presence_penalty": 0.5}},
        "seed": {"generationConfig": {"seed": 7}},
        "response_format": {"generationConfig": {"response_mime_type": "application/json"}},
        "tool_choice": {
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowed_function_names": ["weather"]}}
        },
        "stop": {"generationConfig": {"stop_sequences": ["X"]}},
        "top_p": {"generationConfig": {"top_p": 0.5}},
    },
    "mistral": {
        "seed": {"random_seed": 7},
        "response_format": {"response_format": {"type": "json_object"}},
        "parallel_tool_calls": {"parallel_tool_calls": False},
        "tools[0].strict": {"tools": [tool(strict=True)]},
        "stop": {"stop": ["X"]},
        "top_p": {"top_p": 0.5},
    },
    "groq": {name: asked for name, asked in ASKED.items() if name != "verbosity"},
    "openai": {name: asked for name, asked in ASKED.items() if name != "verbosity"},
}
"""By provider, the fields that say it; what is missing here is refused."""


class Providers:
    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.answer: Any = None
        providers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                providers.seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                answer = providers.answer or _answer(self.path)
                streams = isinstance(answer, list)
                lines = "".join(f"data: {json.dumps(each)}\n\n" for each in answer) if streams else json.dumps(answer)
                content = lines.encode()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream" if streams else "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _answer(path: str) -> Any:
    if "messages" in path:
        return message("end_turn")
    if "generateContent" in path:
        return candidate("STOP", {"text": "Hello"})
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "service_tier": "default"}
    return {**head, "choices": [choice], "usage": COUNTS}


def message(stop: str) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    usage = {"input_tokens": 10, "output_tokens": 5}
    return {**head, "content": [{"type": "text", "text": "Hello"}], "stop_reason": stop, "usage": usage}


def candidate(finish: str | None, *parts: dict[str, Any]) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    counts = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    finished = {} if finish is None else {"finishReason": finish}
    return {"candidates": [{"content": content, "index": 0, **finished}], "usageMetadata": counts}


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    made = Providers()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def socket(interpreter: str, providers: Providers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("providers")
    (folder / "policy.yaml").write_text(POLICY.format(url=providers.url))
    path = str(folder / "s")
    command = [interpreter, "-m", "router.litellm_adapter", "--policy", str(folder / "policy.yaml"), "--socket", path]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == f"listening on unix:{path}\n", (folder / "log").read_text()
    yield path
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
async def session(socket: str, providers: Providers) -> Any:
    providers.seen.clear()
    providers.answer = None
    connector = aiohttp.UnixConnector(path=socket)
    async with aiohttp.ClientSession("http://adapter", connector=connector) as made:
        yield made


async def chat(session: aiohttp.ClientSession, provider: str, **asked: Any) -> tuple[int, dict[str, Any]]:
    body = {"model": MODELS[provider], "messages": [{"role": "user", "content": "Hi"}], **asked}
    async with session.post(f"/{provider}/v1/chat/completions", json=body) as got:
        return got.status, await got.json()


def within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(within(value, whole.get(name)) for name, value in part.items())
    return bool(part == whole) or (isinstance(part, list) and bool(part) and isinstance(whole, list))


@pytest.mark.parametrize("param", ASKED)
@pytest.mark.parametrize("provider", SAID)
async def test_a_parameter_is_told_to_its_provider_or_refused_by_its_name(
    session: aiohttp.ClientSession, providers: Providers, provider: str, param: str
) -> None:
    status, answer = await chat(session, provider, **ASKED[param])
    said = SAID[provider].get(param, REFUSED)
    if said is REFUSED:
        error = answer["error"]
        named = {param, "logprobs"} if param == "top_logprobs" else {param}
        assert (status, error["code"], providers.seen) == (400, UNSUPPORTED, []), answer
        assert error["param"] in named and error["param"] in error["message"]
    else:
        assert status == 200, answer
        assert within(said, providers.seen[0]), providers.seen


@pytest.mark.parametrize("param", ASKED)
async def test_a_backend_may_leave_out_what_its_provider_lacks(
    session: aiohttp.ClientSession, providers: Providers, param: str
) -> None:
    assert (await chat(session, "lenient", **ASKED[param]))[0] == 200
    assert len(providers.seen) == 1


@pytest.mark.parametrize("provider", SAID)
async def test_hints_and_defaults_are_never_in_the_way(session: aiohttp.ClientSession, provider: str) -> None:
    hints = {"user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "metadata": {"a": "b"}}
    defaults = {"n": 1, "logprobs": False, "frequency_penalty": 0, "store": False, "response_format": {"type": "text"}}
    status, answer = await chat(session, provider, **hints, **defaults)
    assert status == 200, answer


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
    ],
)
async def test_claude_ends_as_it_says(
    session: aiohttp.ClientSession, providers: Providers, stop: str, finish: str
) -> None:
    providers.answer = message(stop)
    _, answer = await chat(session, "claude")
    assert (answer["choices"][0]["finish_reason"], answer["choices"][0]["message"]["content"]) == (finish, "Hello")


async def test_an_answer_that_was_stopped_for_its_content_keeps_its_text(
    session: aiohttp.ClientSession, providers: Providers
) -> None:
    providers.answer = candidate("SAFETY", {"text": "Hello"})
    _, answer = await chat(session, "gemini")
    choice = answer["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "Hello")


async def test_an_answer_that_went_wrong_is_no_answer(session: aiohttp.ClientSession, providers: Providers) -> None:
    providers.answer = candidate("MALFORMED_FUNCTION_CALL", {"text": ""})
    status, answer = await chat(session, "gemini")
    assert (status, answer["error"]["code"]) == (502, "answer_failed")


async def test_ids_of_tool_calls_are_as_the_provider_made_them(
    session: aiohttp.ClientSession, providers: Providers
) -> None:
    call = {"id": "fc_9", "name": "weather", "args": {"city": "Oslo"}}
    providers.answer = candidate("STOP", {"functionCall": call, "thoughtSignature": "QUJD" * 100})
    _, answer = await chat(session, "gemini", tools=[tool()])
    assert answer["choices"][0]["message"]["tool_calls"][0]["id"] == "fc_9"


async def test_a_stream_whose_request_is_made_late_goes_to_its_provider(
    session: aiohttp.ClientSession, providers: Providers
) -> None:
    providers.answer = [candidate(None, {"text": "Hel"}), candidate("SAFETY", {"text": "lo"})]
    body = {"model": MODELS["gemini"], "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    async with session.post("/gemini/v1/chat/completions", json=body) as got:
        lines = [line.decode()[6:].strip() async for line in got.content if line.startswith(b"data: ")]
    assert (got.status, lines[-1]) == (200, "[DONE]")
    choices = [json.loads(line)["choices"][0] for line in lines[:-1]]
    assert "".join(each["delta"].get("content") or "" for each in choices) == "Hello"
    assert choices[-1]["finish_reason"] == "content_filter"
