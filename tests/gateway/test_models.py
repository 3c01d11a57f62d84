"""What a key is shown of the policy's models."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from router.config.load import plan_of
from router.core.values import BackendState, KeyGrant, Permits
from router.gateway.errors import ApiError
from router.gateway.models import listing, single, visible
from router.surfaces.registry import FALLBACK

CHAT, CODE = SimpleNamespace(name="chat", routes=()), SimpleNamespace(name="code", routes=())
PLAN = SimpleNamespace(models={"chat": CHAT, "code": CODE, "gpt-4o": CHAT}, published=())
"""`gpt-4o` is an alias."""


def key(*models: str) -> KeyGrant:
    """One that may use these, or all of them."""
    return KeyGrant("app", "", Permits(frozenset(models) or None))


def test_a_key_that_is_not_limited_sees_names_and_aliases():
    assert list(visible(PLAN, key(), {})) == ["chat", "code", "gpt-4o"]


def test_a_limited_key_sees_its_models_under_all_of_their_names():
    assert list(visible(PLAN, key("chat"), {})) == ["chat", "gpt-4o"]
    assert list(visible(PLAN, key("gpt-4o"), {})) == [], "limits go by names, not by aliases"


def test_the_list_has_what_the_key_may_use():
    told = json.loads(listing(FALLBACK, PLAN, key("code"), {}))
    assert told["data"] == [json.loads(single(FALLBACK, PLAN, key("code"), {}, "code"))]


@pytest.mark.parametrize("name", ["nothing", "code", ""])
def test_what_is_not_there_and_what_is_not_for_this_key_are_the_same(name):
    with pytest.raises(ApiError) as refused:
        single(FALLBACK, PLAN, key("chat"), {}, name)
    assert (refused.value.status, refused.value.code, refused.value.param) == (404, "model_not_found", "model")
    assert "code" not in refused.value.message.replace(repr(name), "")


def test_a_name_without_end_is_not_repeated_whole():
    with pytest.raises(ApiError) as refused:
        single(FALLBACK, PLAN, key(), {}, "x" * 10_000)
    assert len(refused.value.message) < 300


OPEN = plan_of(
    b"""
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:1/v1", serves: {"*": "*"}}
  openai: {zone: cloud, kind: openai, url: "https://api.openai.com/v1", serves: {"gpt-*": "gpt-*"}}
models:
  "*": {backends: [gpu]}
  "gpt-*": {backends: [openai]}
""",
    "policy.yaml",
    now=datetime(2026, 11, 1, tzinfo=UTC),
)


def test_what_patterns_take_is_listed_as_far_as_it_is_known():
    states = {"gpu": BackendState(models=frozenset({"llama", "my-lora"}))}
    names = visible(OPEN, key(), states)
    assert {"gpt-4o", "llama", "my-lora"} <= set(names) and "o3" not in names
    assert not any("*" in name for name in names)


def test_a_limited_key_sees_what_its_patterns_take():
    states = {"gpu": BackendState(models=frozenset({"llama", "my-lora"}))}
    assert visible(OPEN, key("my-*"), states) == ["my-lora"]
    assert visible(OPEN, key("gpt-4o"), states) == ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20"]
    single(FALLBACK, OPEN, key("my-*"), states, "my-lora")
    with pytest.raises(ApiError):
        single(FALLBACK, OPEN, key("my-*"), states, "llama")
