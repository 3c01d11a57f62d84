"""Whole configs, and what the policies made from them do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.dry_run import NOBODY, DryRun, attempt
from router.config.litellm_config.convert import Imported, convert
from router.config.load import PolicyError, plan_of
from router.core.values import Plan
from tests.config.litellm_config.conftest import ENTERPRISE, HYBRID, SECRETS, STARTUP

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def made(text: str) -> Imported:
    return convert(text.encode(), "/etc/litellm/config.yaml", NOW)


def plan(text: str) -> Plan:
    return plan_of(made(text).text.encode(), "policy.yaml", now=NOW)


def candidates(plan: Plan, model: str, *down: str) -> list[str]:
    body = b'{"model": "%s", "messages": [{"role": "user", "content": "Hello"}]}' % model.encode()
    _, decision = attempt(plan, DryRun(body=body, endpoint="chat", headers={}, key=NOBODY, down=down))
    return [each.route.backend for each in decision.candidates]


@pytest.mark.parametrize("text", [STARTUP, HYBRID, ENTERPRISE], ids=["startup", "hybrid", "enterprise"])
def test_what_check_says_of_it_is_said_before_it_is_served(text: str) -> None:
    """These have nothing left that check would find: what is to do stands at its place."""
    found = made(text)
    assert found.problems == ()
    assert found.models == len(plan(text).policy.models) and found.backends == len(plan(text).policy.backends)


def test_a_config_of_which_everything_is_carried_over_leaves_nothing_to_do() -> None:
    found = made(STARTUP)
    assert (found.todo, found.models, found.backends) == (0, 2, 2)
    assert "Nothing is left to do." in found.text and "TO DO" not in found.text
    policy = plan(STARTUP).policy
    assert policy.backends["openai"].api_key == "env:OPENAI_API_KEY"
    assert policy.backends["anthropic"].kind == "anthropic"
    assert policy.models["fast"].aliases == ("default",)
    assert (policy.retry.attempts, policy.retry.deadline) == (3, 300.0)
    assert (policy.health.failures_to_open, policy.health.cooldown) == (3, 20.0)
    assert policy.budget is not None and policy.budget.model_dump()["usd_per_month"] == 200


def test_own_servers_go_first_and_their_fallback_serves_when_they_are_down() -> None:
    hybrid = plan(HYBRID)
    assert hybrid.policy.backends["gpu"].replicas() == ("http://10.2.0.7:8000/v1", "http://10.2.0.8:8000/v1")
    assert [hybrid.policy.zones[name].owned for name in ("local", "cloud")] == [True, False]
    assert candidates(hybrid, "llama") == ["gpu", "openai"]
    assert candidates(hybrid, "llama", "gpu") == ["openai"]
    assert candidates(hybrid, "small") == ["ollama"]
    budget = hybrid.policy.budget
    assert budget is not None
    assert {name: amounts.model_dump(exclude_none=True) for name, amounts in budget.models.items()} == {
        "small": {"requests_per_minute": 60},
        "gpt-4o-mini": {"requests_per_minute": 100, "tokens_per_minute": 200_000},
    }


def test_a_dearer_model_that_is_fallen_back_to_is_asked_second() -> None:
    fast = "{model_name: fast, litellm_params: {model: openai/gpt-4o-mini}}"
    smart = "{model_name: smart, litellm_params: {model: openai/gpt-4o}}"
    text = f"model_list: [{fast}, {smart}]\nrouter_settings: {{fallbacks: [{{fast: [smart]}}, {{smart: [fast]}}]}}\n"
    found = plan(text)
    assert candidates(found, "fast") == ["openai", "openai-smart"]
    assert candidates(found, "fast", "openai") == ["openai-smart"]
    assert candidates(found, "smart") == ["openai"], "the cheaper one would be asked first"
    assert made(text).todo == 1


RENAMED = """\
model_list:
  - {model_name: my llama, litellm_params: {model: hosted_vllm/meta-llama/Llama-3.1-8B-Instruct, api_base: "http://10.0.0.7/v1"}}
  - {model_name: "the|cheap\\u200bone", litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/K}}
  - {model_name: big, litellm_params: {model: openai/gpt-4o, api_key: os.environ/K}}
router_settings:
  fallbacks: [{my llama: ["the|cheap\\u200bone"]}, {"the|cheap\\u200bone": [an alias]}, {big: [nope]}, {nosuch: [big]}]
  model_group_alias: {an alias: big, main: my llama}
