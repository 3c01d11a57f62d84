from __future__ import annotations

import pytest

from router.config.litellm_config.model_names import as_name, free, model_names, plain


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("gpt-4o", "gpt-4o"),
        ("openai/*", "openai/*"),
        ("مفتاح", "مفتاح"),
        ("my  model", "my-model"),
        ("a|b", "a-b"),
        ("a\u200bb", "a-b"),
        ("a\u2028b", "a-b"),
        ("W" * 200, "W" * 128),
    ],
)
def test_a_name_is_as_close_as_one_can_be_here(given, name):
    assert plain(given) == name


def test_what_had_two_names_has_two(reading):
    entries = ["my model", "my-model", "my|model", "my model", "4"]
    listed = ", ".join(f"{{model_name: {name}, litellm_params: {{model: openai/a}}}}" for name in entries)
    assert model_names(reading(f"model_list: [{listed}]")) == {
        "my model": "my-model-2",
        "my-model": "my-model",
        "my|model": "my-model-3",
        "4": "4",
    }


def test_a_number_behind_a_long_name_does_not_make_it_too_long():
    assert free("W" * 128, {"W" * 128}) == f"{'W' * 122}-2"
    assert free("W" * 200, ()) == "W" * 128


@pytest.mark.parametrize(("value", "name"), [(" a ", "a"), (4, "4"), (1.5, "1.5"), (True, ""), (None, ""), ({}, "")])
def test_what_a_name_is(value, name):
    assert as_name(value) == name
