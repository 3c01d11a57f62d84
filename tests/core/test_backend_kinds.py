from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from router.core.backend_kinds import Backend


def of(**fields: Any) -> Backend:
    return TypeAdapter(Backend).validate_python({"zone": "cloud", "serves": {"m": "m"}} | fields)


def test_every_kind_says_what_it_serves_when_the_policy_does_not() -> None:
    kinds = get_args(get_args(Backend)[0])
    assert len(kinds) >= 3
    assert all("text" in kind.default_modalities and kind.default_endpoints != set() for kind in kinds)


def test_replicas_are_one_url_or_several() -> None:
    one = of(kind="vllm", url="http://127.0.0.1:8000/v1")
    assert one.replicas() == one.addresses() == ("http://127.0.0.1:8000/v1",)
    assert of(kind="openai", urls=["http://a/v1", "http://b/v1"]).replicas() == ("http://a/v1", "http://b/v1")


def test_backends_of_the_adapter_have_no_url() -> None:
    assert of(kind="litellm").replicas() == of(kind="litellm").addresses() == ()
    moved = of(kind="litellm", api_base="https://llm.example/v1")
    assert moved.addresses() == ("https://llm.example/v1",) and moved.replicas() == ()


@pytest.mark.parametrize(
    ("given", "model", "priced", "provider"),
    [
        ({"kind": "vllm", "url": "http://h/v1"}, "meta/llama", ("", "meta/llama"), "vllm"),
        ({"kind": "openai", "url": "http://h/v1"}, "gpt-4o", ("openai", "gpt-4o"), "openai"),
        ({"kind": "openai", "url": "http://h/v1", "provider": "xai"}, "grok", ("xai", "grok"), "xai"),
        ({"kind": "litellm"}, "vertex_ai/gemini/2", ("vertex_ai", "gemini/2"), "vertex_ai"),
        ({"kind": "litellm"}, "claude", ("", "claude"), "claude"),
    ],
)
def test_a_kind_knows_who_answers(given: dict[str, Any], model: str, priced: tuple[str, str], provider: str) -> None:
    backend = of(**given)
    assert (backend.priced_as(model), backend.provider_of(model)) == (priced, provider)
    assert backend.provider_of(None) == (given.get("provider") or given["kind"])


def test_a_fingerprint_tells_backends_apart_and_not_how_they_are_written() -> None:
    def fingerprint(**fields: Any) -> str:
        return of(kind="litellm", **fields).fingerprint()

    assert fingerprint() == fingerprint()
    assert fingerprint(quality=0.5, api_key="env:A") == fingerprint(api_key="env:A", quality=0.5)
    assert len({fingerprint(), fingerprint(zone="local"), fingerprint(api_key="env:B"), fingerprint(quality=0.5)}) == 4
