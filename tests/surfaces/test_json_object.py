from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.patterns import repeated_possessively

from router.core.reading import BadBody
from router.surfaces import json_object
from router.surfaces.json_object import count, split_object, text_bytes
from router.surfaces.openai.read_request import MODEL

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=6), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_spans_are_those_of_the_values(fields: dict[str, Any], ascii_only: bool, indent: Any) -> None:
    body = json.dumps(fields, ensure_ascii=ascii_only, indent=indent).encode()

    members, spans = split_object(b" " + body + b"\n")

    assert list(members) == list(spans) == list(fields)
    assert {name: json.loads(body[start - 1 : end - 1]) for name, (start, end) in spans.items()} == fields


@given(st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=4), VALUES, st.data())
def test_any_repeated_name_is_found(fields: dict[str, Any], again: Any, data: st.DataObject) -> None:
    members = [*fields.items(), (data.draw(st.sampled_from(list(fields))), again)]
    body = "{" + ",".join(
        f"{json.dumps(name)}:{json.dumps(value)}" for name, value in data.draw(st.permutations(members))
    )

    with pytest.raises(BadBody, match="given twice"):
        split_object(body.encode() + b"}")


@pytest.mark.parametrize(
    ("value", "size"), [("ab", 2), ("ü", 2), ({"a": ["bc", None, 1]}, 1 + 2 + 8 + 8), (None, 8), (True, 8)]
)
def test_text_is_measured_in_names_and_strings(value: Any, size: int) -> None:
    assert text_bytes(value) == size


@pytest.mark.parametrize(("value", "number"), [(5, 5), (5.0, 5), ("5", 5), (-7, -1), (5.5, -1), ("x", -1), (None, -1)])
def test_a_count_is_read_as_lenient_providers_do(value: Any, number: int) -> None:
    assert count(value) == number


@pytest.mark.parametrize("pattern", [json_object._FIRST, json_object._NEXT, MODEL])
def test_only_single_characters_are_repeated_possessively(pattern):
    """Before Python 3.11.5 a group goes on from where its last try failed, and what follows is not found."""
    for each in repeated_possessively(re._parser.parse(pattern.pattern)):
        assert len(each) == 1 and each.getwidth() == (1, 1)
