from __future__ import annotations

import re

import pytest

from router.config.litellm_config.key_names import KeyNames

CONFIG = """\
model_list:
  - {model_name: a, litellm_params: {model: openai/a, api_key: sk-one}}
  - {model_name: b, litellm_params: {model: openai/b, api_key: sk-two}}
  - {model_name: c, litellm_params: {model: openai/c, api_key: sk-one}}
  - {model_name: d, litellm_params: {model: openai/d, api_key: os.environ/OPENAI_API_KEY_2}}
  - {model_name: e, litellm_params: {model: openai/e, api_key: EMPTY}}
  - {model_name: f, litellm_params: {model: openai/f}}
"""


def test_one_key_has_one_name_that_nothing_else_has(reading):
    keys = KeyNames(reading(CONFIG))
    names = [keys.reference(("model_list", index, "litellm_params", "api_key"), "openai")[0] for index in range(6)]
    one, two = "env:OPENAI_API_KEY_3", "env:OPENAI_API_KEY_4"
    assert names == [one, two, one, "env:OPENAI_API_KEY_2", "", ""], (
        "the usual one is what is found without being named"
    )


def test_a_key_in_clear_text_is_told_loudly_and_not_shown(reading):
    keys = KeyNames(reading(CONFIG))
    _, (note,) = keys.reference(("model_list", 0, "litellm_params", "api_key"), "openai")
    assert note.todo and "SECRET" in note.text and "OPENAI_API_KEY_3" in note.text
    assert "sk-one" not in note.text
    assert keys.reference(("model_list", 3, "litellm_params", "api_key"), "openai")[1] == ()


def test_a_key_of_another_server_is_called_after_it(reading):
    keys = KeyNames(reading(CONFIG))
    assert keys.reference(("model_list", 0, "litellm_params", "api_key"), "llm.example.com")[0] == (
        "env:LLM_EXAMPLE_COM_API_KEY"
    )


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("10.2.0.7", "AT_10_2_0_7_API_KEY"),
        ("münchen.example", "M_NCHEN_EXAMPLE_API_KEY"),
        ("[fe80::1]", "_FE80__1__API_KEY"),
        ("٣.example", "__EXAMPLE_API_KEY"),
    ],
)
def test_a_shell_can_set_every_variable_that_is_made_up(reading, server, name):
    found = KeyNames(reading(CONFIG)).reference(("model_list", 0, "litellm_params", "api_key"), server)[0]
    assert found == f"env:{name}" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
