from __future__ import annotations

import pytest

from router.config.litellm_config.providers import OUTSIDE, OWN, provider_of, reached, zone_of


@pytest.mark.parametrize(
    ("model", "named", "found"),
    [
        ("azure/my-deployment", "", ("azure", "my-deployment")),
        ("hosted_vllm/meta-llama/Llama-3.3-70B", "", ("hosted_vllm", "meta-llama/Llama-3.3-70B")),
        ("gpt-4o", "", ("openai", "gpt-4o")),
        ("claude-haiku-4-5", "", ("anthropic", "claude-haiku-4-5")),
        ("*", "", ("openai", "*")),
        ("my-model", "openai", ("openai", "my-model")),
        ("openai/my-model", "openai", ("openai", "my-model")),
        ("my-model", "", ("", "my-model")),
    ],
)
def test_provider_and_model(model, named, found):
    assert provider_of(model, named) == found


@pytest.mark.parametrize(
    ("provider", "address", "kind", "zone", "at"),
    [
        ("openai", "", "openai", OUTSIDE, "https://api.openai.com/v1"),
        ("openai", "http://10.0.0.4:8000/v1/", "openai", OWN, "http://10.0.0.4:8000/v1"),
        ("openai", "https://llm.example.com/api", "openai", OUTSIDE, "https://llm.example.com/api"),
        ("anthropic", "", "anthropic", OUTSIDE, "https://api.anthropic.com/v1"),
        ("anthropic", "https://claude.example.com", "anthropic", OUTSIDE, "https://claude.example.com/v1"),
        ("hosted_vllm", "http://gpu-1:8000", "vllm", OWN, "http://gpu-1:8000/v1"),
        ("hosted_vllm", "https://vllm.example.com/v1", "vllm", OUTSIDE, "https://vllm.example.com/v1"),
        ("ollama_chat", "", "openai", OWN, "http://localhost:11434/v1"),
        ("ollama", "http://10.0.0.9:11434", "openai", OWN, "http://10.0.0.9:11434/v1"),
        ("lm_studio", "http://127.0.0.1:1234/v1", "openai", OWN, "http://127.0.0.1:1234/v1"),
        ("groq", "", "litellm", OUTSIDE, ""),
        ("azure", "https://acme.openai.azure.com", "litellm", OUTSIDE, "https://acme.openai.azure.com"),
    ],
)
def test_each_provider_is_reached_by_the_kind_that_speaks_as_it_does(provider, address, kind, zone, at):
    found = reached(provider, "m", address)
    assert (found.kind, found.zone, found.url or found.api_base) == (kind, zone, at)
    assert found.model == ("m" if kind != "litellm" else f"{provider}/m") and not found.unreachable


@pytest.mark.parametrize(
    "address", ["ftp://a.example.com", "https://me:pw@a.example.com/v1", "https://a.example.com/v1?key=1"]
)
def test_an_address_with_a_secret_in_it_is_not_taken(address):
    found = reached("openai", "m", address)
    assert found.unreachable and found.url == "https://openai.invalid/v1" and found.zone == OUTSIDE


def test_an_address_with_what_may_be_a_secret_in_its_path_is_not_copied():
    found = reached("hosted_vllm", "m", "https://llm.example.com/sk-live-0123456789abcdefXYZ/v1")
    assert "SECRET" in found.unreachable and "0123456789" not in found.url + found.unreachable
    for address in ("https://a.example.com/openai/deployments/gpt-4o-2024-08-06", "http://10.0.0.4/v1/chat"):
        assert not reached("openai", "m", address).unreachable


@pytest.mark.parametrize(
    "host",
    [
        *("134744072", "0x08080808", "010.8.8.8", "8.8.8", "169.254.169.254", "240.0.0.1", "192.0.2.1", "0.0.0.0"),
        *(
            "100.64.0.1",
            "198.18.0.1",
            "[fe80::1]",
            "[2001:db8::1]",
            "a%2eexample%2ecom",
            "a\N{FULLWIDTH FULL STOP}example.com",
            "a.example",
        ),
    ],
)
def test_what_may_be_somebody_elses_is_never_own(host):
    assert zone_of(f"http://{host}:8000/v1") == OUTSIDE


@pytest.mark.parametrize(
    "host", ["gpu-1", "gpu_1", "7b-server.lan", "10.0.0.4", "127.0.0.1", "[::1]", "[fd00::4]", "vllm.default.svc"]
)
def test_what_nobody_else_can_have_is_own(host):
    assert zone_of(f"http://{host}:8000/v1") == OWN


@pytest.mark.parametrize("provider", ["hosted_vllm", "lm_studio", "litellm_proxy"])
def test_a_server_without_an_address_is_nowhere(provider):
    found = reached(provider, "m", "")
    assert found.unreachable == "is not given" and found.url.endswith(".invalid/v1")


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("http://localhost:1", OWN),
        ("http://192.168.1.4:8000", OWN),
        ("http://[fd00::1]:8000", OWN),
        ("http://vllm", OWN),
        ("http://vllm.inference.svc.cluster.local:8000", OWN),
        ("https://8.8.8.8", OUTSIDE),
        ("https://gpu.example.com", OUTSIDE),
        ("https://internal.example.com", OUTSIDE),
        ("", OUTSIDE),
    ],
)
def test_only_what_can_be_nobody_elses_is_own(address, zone):
    assert zone_of(address) == zone


def test_what_could_be_wrong_is_hinted_at():
    assert "kind: vllm" in reached("openai", "m", "http://10.0.0.4:8000/v1").hint
    assert "provider:" in reached("openai", "m", "https://llm.example.com/v1").hint
    assert "zone: local" in reached("hosted_vllm", "m", "https://vllm.example.com").hint
    assert reached("text-completion-openai", "m", "").endpoints == ("completions",)
