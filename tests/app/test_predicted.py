"""What other strategies would have cost is what they cost: records of a whole gateway under one, played under another,
beside what the ledger says of a whole gateway under that other one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.serving import PROJECT, Pretended, Serving, clean_environment, eventually

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "%(gpu)s", serves: {chat: simulated-llama},
        cost: {usd_per_hour: 0.0001, usd_per_million_tokens: 0.2}, capacity: {max_running: 3}}
  api: {zone: cloud, kind: openai, url: "%(api)s", serves: {chat: {model: gpt-4o-mini, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api]}}
sensitivity: {levels: {public: [local, cloud], restricted: [local]}, default: public}
cost: {strategy: %(strategy)s, threshold_tokens_per_day: 3000}
health: {probe_interval: 100ms}
"""
STRATEGIES = ("cloud_first", "local_first", "threshold", "breakeven")
SPEED, FIRST = 10, 0.1
BEAT, APART, BEATS = 2.4, 0.1, 22
"""Seconds between bursts, and between the requests of one: no answer ends near to where a request comes, which a busy
machine could turn round."""
OUTPUTS = (12, 33)
"""Tokens: 1.2 and 3.3 seconds."""


class Ran(NamedTuple):
    policy: Path
    records: Path
    usage: Mapping[str, Any]
    reasons: frozenset[str]


def bursts() -> Iterator[tuple[float, dict[str, str], dict[str, Any]]]:
    """When each request comes, its headers and its body; the same ones each time."""
    draw = random.Random(7)
    for beat in range(BEATS):
        for number in range(draw.choice((1, 2, 4, 5))):
            text = "word " * draw.randint(60, 120)
            body = {"messages": [{"role": "user", "content": text}], "max_tokens": draw.choice(OUTPUTS)}
            level = {"x-breakeven-sensitivity": "restricted"} if not number and draw.random() < 0.2 else {}
            yield beat * BEAT + number * APART, level, {**body, "stream": draw.random() < 0.5}


def ask_all(serving: Serving) -> frozenset[str]:
    """The reasons of the answers, all of which came."""
    begin = time.monotonic() + 0.5

    def ask(each: tuple[float, dict[str, str], dict[str, Any]]) -> str:
        time.sleep(max(0.0, begin + each[0] - time.monotonic()))
        answer = serving.ask(each[1], **each[2])
        assert answer.status == 200, answer.body
        return answer.headers["x-breakeven-reason"]

    with ThreadPoolExecutor(24) as pool:
        return frozenset(pool.map(ask, bursts()))


def router(*arguments: str) -> str:
    command = [sys.executable, "-m", "router", *arguments]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean_environment(), cwd=PROJECT)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Ran]]:
    """A gateway of its own under each strategy, between the same backends."""
    gpu = Pretended.start("vllm", "--tokens-per-second", str(SPEED), "--first-token", str(FIRST))
    api = Pretended.start("openai", "--tokens-per-second", "20000", "--first-token", "0")
    try:
        yield {name: ran(tmp_path_factory.mktemp(name), name, {"gpu": gpu.url, "api": api.url}) for name in STRATEGIES}
    finally:
        gpu.stop()
        api.stop()


def ran(folder: Path, strategy: str, urls: Mapping[str, str]) -> Ran:
    policy, records, data = folder / "policy.yaml", folder / "records.jsonl", folder / "data"
    policy.write_text(POLICY % {**urls, "strategy": strategy})
    serving = Serving(data, ("--policy", str(policy), "--workers", "1")).start()
    try:
        eventually(lambda: set(serving.ready()["backends"].values()) == {"healthy"})
        reasons = ask_all(serving)
        asked = sum(1 for _ in bursts())
        usage = eventually(lambda: settled(serving, asked))
        router("export", "--output", str(records), "--data-dir", str(data))
    finally:
        serving.stop()
    return Ran(policy, records, usage, reasons)


def settled(serving: Serving, asked: int) -> Mapping[str, Any] | None:
    found = serving.usage()
    return found if found["total"]["requests"] == asked else None


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_costs_under_another_strategy_are_what_they_are_when_it_is_run(runs: Mapping[str, Ran]) -> None:
    """By the token, rent apart: a gateway is on for longer than its requests last."""
    assert "spill" in runs["local_first"].reasons & runs["threshold"].reasons & runs["breakeven"].reasons
    assert {"threshold-below", "threshold-above"} <= runs["threshold"].reasons
    assert {"breakeven-below", "breakeven-above"} <= runs["breakeven"].reasons
    costs = {name: each.usage["total"]["cost_usd"] for name, each in runs.items()}
    assert max(costs.values()) > 1.5 * min(costs.values()), "strategies differ by more than what is allowed"
    shape = f"gpu:speed={SPEED},first_byte={FIRST}"
    for recorded, played in permutations(STRATEGIES, 2):
        told = router(
            *("simulate", str(runs[recorded].records), "--policy", str(runs[played].policy), "--json"),
            *("--backend", shape, "--backend", "api:speed=20000,first_byte=0.01"),
        )
        figures = json.loads(told)["figures"]
        predicted = figures["usd_cloud"] + figures["usd_own_tokens"]
        print(f"{recorded} -> {played}: ${predicted:.6f}, and really ${costs[played]:.6f}")
        assert figures["spilled"] > 0 or played == "cloud_first"
        assert figures["restricted_left"] == 0
        assert predicted == pytest.approx(costs[played], rel=0.01), (recorded, played)
