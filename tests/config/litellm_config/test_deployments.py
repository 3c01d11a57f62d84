from __future__ import annotations

import pytest

from router.config.litellm_config.deployments import Deployment, deployments
from router.config.litellm_config.key_names import KeyNames
from router.config.problems import PolicyError


@pytest.fixture
def one(reading):
    """The only deployment of a list with these parameters."""

    def make(params: str, info: str = "{}", name: str = "chat", drop: bool = False) -> Deployment:
        reader = reading(f"model_list:\n- model_name: {name}\n  litellm_params: {{{params}}}\n  model_info: {info}\n")
        (found,) = deployments(reader, KeyNames(reader), drop)
        reader.raise_if_wrong()
        return found

    return make


def said(found: Deployment) -> dict[str, tuple[str, bool]]:
    return {str(note.path[-1]): (note.text, note.todo) for note in found.notes}


def test_limits_and_times_are_taken(one):
    found = one(
        "model: openai/a, rpm: 60, tpm: 1000, max_budget: 5, budget_duration: 1d, timeout: 90, stream_timeout: 8"
    )
    assert (found.requests, found.tokens, found.dollars, found.duration) == (60, 1000, 5, "1d")
    assert found.settings == (("first_byte_timeout", "8s"), ("answer_timeout", "90s"))
    assert found.notes == () and found.api_key == "env:OPENAI_API_KEY"


def test_prices_are_per_million_here(one):
    found = one("model: openai/a, input_cost_per_token: 0.0000025", "{output_cost_per_token: 1.0e-5}")
    assert found.served == (("price", "{input: 2.5, output: 10}"),)


def test_a_base_model_has_a_price_where_the_name_has_none(one):
    azure = "api_base: 'https://a.openai.azure.com', api_key: os.environ/K"
    assert (
        one(f"model: azure/mine, {azure}", "{base_model: azure/gpt-4o}")
        .served[0][1]
        .startswith("{input: 2.5, output: 10")
    )
    assert one(f"model: azure/gpt-4o, {azure}", "{base_model: azure/gpt-4o}").served == (), "its own name is known"
    assert one(f"model: azure/mine, {azure}", "{base_model: azure/unheard}").served == ()


@pytest.mark.parametrize(
    ("mode", "endpoint"), [("embedding", "embeddings"), ("image_generation", "images"), ("audio_speech", "speech")]
)
def test_a_mode_says_which_endpoint_works(one, mode, endpoint):
    assert one("model: openai/a", f"{{mode: {mode}}}").served == (("endpoints", f"[{endpoint}]"),)


def test_what_the_adapter_does_not_pass_on_is_told(one):
    text, todo = said(one("model: gemini/a", "{mode: image_generation}"))["mode"]
    assert todo and "images" in text
    assert said(one("model: gemini/a", "{mode: embedding}")) == {}


def test_a_context_and_a_bound_of_what_runs(one):
    found = one("model: openai/a, max_parallel_requests: 4", "{max_input_tokens: 128000}")
    assert found.served == (("context", "128000"),) and found.settings == (("capacity", "{max_running: 4}"),)


@pytest.mark.parametrize(("params", "drop"), [("drop_params: true", False), ("rpm: 1", True)])
def test_what_a_provider_lacks_is_left_out_where_that_was_asked_for(one, params, drop):
    assert ("drop_unsupported", "true") in one(f"model: gemini/a, {params}", drop=drop).settings
    assert one(f"model: openai/a, {params}", drop=drop).settings == ()


def test_what_stands_in_a_variable_and_is_no_secret_has_to_be_written(one):
    found = one(
        "model: azure/gpt-4o, api_base: os.environ/AZURE_API_BASE, api_key: os.environ/K, timeout: os.environ/T"
    )
    assert found.reached.api_base == "https://azure-api-base.invalid/v1"
    assert said(found)["api_base"][1] and said(found)["timeout"][1]


def test_what_the_adapter_finds_in_its_environment_is_told_without_its_value(one):
    found = said(one("model: bedrock/a, aws_region_name: eu-west-1, aws_secret_access_key: hunter2"))
    assert "AWS_REGION_NAME" in found["aws_region_name"][0] and found["aws_region_name"][1]
    assert "hunter2" not in str(found)


