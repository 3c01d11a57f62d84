"""The policy that serves when none was given."""

from __future__ import annotations

import pytest

from router.app.defaults import Found, default_policy, look_around, unusable
from router.config.load import load
from router.core.values import Plan


@pytest.fixture
def plan_for(tmp_path):
    def made(found: Found) -> Plan:
        path = tmp_path / "default.yaml"
        path.write_text(default_policy(found))
        return load(path)

    return made


def backends(plan: Plan, model: str = "chat") -> list[tuple[str, str, bool]]:
    return [(route.backend, route.upstream_model, route.owned) for route in plan.models[model].routes]


def test_nothing_is_found_in_an_empty_environment():
    assert look_around({}).nothing
    assert look_around({"OPENAI_API_KEY": "", "VLLM_BASE_URL": ""}).nothing


def test_a_vllm_and_a_key_are_found(plan_for):
    found = look_around({"VLLM_BASE_URL": "http://gpu:8000/v1/", "VLLM_MODEL": "org/llama", "OPENAI_API_KEY": "k"})
    plan = plan_for(found)
    assert backends(plan) == [("gpu", "org/llama", True), ("openai", "gpt-4o-mini", False)]
    assert plan.policy.backends["gpu"].replicas() == ("http://gpu:8000/v1",)
    assert plan.policy.backends["openai"].api_key == "env:OPENAI_API_KEY"


def test_apps_need_not_change_the_model_that_they_ask_for(plan_for):
    plan = plan_for(Found(vllm_url="http://gpu/v1", vllm_model="org/llama", openai=True))
    assert {"chat", "gpt-4o-mini", "llama"} <= plan.models.keys()
    assert backends(plan, "gpt-4o-mini") == backends(plan, "chat")
    assert [name for name, *_ in backends(plan, "text-embedding-3-small")] == ["openai"]


@pytest.mark.parametrize("url", ["http://gpu:8000", "http://gpu:8000/", "http://gpu:8000/v1", "http://gpu:8000/v1/"])
def test_the_version_of_a_vllms_url_may_be_left_out(url):
    assert look_around({"VLLM_BASE_URL": url}).vllm_url == "http://gpu:8000/v1"


def test_a_vllm_whose_model_is_not_known_yet_serves_what_it_lists(plan_for):
    plan = plan_for(Found(vllm_url="http://gpu/v1", openai=True))
    assert [name for name, *_ in backends(plan)] == ["openai"]
    assert plan.policy.backends["gpu"].serves.keys() == {"*"}


def test_a_vllm_alone(plan_for):
    plan = plan_for(Found(vllm_url="http://gpu/v1", vllm_model="llama"))
    assert backends(plan) == [("gpu", "llama", True)] and set(plan.models) == {"chat", "llama", "*"}


def test_anthropic_is_asked_in_its_own_dialect(plan_for):
    plan = plan_for(look_around({"ANTHROPIC_API_KEY": "k"}))
    (route,) = plan.models["chat"].routes
    assert (route.backend, route.translated) == ("anthropic", {"chat", "responses"})
    assert {"messages", "count_tokens"} == route.endpoints - route.translated
    assert backends(plan, "claude-opus-4-8") == [("anthropic", "claude-opus-4-8", False)]
    assert plan.models["claude-haiku-4-5"] is plan.models["chat"]
    assert plan.policy.backends["anthropic"].api_key == "env:ANTHROPIC_API_KEY"


@pytest.mark.parametrize(("variable", "name"), [("GEMINI_API_KEY", "gemini")])
def test_keys_of_other_providers_lead_to_the_adapter(plan_for, variable, name):
    plan = plan_for(look_around({variable: "k"}))
    assert plan.policy.backends[name].kind == "litellm"
    assert plan.policy.backends[name].api_key == f"env:{variable}"


def test_no_key_is_written_down():
    found = look_around({"OPENAI_API_KEY": "sk-secret", "ANTHROPIC_API_KEY": "sk-ant-secret"})
    assert "secret" not in default_policy(found)


def test_pretended_backends(plan_for):
    plan = plan_for(Found(simulated={"local": "http://127.0.0.1:1/v1", "cloud": "http://127.0.0.1:2/v1"}))
    assert [name for name, *_ in backends(plan)] == ["simulated-gpu", "simulated-cloud"]
    [claude] = plan.models["claude-*"].routes
    assert (claude.backend, claude.upstream_model) == ("simulated-gpu", "simulated-llama")


def test_what_looks_confidential_stays(plan_for):
    plan = plan_for(Found(vllm_url="http://gpu/v1", vllm_model="llama", openai=True))
    zones = dict(zip(plan.levels, plan.level_zones, strict=True))
    assert zones["restricted"] == {"local"} and plan.policy.sensitivity.detectors[0].raise_to == "restricted"


@pytest.mark.parametrize(
    ("url", "says"),
    [("127.0.0.1:8765", "http://127.0.0.1:8765"), ("http://gpu:8000", ""), ("https://gpu", ""), ("", "")],
)
def test_an_address_without_its_scheme_is_told_what_to_write(url, says):
    wrong = unusable({"VLLM_BASE_URL": url})
    assert bool(wrong) is bool(says) and wrong.endswith(says)
