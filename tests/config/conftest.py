"""A policy to begin with, for tests that change one thing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.config.load import plan_of
from router.core.values import Plan

BASE = """\
version: 1
zones:
  local: {owned: true}
  cloud: {}
backends:
  gpu:
    zone: local
    kind: vllm
    url: http://127.0.0.1:8000/v1
    serves: {chat: my-model}
    cost: {usd_per_hour: 1.5}
  openai:
    zone: cloud
    kind: openai
    url: https://api.openai.com/v1
    api_key: env:OPENAI_API_KEY
    serves:
      chat: {model: gpt-x, price: {input: 1, output: 4}}
models:
  chat: {backends: [gpu, openai], aliases: [gpt]}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  tags: {phi: [local]}
  detectors:
    - {find: [iban], raise_to: restricted}
rules:
  - {name: night, when: {tag: phi, hours: "00-06"}, zones: [local]}
keys:
  - {name: app, sha256: "0000000000000000000000000000000000000000000000000000000000000001", team: web}
  - {name: batch, sha256: "0000000000000000000000000000000000000000000000000000000000000002"}
"""
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def base() -> str:
    """A valid policy; none of its prices has to be looked up."""
    return BASE


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def edited() -> Callable[[str, str], str]:
    """The valid policy with one text, which occurs once, in another's place."""

    def edit(old: str, new: str) -> str:
        assert BASE.count(old) == 1
        return BASE.replace(old, new)

    return edit


@pytest.fixture
def plan() -> Callable[[str], Plan]:
    """The plan of a policy's text."""
    return lambda text: plan_of(text.encode(), "policy.yaml", now=NOW)


@pytest.fixture
def policies() -> Path:
    return Path(__file__).parents[2] / "policies"
