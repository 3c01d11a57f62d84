"""Any model that a pattern takes: which backends serve it, what it is called, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.load import PolicyError, plan_of
from router.core.values import Plan, Rates

NOW = datetime(2026, 11, 1, tzinfo=UTC)
POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:1/v1", serves: {"*": "*"}}
  openai: {zone: cloud, kind: openai, url: "https://api.openai.com/v1", serves: {"*": "*", fast: gpt-4o-mini}}
  claude: {zone: cloud, kind: litellm, api_key: "env:ANTHROPIC_API_KEY", serves: {"claude-*": "anthropic/claude-*"}}
models:
  fast: {backends: [openai]}
  gpt-4o: {backends: [openai]}
  "*": {backends: [gpu, openai]}
  "claude-*": {backends: [claude]}
"""


def plan(text: str = POLICY) -> Plan:
    return plan_of(text.encode(), "policy.yaml", now=NOW)


def routes(name: str) -> list[tuple[str, str, bool]]:
    return [(each.backend, each.upstream_model, each.guessed_price) for each in plan().models[name].routes]


def test_a_name_of_the_policy_is_no_matter_for_patterns():
    models = plan().models
    assert [route.upstream_model for route in models["fast"].routes] == ["gpt-4o-mini"]
    assert list(models) == ["fast", "gpt-4o", "*", "claude-*"] and len(models) == 4
    assert not models["fast"].routes[0].as_asked


def test_a_model_that_the_policy_names_may_be_served_by_a_pattern():
    (route,) = plan().models["gpt-4o"].routes
    assert (route.upstream_model, route.as_asked, route.guessed_price) == ("gpt-4o", False, False)
    assert route.prices.at(NOW.timestamp()).tiers[0].rates == Rates(2.5, 10, 1.25, 2.5)


def test_what_the_price_list_knows_goes_by_its_name_there_and_at_its_price():
    found = plan().models["gpt-4o-2024-08-06"]
    assert found.name == "gpt-4o"
    assert routes("gpt-4o-2024-08-06") == [
        ("gpu", "gpt-4o-2024-08-06", False),
        ("openai", "gpt-4o-2024-08-06", False),
    ]
    assert found.routes[1].prices.at(NOW.timestamp()).tiers[0].rates == Rates(2.5, 10, 1.25, 2.5)
    assert all(route.as_asked for route in found.routes)


def test_what_nobody_knows_goes_by_the_pattern_at_the_dearest_price():
    found = plan().models["gpt-99"]
    assert (found.name, routes("gpt-99")) == ("*", [("gpu", "gpt-99", False), ("openai", "gpt-99", True)])
    dear, known = (plan().models[name].routes[1].prices.at(0).tiers[0].rates for name in ("gpt-99", "o3"))
    assert dear.input >= known.input and dear.output >= known.output


def test_the_closest_pattern_counts_and_its_star_is_filled_in():
    assert routes("claude-sonnet-4-5") == [("claude", "anthropic/claude-sonnet-4-5", False)]
    assert plan().models["claude-sonnet-4-5"].name == "claude-sonnet-4-5"


def test_a_price_of_the_pattern_is_that_of_all_it_takes():
    text = POLICY.replace('serves: {"*": "*", fast', 'serves: {"*": {model: "*", price: {input: 1, output: 2}}, fast')
    found = plan(text).models["whatever"]
    assert found.routes[1].prices.at(0).tiers[0].rates == Rates(1, 2, 1, 1)
    assert not found.routes[1].guessed_price


def test_names_without_end_are_not_remembered():
    models = plan().models
    for name in ("x" * 10_000, *(f"made-up-{number}" for number in range(5_000))):
        assert models[name].name == "*"
    assert len(models._made) <= 4096 and "x" * 10_000 not in models._made


def test_nothing_takes_what_no_pattern_does():
    models = plan(POLICY.replace('"*": {backends: [gpu, openai]}', '"o*": {backends: [openai]}')).models
    assert "o3" in models and "gpt-5" not in models and "" not in models
    with pytest.raises(KeyError):
        models["gpt-5"]


def test_what_price_lists_spell_out_is_known():
    assert {"gpt-4o", "gpt-4o-2024-08-06", "claude-sonnet-4-5"} <= set(plan().published)
    assert not any(name.startswith("anthropic/") for name in plan().published)


def test_what_price_lists_have_beside_names_is_not_listed():
    assert not [name for name in plan().published if name.endswith(("-", ":"))]
    assert not [name for name in plan().published if name.removeprefix("openai/").count("/")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"claude-*": {backends', '"c*-*": {backends', 'a pattern has one "*"'),
        (
            '"claude-*": {backends: [claude]}',
            '"claude-*": {backends: [claude], aliases: [c]}',
            "an alias must be of one",
        ),
        ("fast: {backends: [openai]}", 'fast: {backends: [openai], aliases: ["f*"]}', "patterns stand under `models`"),
        ("fast: gpt-4o-mini", 'fast: "gpt-*"', "gives nothing for"),
        ("fast: gpt-4o-mini}", 'fast: gpt-4o-mini, "o*-*": "o*-*"}', 'serves.*a pattern has one "[*]"'),
        (
            '"*": {backends: [gpu, openai]}',
            '"*": {backends: [gpu, claude]}',
            """add '"[*]": "[*]"' to backends.claude.serves""",
        ),
        ('"*": {backends: [gpu, openai]}', '"*": {backends: [gpu, claude]}', 'backend "claude" does not serve "*"'),
        ("fast: gpt-4o-mini}", 'fast: gpt-4o-mini, "o*": "o*"}', None),
        ("kind: openai, url", "kind: openai, provider: nobody, url", "no published price"),
    ],
)
def test_patterns_that_make_no_sense(old, new, words):
    assert old in POLICY
    if words is None:
        plan(POLICY.replace(old, new))
        return
    with pytest.raises(PolicyError, match=words):
        plan(POLICY.replace(old, new))


@pytest.mark.parametrize("name", ["gpt-4o", "o3", "gpt-*", "claude-sonnet-4-5"])
def test_keys_rules_and_budgets_may_name_what_a_pattern_takes(name):
    budget = f'{{models: {{"{name}": {{usd_per_day: 1}}}}}}'
    key = f'keys: [{{name: app, sha256: "{"0" * 64}", models: ["{name}"], budget: {budget}}}]'
    rule = f'rules: [{{name: r, when: {{model: "{name}"}}, zones: [local]}}]'
    plan(f"{POLICY}{key}\n{rule}\n")
