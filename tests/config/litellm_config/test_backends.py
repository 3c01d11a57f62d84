from __future__ import annotations

import pytest

from router.config.litellm_config.backends import MadeBackend, backends
from router.config.litellm_config.deployments import deployments
from router.config.litellm_config.key_names import KeyNames


@pytest.fixture
def made(reading):
    def make(*params: str) -> dict[str, MadeBackend]:
        """Each is "NAME: parameters"."""
        entries = [each.split(": ", 1) for each in params]
        reader = reading(
            "model_list:\n" + "".join(f"- {{model_name: {n}, litellm_params: {{{p}}}}}\n" for n, p in entries)
        )
        return {each.name: each for each in backends(deployments(reader, KeyNames(reader), False))}

    return make


def test_models_of_one_server_and_key_share_a_backend(made):
    found = made("a: model: openai/x", "b: model: openai/y")
    assert {name: dict(each.serves) for name, each in found.items()} == {"openai": {"a": ("x", ()), "b": ("y", ())}}


@pytest.mark.parametrize(
    "other",
    [
        "model: openai/y, api_key: os.environ/OTHER",
        "model: openai/y, timeout: 5",
        "model: openai/y, api_base: 'https://b.example.com'",
    ],
)
def test_what_differs_in_key_address_or_times_is_another_backend(made, other):
    assert len(made("a: model: openai/x", f"b: {other}")) == 2


def test_two_deployments_of_one_model_are_two_backends(made):
    found = made("a: model: openai/x", "a: model: openai/y")
    assert [each.serves["a"][0] for each in found.values()] == ["x", "y"] and list(found) == ["openai-1", "openai-2"]


def test_equal_servers_are_replicas(made):
    found = made(*(f"llama: model: hosted_vllm/m, api_base: 'http://10.0.0.{n}:8000'" for n in (1, 2, 3)))
    assert found["gpu"].urls == tuple(f"http://10.0.0.{n}:8000/v1" for n in (1, 2, 3))


def test_servers_of_different_models_are_no_replicas(made):
    found = made(
        "a: model: hosted_vllm/m, api_base: 'http://10.0.0.1:8000'",
        "b: model: hosted_vllm/m, api_base: 'http://10.0.0.2:8000'",
    )
    assert list(found) == ["gpu-1", "gpu-2"]


def test_providers_behind_the_adapter_do_not_share_a_backend(made):
    """Each gets the hosts and credentials of its own provider."""
    assert list(made("a: model: bedrock/x", "b: model: vertex_ai/y", "c: model: bedrock/z")) == ["bedrock", "vertex_ai"]


def test_names_say_what_it_is(made):
    found = made("a: model: 'ollama/x'", "b: model: openai/y, api_base: 'http://tgi:80'", "c: model: gemini/z")
    assert list(found) == ["ollama", "own", "gemini"]