def test_what_is_not_known_is_told_and_what_was_meant(one):
    found = said(one("model: openai/a, temperature: 1, tempreature: 1, xyzzy: 1"))
    assert "set it in the app" in found["temperature"][0]
    assert "did you mean temperature?" in found["tempreature"][0]
    assert found["xyzzy"] == ("is not known here, and was left out: look whether it is needed", True)


@pytest.mark.parametrize("setting", ["access_groups: [hr]", "team_id: hr", "supported_environments: [staging]"])
def test_who_may_or_where_is_never_lost_without_something_to_do(one, setting):
    assert said(one("model: openai/a", f"{{{setting}}}"))[setting.partition(":")[0]][1]


@pytest.mark.parametrize("setting", ["region_name: eu", "allowed_model_region: eu", "tenant_id: t"])
def test_where_data_goes_and_who_signs_in_is_never_lost_either(one, setting):
    assert said(one(f"model: openai/a, {setting}"))[setting.partition(":")[0]][1]


def test_the_order_of_deployments_is_told_to_be_another(one):
    assert "cost.strategy" in said(one("model: openai/a, order: 2"))["order"][0]


@pytest.mark.parametrize(
    "setting",
    [
        "extra_headers: {Authorization: Bearer in-the-clear}",
        "x: {api_key: in-the-clear}",
        "vector: [{db_password: in-the-clear}]",
    ],
)
def test_a_secret_in_what_is_left_out_is_to_be_replaced_and_never_shown(one, setting):
    text, todo = said(one(f"model: openai/a, {setting}"))[setting.partition(":")[0]]
    assert todo and "SECRET" in text and "replaced" in text and "in-the-clear" not in text


@pytest.mark.parametrize("setting", ["extra_headers: {Authorization: os.environ/TOKEN}", "x: {max_tokens: 5}"])
def test_what_is_no_secret_in_clear_text_is_not_called_one(one, setting):
    assert "SECRET" not in said(one(f"model: openai/a, {setting}"))[setting.partition(":")[0]][0]


def test_a_credential_is_looked_up_by_its_name(reading):
    reader = reading(
        "model_list: [{model_name: a, litellm_params: {model: openai/a, litellm_credential_name: eu}}]\n"
        "credential_list: [{credential_name: us}, {credential_name: eu, credential_values: {api_key: os.environ/EU}}]\n"
    )
    (found,) = deployments(reader, KeyNames(reader), False)
    assert found.api_key == "env:EU"


def test_a_server_of_somebody_else_gets_no_key_that_was_not_given(one):
    found = one("model: openai/a, api_base: 'https://llm.example.com/v1'")
    assert found.api_key == "" and said(found)["api_key"][1]
    assert one("model: openai/a, api_base: 'http://10.0.0.1/v1'").api_key == ""


def test_an_order_is_kept(reading):
    reader = reading(
        "model_list: [{model_name: a, litellm_params: {model: openai/second, order: 2}},"
        " {model_name: a, litellm_params: {model: openai/first, order: 1}}]"
    )
    assert [each.reached.model for each in deployments(reader, KeyNames(reader), False)] == ["first", "second"]


def test_a_name_with_a_space_is_changed_and_that_is_told(one):
    found = one("model: openai/a", name="my model|2")
    assert found.name == "my-model-2" and said(found)["model_name"][1]


def test_any_model_of_any_provider_goes_to_one_and_that_is_told(one):
    found = one("model: '*'", name="'*'")
    assert found.reached.kind == "openai" and said(found)["model"][1]


def test_a_provider_whose_hosts_are_not_known_needs_them(one):
    assert "hosts:" in said(one("model: unheard/a"))["model"][0]


def test_a_pattern_of_two_stars_is_none(one):
    with pytest.raises(PolicyError, match='one "\\*" here'):
        one("model: openai/a", name="'a*b*'")


def test_groups_weights_and_other_parts_of_an_entry_are_told(reading):
    reader = reading("model_list: [{model_name: a, litellm_params: {model: openai/a, weight: 3}, extra: 1}]")
    (found,) = deployments(reader, KeyNames(reader), False)
    assert said(found).keys() == {"weight", "extra"}
