from __future__ import annotations

from typing import Any

import pytest

from router.config.error_wording import Spot, finding_on, flow


def spot(type: str, value: Any = None, path: tuple[str | int, ...] = ("retry", "attempts"), **fields: Any) -> Spot:
    known = {"on_key": False, "node": {}, "parent": {}, "context": {}, "in_union": False, "other_branch": False}
    return Spot(type=type, path=path, value=value, **(known | fields))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, True]}, "{a: [1, true]}"),
        ("plain text", "plain text"),
        ("a: b", '"a: b"'),
        ("", '""'),
        (None, "nothing"),
        (0.5, "0.5"),
    ],
)
def test_a_value_is_written_as_yaml_in_one_line(value: Any, text: str) -> None:
    assert flow(value) == text


def test_a_wrong_type_says_what_is_wanted_and_what_is_there() -> None:
    node = {"type": "integer"}
    assert finding_on(spot("int_type", "many", node=node)).message == (
        "must be a whole number, such as 10; this is text"
    )
    assert "is empty; it must be a whole number" in finding_on(spot("int_type", None, node=node)).message
    assert '"5" (in quotes)' in finding_on(spot("string_type", 5)).message
    assert "(yes, no, on, off" in finding_on(spot("string_type", True)).message
    assert "[eu]" in finding_on(spot("tuple_type", "eu", node={"type": "array"})).message


def test_a_number_that_may_be_secret_is_not_repeated() -> None:
    told = finding_on(spot("string_type", 12345678, path=("backends", "api", "api_key"))).message
    assert "12345678" not in told


def test_limits_and_choices_name_what_is_permitted() -> None:
    assert finding_on(spot("less_than_equal", 11, context={"le": 10})).message == "must be at most 10; this is 11"
    told = finding_on(spot("literal_error", "cheepest", node={"enum": ["cheapest", "threshold"]})).message
    assert told == '"cheepest" is not permitted; did you mean "cheapest"? it is one of cheapest, threshold'
    assert finding_on(spot("literal_error", "1", node={"const": "1"})).message.startswith("must be 1, without quotes")


def test_long_texts_are_not_repeated() -> None:
    told = finding_on(spot("literal_error", "x" * 200, node={"enum": ["a", "b"]})).message
    assert told.startswith("this text is not permitted")


def test_a_finding_on_a_key_points_at_the_key() -> None:
    unknown = finding_on(spot("extra_forbidden", 1, ("retry", "attemps"), parent={"properties": {"attempts": {}}}))
    assert unknown.on_key and 'did you mean "attempts"?' in unknown.message
    assert finding_on(spot("value_error", {}, context={"error": "give either url or urls"})).on_key
    assert not finding_on(spot("value_error", "x", context={"error": "no"})).on_key


def test_a_kind_that_is_missing_is_explained() -> None:
    missing = finding_on(spot("union_tag_not_found", {}, ("backends", "gpu"), node=told_apart_by("kind", "vllm")))
    assert missing.path == ("backends", "gpu", "kind") and "vllm (a vLLM server)" in missing.message


def test_a_driver_that_is_misspelt_is_put_right() -> None:
    node, path = told_apart_by("driver", "process", "sleep"), ("backends", "gpu", "power")
    misspelt = finding_on(spot("union_tag_invalid", {}, path, node=node, context={"tag": "proces"}))
    assert misspelt.path == (*path, "driver") and misspelt.message.startswith('"proces" is not a driver; did you mean')
    assert "sleep (a vLLM that sleeps and wakes)" in misspelt.message


def told_apart_by(name: str, *tags: str) -> dict[str, Any]:
    return {"discriminator": {"propertyName": name, "mapping": dict.fromkeys(tags, "#/$defs/Section")}}
