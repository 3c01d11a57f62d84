"""The gateway in front of a vLLM that runs a real model.

Skipped where none runs. REAL_VLLM_URL names it (http://127.0.0.1:8123/v1 if not set); it serves REAL_VLLM_MODEL
(smollm2-135m if not set) with a context of 2,048 tokens, for which this is enough on a machine without a GPU:

    python -m vllm.entrypoints.openai.api_server --model PATH --served-model-name smollm2-135m \\
        --host 127.0.0.1 --port 8123 --max-model-len 2048 --enforce-eager
"""

from __future__ import annotations

import os
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from support.serving import Serving, eventually

URL = os.environ.get("REAL_VLLM_URL", "http://127.0.0.1:8123/v1")
MODEL = os.environ.get("REAL_VLLM_MODEL", "smollm2-135m")
ROOT = URL.removesuffix("/v1")
PARIS = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is the capital of France?"},
]

POLICY = f"""
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu:
    zone: local
    kind: vllm
    url: {URL}
    serves: {{chat: {MODEL}}}
    cost: {{usd_per_hour: 1.59}}
    capacity: {{max_waiting: 1, max_kv_cache: CAPACITY}}
  api: {{zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {{chat: gpt-4o-mini}}}}
models: {{chat: {{backends: [gpu, api]}}}}
cost: {{strategy: local_first}}
health: {{probe_interval: 200ms}}
"""


def metric(name: str) -> float:
    with urllib.request.urlopen(f"{ROOT}/metrics", timeout=10) as answer:
        found = re.findall(rf"^vllm:{name}(?:\{{[^}}]*\}})? (\S+)", answer.read().decode(), re.MULTILINE)
    return sum(map(float, found))


def _missing() -> str:
    try:
        with urllib.request.urlopen(f"{ROOT}/health", timeout=2):
            return ""
    except OSError as error:
        return f"no vLLM answers at {ROOT}/health ({error}); REAL_VLLM_URL names one"


pytestmark = [pytest.mark.real_vllm]


@pytest.fixture(scope="module", autouse=True)
def _needs_a_vllm() -> None:
    if why := _missing():
        pytest.skip(why)


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Serving]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("CAPACITY", getattr(request, "param", "0.95")))
    serving = Serving(tmp_path / "data", ("--policy", str(policy))).start()
    eventually(lambda: serving.ready()["backends"]["gpu"] == "healthy")
    yield serving
    serving.stop()


@pytest.fixture
def client(gateway: Serving) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0, timeout=120) as made:
        yield made


def test_the_model_answers_and_every_token_is_counted(gateway, client):
    before = metric("prompt_tokens_total"), metric("generation_tokens_total")
    whole = client.chat.completions.create(model="chat", messages=PARIS, temperature=0, max_tokens=30)
    assert "Paris" in whole.choices[0].message.content
    stream = client.chat.completions.create(model="chat", messages=PARIS, temperature=0, max_tokens=30, stream=True)
    assert "Paris" in "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    asked = client.chat.completions.create(
        model="chat",
        messages=PARIS,
        temperature=0,
        max_tokens=30,
        stream=True,
        stream_options={"include_usage": True},
    )
    reported = [chunk.usage for chunk in asked][-1]
    assert reported == whole.usage.model_copy(update={"prompt_tokens_details": reported.prompt_tokens_details})
    used = gateway.usage()["gpu"]
    assert (used["requests"], used["errors"], used["estimated"]) == (3, 0, 0)
    assert (used["input"], used["output"]) == (3 * whole.usage.prompt_tokens, 3 * whole.usage.completion_tokens)
    grown = eventually(lambda: _grown(before, 3 * whole.usage.completion_tokens))
    assert (used["input"], used["output"]) == grown


def _grown(before: tuple[float, float], output: int) -> tuple[float, float] | None:
    """What vLLM itself has counted since, once it has counted all of the answers."""
    now = metric("prompt_tokens_total") - before[0], metric("generation_tokens_total") - before[1]
    return now if now[1] >= output else None


def test_a_client_that_leaves_stops_the_model(gateway, client):
    stream = client.chat.completions.create(
        model="chat", messages=PARIS, max_tokens=1500, stream=True, extra_body={"ignore_eos": True}
    )
    for _, _chunk in zip(range(3), stream, strict=False):
        pass
    assert metric("num_requests_running") == 1
    stream.close()
    left = time.monotonic()
    eventually(lambda: metric("num_requests_running") == 0)
    print(f"vLLM stopped {time.monotonic() - left:.2f} s after its client had left")
    used = eventually(lambda: gateway.usage().get("gpu"))
    assert 0 < used["output"] < 1000


@pytest.mark.parametrize("choices", [1, 2])
@pytest.mark.parametrize("after", [1, 2, 7, 20])
def test_a_stream_that_is_cut_is_charged_what_the_model_produced(gateway, client, after, choices):
    """What vLLM had told the gateway when it learnt that the client was gone; it may have been computing one more.

    Its metrics count the input once for each choice, its reports to clients once for all.
    """
    before = metric("prompt_tokens_total"), metric("generation_tokens_total")
    stream = client.chat.completions.create(
        model="chat", messages=PARIS, max_tokens=500, n=choices, stream=True, extra_body={"ignore_eos": True}
    )
    for _, chunk in zip(range(after), stream, strict=False):
        assert chunk.usage is None and "usage" not in chunk.model_fields_set
    stream.close()
    used = eventually(lambda: gateway.usage().get("gpu"))
    eventually(lambda: metric("num_requests_running") == 0)
    counted = metric("prompt_tokens_total") - before[0], metric("generation_tokens_total") - before[1]
    print(f"after {after} events of {choices}: charged {used['input']} + {used['output']}, vLLM counted {counted}")
    assert (used["requests"], used["estimated"]) == (1, 0)
    assert counted[0] in {used["input"] * started for started in range(1, choices + 1)}
    assert 0 <= counted[1] - used["output"] <= 2 * choices


def test_its_words_on_context_length_reach_the_client(client):
    """The model's tokenizer makes a token of every digit, which only the vLLM knows."""
    digits = [{"role": "user", "content": "7" * 2100}]
    with pytest.raises(openai.BadRequestError, match="maximum context length is 2048 tokens") as refused:
        client.chat.completions.create(model="chat", messages=digits, max_tokens=5)
    assert refused.value.response.headers["x-breakeven-backend"] == "gpu"


@pytest.mark.parametrize("gateway", ["0.001"], indirect=True)
def test_its_metrics_decide_whether_it_is_full(gateway, client):
    """With so low a limit one running answer fills the KV cache; the cloud that is left does not answer here."""
    stream = client.chat.completions.create(
        model="chat", messages=PARIS, max_tokens=1500, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    answer = eventually(lambda: _spilled(gateway))
    assert answer.startswith("api: ")
    stream.close()
    eventually(lambda: gateway.ask(max_tokens=5).backend == "gpu")


def _spilled(gateway: Serving) -> str:
    """What became of a request that went to the cloud, because the GPU was full."""
    answer = gateway.ask(max_tokens=1)
    return answer.json["error"]["message"].partition("answered. ")[2] if answer.status == 503 else ""
