from __future__ import annotations

import pytest

from router.config.litellm_config.settings import Settings, settings

MODEL = "model_list: [{model_name: a, litellm_params: {model: openai/a}}]\n"


@pytest.fixture
def of(reading):
    def make(text: str) -> Settings:
        return settings(reading(MODEL + text))

    return make


def test_retries_and_rests(of):
    found = of(
        "router_settings: {num_retries: 2, timeout: 30, retry_after: 5, allowed_fails: 3, cooldown_time: 60}\n"
        "litellm_settings: {num_retries: 7, request_timeout: 600}"
    )
    assert found.retry == (("attempts", "3"), ("deadline", "30s"), ("backoff", "5s"), ("max_backoff", "5s"))
    assert found.health == (("failures_to_open", "4"), ("cooldown", "60s")), "the router's come first"


def test_a_time_has_no_exponent_and_keeps_its_parts_of_a_second(of):
    found = of("litellm_settings: {request_timeout: 1000000}\nrouter_settings: {retry_after: 0.25, cooldown_time: 3}")
    assert found.retry == (("deadline", "1000000s"), ("backoff", "0.25s")) and found.health == (("cooldown", "3s"),)


@pytest.mark.parametrize(
    ("section", "setting"),
    [
        ("general_settings", "role_permissions: [{role: internal_user, models: []}]"),
        ("general_settings", "allowed_routes: [/v1/embeddings]"),
        ("general_settings", "enforce_user_param: true"),
        ("litellm_settings", "default_team_params: {max_budget: 5}"),
        ("litellm_settings", "default_key_generate_params: {max_budget: 5}"),
        ("router_settings", "allowed_model_region: eu"),
        ("general_settings", "nobody_knows_this_one: 5"),
    ],
)
def test_what_restricted_somebody_and_what_nobody_knows_is_never_lost_without_something_to_do(of, section, setting):
    notes = [note for each in of(f"{section}: {{{setting}}}").notes.values() for note in each]
    assert [(note.path[-1], note.todo) for note in notes] == [(setting.partition(":")[0], True)]


def test_a_hidden_alias_and_a_rest_of_nothing_are_told(of):
    found = of("router_settings: {model_group_alias: {x: {model: a, hidden: true}}, cooldown_time: 0}")
    assert "never hidden" in found.notes[""][0].text and "always rests" in found.notes["health"][0].text


def test_there_are_at_most_ten_attempts_and_that_is_told(of):
    found = of("litellm_settings: {num_retries: 20}")
    assert found.retry == (("attempts", "10"),) and "10 attempts" in found.notes["retry"][0].text


@pytest.mark.parametrize(
    ("name", "strategy", "says"),
    [
        ("cost-based-routing", "cheapest", ""),
        ("least-busy", "", "least loaded"),
        ("simple-shuffle", "", "cheaper"),
        ("mine", "", "none"),
    ],
)
def test_a_routing_strategy_is_carried_over_or_explained(of, name, strategy, says):
    found = of(f"router_settings: {{routing_strategy: {name}}}")
    assert found.strategy == strategy
    assert [says in note.text for note in found.notes.get("cost", ())] == ([True] if says else [])


def test_aliases_of_both_kinds(of):
    found = of(
        "router_settings: {model_group_alias: {x: a, y: {model: a, hidden: true}}}\n"
        "litellm_settings: {model_alias_map: {z: a}}"
    )
    assert [(each.name, each.model) for each in found.aliases] == [("x", "a"), ("y", "a"), ("z", "a")]
    assert found.aliases[2].path == ("litellm_settings", "model_alias_map", "z")


@pytest.mark.parametrize(
    ("text", "section", "todo"),
    [
        ("litellm_settings: {cache: true}", "", False),
        ("litellm_settings: {callbacks: [langfuse]}", "", False),
        ("router_settings: {redis_host: a}", "ledger", False),
        ("router_settings: {enable_tag_filtering: true}", "cost", True),
        ("router_settings: {provider_budget_config: {}}", "budget", True),
        ("general_settings: {master_key: os.environ/MASTER}", "keys", True),
        ("general_settings: {database_url: os.environ/DB}", "keys", True),
        ("general_settings: {custom_auth: a.b}", "keys", True),
        ("include: [models.yaml]", "", True),
        ("guardrails: []", "", True),
    ],
)
def test_what_has_no_counterpart_is_told_in_the_section_where_one_would_look(of, text, section, todo):
    found = of(text)
    assert list(found.notes) == [section]
    assert [note.todo for note in found.notes[section]] == [todo]


@pytest.mark.parametrize(
    "text", ["litellm_settings: {json_logs: true}", "router_settings: {enable_pre_call_checks: true}"]
)
def test_of_what_is_so_anyway_nothing_is_said(of, text):
    assert of(text).notes == {}


@pytest.mark.parametrize(
    ("text", "meant"),
    [("litellm_setings: {}", "litellm_settings"), ("router_settings: {num_retrys: 2}", "num_retries")],
)
def test_a_slip_is_told(of, text, meant):
    assert f"did you mean {meant}?" in of(text).notes[""][0].text


def test_a_master_key_in_clear_text_is_called_a_secret_and_not_shown(of):
    (note,) = of("general_settings: {master_key: sk-1234}").notes["keys"]
    assert "SECRET" in note.text and "sk-1234" not in note.text
    (note,) = of("general_settings: {master_key: os.environ/M}").notes["keys"]
    assert "SECRET" not in note.text


def test_dropping_parameters(of):
    assert of("litellm_settings: {drop_params: true}").drop and not of("litellm_settings: {drop_params: false}").drop