"""
"""Names that can be none here, and names of nothing."""


def test_of_a_model_with_another_name_fallbacks_and_aliases_are_carried_over() -> None:
    found = made(RENAMED)
    assert found.problems == () and found.todo == 5, "three names, and two fallbacks with names of nothing"
    models = plan(RENAMED).policy.models
    assert {name: model.aliases for name, model in models.items()} == {
        "my-llama": ("main",),
        "the-cheap-one": (),
        "big": ("an-alias",),
    }
    assert candidates(plan(RENAMED), "my-llama") == ["gpu", "openai"]
    assert candidates(plan(RENAMED), "the-cheap-one") == ["openai", "openai-big"]
    for name in ("nope", "fallbacks[3].nosuch"):
        assert name in found.text


def test_a_backend_that_is_named_after_a_long_model_has_no_longer_name() -> None:
    models = [f"{{model_name: {name}, litellm_params: {{model: openai/{model}}}}}" for name, model in LONG.items()]
    found = made(f"model_list: [{', '.join(models)}]\nrouter_settings: {{fallbacks: [{{a: [{'W' * 128}]}}]}}")
    assert found.problems == () and f"openai-{'W' * 121}:" in found.text


LONG = {"a": "gpt-4o-mini", "W" * 128: "gpt-4o"}


def test_no_comment_is_turned_around_by_a_name() -> None:
    found = made(f'{STARTUP}  fallbacks: [{{"a\u202eb": [fast]}}]\n')
    assert "\u202e" not in found.text and "fallbacks[0].a b" in found.text


@pytest.mark.parametrize("text", [STARTUP, HYBRID, ENTERPRISE], ids=["startup", "hybrid", "enterprise"])
def test_no_secret_is_in_the_policy(text: str) -> None:
    assert [secret for secret in SECRETS if secret in made(text).text] == []


def test_every_secret_of_the_test_stands_in_a_config() -> None:
    assert [secret for secret in SECRETS if secret not in ENTERPRISE] == []


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ("api_key: sk-in-the-clear-1", "model_list[0].litellm_params.api_key", "a SECRET stands there in clear text"),
        ("api_version:", "model_list[0].litellm_params.api_version", "AZURE_API_VERSION"),
        ("extra_headers:", "model_list[0].litellm_params.extra_headers", "no headers are added"),
        ("access_groups", "model_list[0].model_info.access_groups", "every key may use this one"),
        ('api_base: "https://me', "model_list[4].litellm_params.api_base", "a password or a query"),
        ("cache_params", "litellm_settings.cache_params", "answers are not cached"),
        ("content_policy_fallbacks", "litellm_settings.content_policy_fallbacks[0].gpt-4o", "nobody else is asked"),
        ("context_window_fallbacks", "litellm_settings.context_window_fallbacks[0].gpt-4o", "context it fits"),
        ("  fallbacks:", "router_settings.fallbacks[0].gpt-4o", "the cheaper one goes first"),
        ("routing_strategy", "router_settings.routing_strategy", "nothing goes by latency alone"),
        ("master_key", "general_settings.master_key", "breakeven key new"),
        ("database_url", "general_settings.database_url", "keys of its database are not read"),
        ("environment_variables", "environment_variables", "their values were not read"),
        ("guardrails", "guardrails", "sensitivity.detectors"),
    ],
)
def test_what_was_left_out_is_told_with_its_line_and_the_reason(given: str, field: str, said: str) -> None:
    line = ENTERPRISE[: ENTERPRISE.index(given)].count("\n") + 1
    told = " ".join(made(ENTERPRISE).text.replace("#", "").split())
    assert said in told.partition(f"config.yaml:{line}: {field}: ")[2][:250]
    assert "/etc/litellm" not in told


def test_a_key_goes_to_the_hosts_that_it_went_to_and_no_others() -> None:
    policy = plan(ENTERPRISE).policy
    first = (policy.backends["azure-1"].api_key or "").removeprefix("env:")
    assert policy.backends["openai-2"].api_key == f"env:{first}", "one key has one name"
    assert policy.secrets[first] == ("acme-eu.openai.azure.com:443", "api.openai.com:443")
    assert policy.backends["openai-1"].api_key is None, "what is at an address that cannot be used gets no key"


def test_a_key_of_one_provider_is_not_sent_to_another_because_both_have_none_in_the_config() -> None:
    """LiteLLM would send OPENAI_API_KEY to whatever speaks OpenAI's dialect."""
    found = made(
        "model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o, api_base: 'https://a.example.com/v1'}}]"
    )
    assert "api_key: env" not in found.text.partition("version: 1")[2].replace("`api_key: env", "")
    assert found.todo == 1 and "LiteLLM would send OPENAI_API_KEY there" in " ".join(
        found.text.replace("#", "").split()
    )


def test_what_could_not_be_settled_is_the_first_thing_that_is_said() -> None:
    found = made("model_list: [{model_name: a, litellm_params: {model: azure/unheard, api_key: os.environ/K}}]")
    assert len(found.problems) == 1 and "no published price" in found.problems[0]
    assert found.text.index("no published price") < found.text.index("version: 1")
    assert "Nothing is left to do" not in found.text
    with pytest.raises(PolicyError):
        plan_of(found.text.encode(), "policy.yaml", now=NOW)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a: [1\nb: 2", ":1:4", "never closed"),
        ("model_list: []", ":1:13: model_list", "add an entry"),
        ("version: 1\nzones: {}", ":1:1", "no LiteLLM config"),
        ("model_list:\n  - model_name: a\n    litellm_params: {model: nothing}", ":3:29", "openai/NAME"),
        ("model_list:\n  - litellm_params: {model: openai/a}", ":2:5: model_list[0].model_name", "is missing"),
        ("model_list: [{}]\nrouter_settings: {model_group_alias: {a: b}}", ":1:14: model_list[0]", "an entry has"),
        ("model_list: [{model_name: a, litellm_params: {model: openai/}}]", ":1:54", "openai/NAME"),
        ("model_list:\n  - {model_name: a, litellm_params: {model: openai/a, rpm: lots}}", ":2:", "such as 100"),
        ("model_list: [{model_name: a, litellm_params: {model: openai/a}}]\nrouter_settings: 5", ":2:18", "by name"),
        ("model_list: [{model_name: 'a*b*', litellm_params: {model: openai/a}}]", ":1:27", 'one "*"'),
    ],
)
def test_what_is_no_config_is_told_with_its_place(text: str, where: str, says: str) -> None:
    with pytest.raises(PolicyError) as refused:
        made(text)
    assert f"config.yaml{where}" in str(refused.value) and says in str(refused.value)


def test_no_message_about_a_wrong_config_quotes_it() -> None:
    broken = ENTERPRISE.replace("api_key: sk-in-the-clear-1", "api_key: [sk-in-the-clear-1]").replace(
        "rpm: 300", "rpm: hunter2"
    )
    with pytest.raises(PolicyError) as refused:
        made(broken)
    assert len(refused.value.problems) >= 2
    assert [secret for secret in SECRETS if secret in str(refused.value)] == []
