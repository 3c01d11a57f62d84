from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from router.core.reading import (
    MOST_CHARACTERS,
    MOST_KINDS,
    MOST_LABELS,
    MOST_OBJECTS,
    MOST_PLACES,
    BadBody,
    Reading,
    each_once,
    split_names,
)
from router.core.values import Label

PLAIN = Reading(
    model="chat",
    stream=False,
    wants_usage=None,
    max_output_tokens=None,
    input_tokens=0,
    modalities=frozenset({"text"}),
    unreadable=(),
    labels=(),
    model_span=(0, 0),
    options_span=None,
    input_bound=0,
    answers=1,
)


def names(count: int, start: str = "") -> tuple[str, ...]:
    return tuple([f"{start}{number}" for number in range(count)])


@dataclass
class Bound:
    code: str
    most: dict[str, Any]
    more: dict[str, Any]


BOUNDS = [
    Bound(
        "too_many_labels", {"labels": (Label(None, names(MOST_LABELS)),)}, {"labels": (Label("", names(MOST_LABELS)),)}
    ),
    Bound("too_many_labels", {}, {"labels": (Label("x" * (MOST_CHARACTERS + 1)),)}),
    Bound("too_many_addresses", {"addresses": names(MOST_PLACES)}, {"addresses": names(MOST_PLACES + 1)}),
    Bound(
        "too_many_objects", {"mentions": names(MOST_OBJECTS)}, {"mentions": names(MOST_OBJECTS), "refers_to": ("1",)}
    ),
    *(
        Bound("too_many_kinds", {each: names(MOST_KINDS)}, {each: names(MOST_KINDS + 1)})
        for each in ("unreadable", "sealed", "uses")
    ),
]


@pytest.mark.parametrize("bound", BOUNDS)
def test_no_reading_can_be_made_of_a_body_that_says_too_much(bound: Bound) -> None:
    replace(PLAIN, **bound.most)
    with pytest.raises(BadBody) as refused:
        replace(PLAIN, **bound.more)
    assert refused.value.code == bound.code


def test_the_name_of_a_model_is_not_as_long_as_a_body() -> None:
    with pytest.raises(BadBody, match="characters"):
        replace(PLAIN, model="x" * (MOST_CHARACTERS + 1))


def test_what_labels_say_again_is_left_out() -> None:
    label = Label("a", ("x", "y", "x"), "metadata")
    assert each_once([label, Label("b"), label]) == (Label("a", ("x", "y"), "metadata"), Label("b"))


@pytest.mark.parametrize(("text", "names"), [("", ()), (" a ,, b", ("a", "b")), ("phi", ("phi",))])
def test_names_are_separated_by_commas(text: str, names: tuple[str, ...]) -> None:
    assert split_names(text) == names


def test_what_is_wrong_with_a_body_can_be_told() -> None:
    error = BadBody("You must provide a model.", "model")
    assert (str(error), error.param, error.code) == ("You must provide a model.", "model", None)
