from __future__ import annotations

import pytest

from router.config.litellm_config.reader import variable_of
from router.config.problems import PolicyError

CONFIG = """\
model_list:
  - model_name: 4
    litellm_params: {model: openai/a, api_key: os.environ/KEY, rpm: "60", tpm: 5e3}
"""
PARAMS = ("model_list", 0, "litellm_params")


def test_values_are_found_by_their_place(reading):
    reader = reading(CONFIG)
    assert reader.text(("model_list", 0, "model_name")) == "4"
    assert reader.mapping(PARAMS).keys() == {"model", "api_key", "rpm", "tpm"}
    assert (reader.number((*PARAMS, "rpm")), reader.number((*PARAMS, "tpm"))) == (60.0, 5000.0)
    assert reader.variable((*PARAMS, "api_key")) == "KEY"
    assert reader.line((*PARAMS, "rpm")) == 3
    reader.raise_if_wrong()


def test_merge_keys_are_followed_as_litellm_follows_them(reading):
    reader = reading(
        "base: &base {model: openai/a, rpm: 5}\nmore: &more {rpm: 6, tpm: 7}\n"
        "model_list: [{model_name: a, litellm_params: {<<: [*base, *more], rpm: 9}}]\n"
    )
    assert reader.get(PARAMS) == {"model": "openai/a", "rpm": 9, "tpm": 7}
    reader.raise_if_wrong()


@pytest.mark.parametrize("text", ["null\n", "~\n", "a: &a {<<: *a}\nmodel_list: []\n", "model_list: [{<<: 5}]\n"])
def test_what_cannot_be_one_is_told(reading, text):
    with pytest.raises(PolicyError) as told:
        reading(text).raise_if_wrong()
    assert all(problem.message for problem in told.value.problems) and told.value.problems


def test_what_does_not_stand_there_is_empty_and_not_wrong(reading):
    reader = reading(CONFIG)
    assert (reader.text(("x", 0)), reader.mapping(("x",)), reader.listing(("x",))) == ("", {}, [])
    assert reader.number(("model_list", 7, "rpm")) is None
    assert reader.number((*PARAMS, "api_key")) is None, "a variable holds it"
    reader.raise_if_wrong()


@pytest.mark.parametrize("asked", ["mapping", "listing", "number", "text"])
@pytest.mark.parametrize("value", ["[5]", "{a: 5}", "true", "-3"])
def test_another_shape_is_reported_where_it_stands(reading, asked, value):
    """A negative number is a fine text."""
    reader = reading(f"{CONFIG}it: {value}\n")
    getattr(reader, asked)(("it",))
    fits = {("mapping", "{a: 5}"), ("listing", "[5]"), ("text", "-3")}
    if (asked, value) in fits:
        reader.raise_if_wrong()
    else:
        with pytest.raises(PolicyError, match=r"config\.yaml:4:5: it: here stand"):
            reader.raise_if_wrong()


@pytest.mark.parametrize(
    ("value", "variable"),
    [
        ("os.environ/A_KEY", "A_KEY"),
        (" os.environ/A ", "A"),
        ("${A}", "A"),
        ("$A", "A"),
        ("sk-$A", ""),
        (5, ""),
        (None, ""),
    ],
)
def test_variables_are_told_from_values(value, variable):
    assert variable_of(value) == variable


@pytest.mark.parametrize(
    ("value", "said"),
    [(".inf", "one without an end"), (".nan", "what is no number"), ("-3", "one below 0"), ("1.0e+30", "one as large")],
)
def test_a_number_that_cannot_be_used_is_not_said_to_be_none(reading, value, said):
    reader = reading(f"{CONFIG}it: {value}\n")
    assert reader.number(("it",)) is None
    with pytest.raises(PolicyError, match=rf"here stands a number from 0 on, such as 100, not {said}"):
        reader.raise_if_wrong()


@pytest.mark.parametrize("value", ["3", "[]", "text", "{a: 1}"])
def test_of_a_list_that_is_none_one_thing_is_said(reading, value):
    with pytest.raises(PolicyError) as told:
        reading(f"model_list: {value}\n").raise_if_wrong()
    assert len(told.value.problems) == 1
