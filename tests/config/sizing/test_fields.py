from __future__ import annotations

from typing import Any

import pytest

from router.config.problems import Finding
from router.config.sizing.fields import Fields


def fields(**data: Any) -> tuple[Fields, list[Finding]]:
    findings: list[Finding] = []
    return Fields(data, findings), findings


def test_values_of_the_right_type() -> None:
    some, findings = fields(a=3, b=None, c=True, d="text", e=["x", "y"], f={"g": 5})
    assert (some.size("a"), some.size("b", "a"), some.size("b", default=7)) == (3, 3, 7)
    assert (some.count("a"), some.count("b"), some.flag("c", default=False), some.flag("b", default=True)) == (
        3,
        0,
        True,
        True,
    )
    assert (some.text("d"), some.text("b"), some.texts("e"), some.texts("b")) == ("text", "", ("x", "y"), None)
    inside = some.part("f")
    assert inside is not None
    assert inside.size("g") == 5
    assert some.part("b") is None
    assert (some.has("b", "a"), some.has("b"), some.equals("a", 3), some.names()) == (
        "a",
        None,
        True,
        frozenset("abcdef"),
    )
    assert findings == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0, "0 is no whole number from 1 to 1,000,000,000"),
        (-1, "-1 is no whole number from 1 to"),
        (2.5, "2.5 is no whole number"),
        ("32", "'32' is no whole number"),
        (True, "True is no whole number"),
        (10**12, "1000000000000 is no whole number"),
        ([1] * 50, "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, … is no whole number"),
    ],
)
def test_a_size_that_is_none(value: Any, says: str) -> None:
    some, findings = fields(layers=value)
    assert some.size("layers") == 1
    assert findings[0].path == ("layers",)
    assert findings[0].message.startswith(says)


def test_a_size_that_is_missing_has_other_names_too() -> None:
    some, findings = fields()
    some.size("layers", "n_layer")
    assert findings[0].message == 'missing key "layers" (or n_layer): a whole number above 0'
    some.size("hidden")
    assert findings[1].message == 'missing key "hidden": a whole number above 0'


def test_nothing_may_be_a_count() -> None:
    some, findings = fields(a=0, b=False)
    assert some.count("a") == 0
    assert findings == []
    some.count("b")
    assert len(findings) == 1


def test_other_types_that_are_wrong() -> None:
    some, findings = fields(a=1, b="yes", c=5, d=["x", 1])
    inner = fields(f={"g": "x"})
    assert some.part("a") is None
    assert some.flag("b", default=True) is True
    assert some.text("c") == ""
    assert some.texts("d") is None
    assert [each.path for each in findings] == [("a",), ("b",), ("c",), ("d",)]
    assert inner[0].values()[0].size("g") == 1
    assert inner[1][0].path == ("f", "g")


def test_numbers() -> None:
    some, findings = fields(a=2.5, b=True, c=0)
    assert (some.number("a", default=1.0), some.number("missing", default=1.0), findings) == (2.5, 1.0, [])
    assert (some.number("b", default=1.0), some.number("c", default=1.0), len(findings)) == (1.0, 1.0, 2)
