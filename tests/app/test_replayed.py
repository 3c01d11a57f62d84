"""What a whole gateway has decided is decided again from its exported records, by the policies that it had."""

from __future__ import annotations

import base64
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.serving import PROJECT, Pretended, Serving, clean_environment, eventually

from router.config.load import load
from router.core.decision.replay import decide_again, differences
from router.simulate.readers.registry import read
from router.simulate.replayed import recorded_decision

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "%(gpu)s", serves: {chat: simulated-llama}, cost: {usd_per_hour: 1.59},
        quality: 0.7, capacity: {max_running: 2, queue: 4, queue_timeout: 300ms}}
  api: {zone: cloud, kind: openai, url: "%(api)s", quality: 0.9,
        serves: {chat: {model: gpt-4o-mini, context: 4000, modalities: [text, image], price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api], aliases: [small]}}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  tags: {phi: [local]}
  detectors: [{find: [credit_card], raise_to: restricted}]
rules:
  - {name: batch, when: {tag: phi}, quality_floor: 0.5}
cost: {strategy: %(strategy)s, threshold_tokens_per_day: 1500}
health: {probe_interval: 100ms}
"""
EDITED = {"strategy": "local_first"}
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
REQUESTS, AT_ONCE, ALONE = 240, 12, 6


def variety(seed: int) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Requests of every kind that decisions differ by; the same ones each time."""
    draw = random.Random(seed)
    while True:
        headers: dict[str, str] = {}
        text: Any = "word " * draw.choice((5, 50, 400))
        body: dict[str, Any] = {"model": draw.choice(("chat", "chat", "small", "chat", "no-such-model"))}
        match draw.randrange(8):
            case 0:
                headers["x-breakeven-sensitivity"] = "restricted"
            case 1:
                headers["x-breakeven-tags"] = draw.choice(("phi", "no-such-tag"))
            case 2:
                headers["x-breakeven-quality"] = draw.choice(("0.8", "0.95", "0.123456789"))
            case 3:
                text = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
            case 4:
                text = "word " * 12_000
            case 5:
                body["n"] = 2
            case 6:
                text = "My card is 4111 1111 1111 1111"
        body["messages"] = [{"role": "user", "content": text}]
        if draw.random() < 0.7:
            body["max_tokens"] = draw.choice((5, 20, 60, 9000))
        yield headers, body


def ask_all(serving: Serving, seed: int, number: int) -> Counter[int]:
    """The statuses of so many requests, several at once, and then some one after the other, which find room."""
    asks = variety(seed)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [next(asks) for _ in range(number - ALONE)]
        answered = Counter(pool.map(lambda ask: serving.ask(ask[0], **ask[1]).status, asked))
    return answered + Counter(serving.ask(max_tokens=5).status for _ in range(ALONE))


@pytest.fixture(scope="module")
def slow() -> Iterator[Mapping[str, str]]:
    """A vLLM with little room, so that requests spill and wait, and an API."""
    made = {
        "gpu": Pretended.start("vllm", "--tokens-per-second", "400", "--first-token", "0.05", "--slots", "2"),
        "api": Pretended.start("openai", "--tokens-per-second", "20000", "--first-token", "0"),
    }
    yield {name: each.url for name, each in made.items()}
    for each in made.values():
        each.stop()


def exported(serving: Serving, path: Path, form: str) -> Path:
    command = [sys.executable, "-m", "router", "export", "--format", form, "--output", str(path)]
    command += ["--data-dir", str(serving.data_dir)]
    subprocess.run(command, check=True, timeout=60, env=clean_environment(), cwd=PROJECT)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, slow: Mapping[str, str]) -> Iterator[Callable[[str], Any]]:
    folder = tmp_path_factory.mktemp("run")
    first, second = folder / "first.yaml", folder / "second.yaml"
    first.write_text(POLICY % {**slow, "strategy": "threshold"})
    second.write_text(POLICY % {**slow, **EDITED})
    policy = folder / "policy.yaml"
    policy.write_bytes(first.read_bytes())
    serving = Serving(folder / "data", ("--policy", str(policy), "--workers", "2")).start()
    try:
        eventually(lambda: set(serving.ready()["backends"].values()) == {"healthy"})
        answered = ask_all(serving, 1, REQUESTS // 2)
        edited = folder / "edited.yaml"
        edited.write_bytes(second.read_bytes())
        with ThreadPoolExecutor(1) as pool:
            meanwhile = pool.submit(ask_all, serving, 2, REQUESTS // 4)
            edited.replace(policy)
            eventually(lambda: len(serving.log("policy adopted")) == 2)
            answered += meanwhile.result()
        answered += ask_all(serving, 3, REQUESTS // 4)
        assert answered.total() == REQUESTS
        plans = {plan.version: plan for plan in map(load, (first, second))}
        yield lambda form: (plans, exported(serving, folder / f"records.{form}", form))
    finally:
        serving.stop()


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_all_decisions_are_the_recorded_ones(run, form):
    plans, path = run(form)
    first, second = plans
    found = Counter[str]()
    for request in read(path):
        assert request.grounds is not None, request
        recorded = recorded_decision(request)
        found[recorded.decided] += 1
        found["waited for"] += request.grounds.waits
        found["after the edit"] += request.policy == second
        assert differences(recorded, decide_again(recorded, plans[request.policy])) == [], recorded
        other = plans[first if request.policy == second else second]
        found["another policy's"] += bool(differences(recorded, decide_again(recorded, other)))
    kinds = ("spill", "only-permitted", "threshold-above", "local-first", "after the edit", "another policy's")
    refusals = ("model_not_found", "no_capable_backend", "context_length_exceeded")
    assert all(found[kind] for kind in (*kinds, *refusals)), found
    assert found.total() - found["waited for"] - found["after the edit"] - found["another policy's"] == REQUESTS
