"""The whole gateway, as processes, between two pretended backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.litellm import python_with_litellm
from support.serving import Pretended, Serving

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "%(gpu)s", serves: {chat: simulated-llama}, cost: {usd_per_hour: 1.59}}
  api: {zone: cloud, kind: openai, url: "%(api)s", serves: {chat: {model: gpt-4o-mini, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api]}}
sensitivity: {levels: {public: [local, cloud], restricted: [local]}, default: public}
cost: {strategy: local_first}
health: {probe_interval: 100ms}
"""


@pytest.fixture(scope="session")
def pretended() -> Iterator[dict[str, str]]:
    """Base URLs of backends that answer at once."""
    quick = ("--tokens-per-second", "20000", "--first-token", "0", "--slots", "64")
    made = {"gpu": Pretended.start("vllm", *quick), "api": Pretended.start("openai", *quick)}
    yield {name: each.url for name, each in made.items()}
    for each in made.values():
        each.stop()


@pytest.fixture(scope="session")
def leisurely() -> Iterator[str]:
    """The base URL of a vLLM whose answers take a while."""
    made = Pretended.start("vllm", "--tokens-per-second", "50", "--first-token", "0")
    yield made.url
    made.stop()


@pytest.fixture
def policy(tmp_path: Path, pretended: dict[str, str]) -> Path:
    """A policy file that sends everything to the GPU, and to the cloud when that cannot be had."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY % pretended)
    return path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """`serve(policy, "--workers", "2")`; without a policy it serves the default one. All on one data directory."""
    started: list[Serving] = []

    def start(policy: Path | None = None, *arguments: str, environment: dict[str, str] | None = None) -> Serving:
        named = () if policy is None else ("--policy", str(policy))
        started.append(Serving(tmp_path / "data", (*named, *arguments), environment or {}))
        return started[-1].start()

    yield start
    for serving in started:
        serving.stop()


@pytest.fixture(scope="session")
def interpreter() -> str:
    """An interpreter with litellm, which cannot live in the environment of these tests."""
    return python_with_litellm()
