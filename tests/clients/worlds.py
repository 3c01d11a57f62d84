"""What clients are pointed at: a whole gateway in front of a provider, or in front of a vLLM."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from clients.provider import Billed, provided
from clients.registry import CLIENTS, GATEWAY
from support.serving import PROJECT, STARTS_WITHIN, Serving, clean_environment

PROVIDER, VLLM = "a provider", "a vLLM"
"""How the page calls the two."""


@dataclass
class World:
    """One gateway at `GATEWAY`."""

    name: str
    serving: Serving
    bill: Sequence[Billed]
    """What the provider would bill, growing; empty in front of a vLLM."""
    complaints: Sequence[str]

    def booked(self, key: str) -> list[Any]:
        """The ledger's records of one key, in order."""
        command = [sys.executable, "-m", "router", "export", "--key", key, "--data-dir", str(self.serving.data_dir)]
        told = subprocess.run(
            command, capture_output=True, text=True, env=clean_environment(), cwd=PROJECT, timeout=STARTS_WITHIN
        )
        assert told.returncode == 0, told.stderr
        return [json.loads(line) for line in told.stdout.splitlines()]


@contextlib.contextmanager
def in_front_of_a_provider(folder: Path) -> Iterator[World]:
    """OpenAI and Anthropic by one pretended provider, which takes every model that they have."""
    with provided() as provider:
        at = {"zone": "cloud", "url": f"{provider.url}/v1"}
        backends = {
            "openai": {**at, "kind": "openai", "serves": {"*": "*"}, "resources": "all"},
            "anthropic": {**at, "kind": "anthropic", "serves": {"claude-*": "claude-*"}},
        }
        models = {"*": {"backends": ["openai"]}, "claude-*": {"backends": ["anthropic"]}}
        sensitivity = {"levels": {"public": ["cloud"]}, "default": "public", "detectors": []}
        policy = {"zones": {"cloud": {}}, "backends": backends, "models": models, "sensitivity": sensitivity}
        with _serving(folder, policy) as serving:
            yield World(PROVIDER, serving, provider.bill, provider.complaints)


@contextlib.contextmanager
def in_front_of_a_vllm(folder: Path, url: str, model: str) -> Iterator[World]:
    """Whatever model is asked for, it is the vLLM's: apps keep the names that they know."""
    asked = ("gpt-4o-mini", "gpt-5-mini", "claude-sonnet-4-5")
    gpu = {
        "zone": "local",
        "kind": "vllm",
        "url": url,
        "serves": dict.fromkeys(asked, model),
        "cost": {"usd_per_hour": 1.59},
    }
    policy = {
        "zones": {"local": {"owned": True}},
        "backends": {"gpu": gpu},
        "models": {name: {"backends": ["gpu"]} for name in asked},
    }
    with _serving(folder, policy) as serving:
        yield World(VLLM, serving, (), ())


@contextlib.contextmanager
def _serving(folder: Path, policy: dict[str, Any]) -> Iterator[Serving]:
    folder.mkdir()
    keys = [{"name": client.key, "sha256": sha256(client.secret.encode()).hexdigest()} for client in CLIENTS]
    (folder / "policy.yaml").write_text(yaml.safe_dump({"version": 1, **policy, "keys": keys}, sort_keys=False))
    port = GATEWAY.rpartition(":")[2]
    serving = Serving(folder / "data", ("--policy", str(folder / "policy.yaml"), "--port", port)).start()
    try:
        yield serving
    finally:
        serving.stop()
