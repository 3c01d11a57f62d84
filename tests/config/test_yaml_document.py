from __future__ import annotations

import pytest

from router.config.problems import Finding
from router.config.yaml_document import MAX_NODES, parse


def messages(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "f.yaml").problems]


def test_values_have_their_types() -> None:
    text = "a: 1\nb: 0.5\nc: true\nd:\ne: text\nf: [1, two]\ng: {h: -3}\ni: 500_000\n"
    assert parse(text, "f.yaml").data == {
        "a": 1,
        "b": 0.5,
        "c": True,
        "d": None,
        "e": "text",
        "f": [1, "two"],
        "g": {"h": -3},
        "i": 500_000,
    }


@pytest.mark.parametrize("key", ["no", "on", "7", "1.5", "null", "2026-11-20"])
def test_keys_are_always_text(key: str) -> None:
    assert parse(f"{key}: 1", "f.yaml").data == {key: 1}


@pytest.mark.parametrize("value", ["2026-11-20", "12:30:00", "12:30", "0b_", "=", "5e5"])
def test_what_only_yaml_takes_for_a_date_or_a_number_stays_text(value: str) -> None:
    assert parse(f"a: {value}", "f.yaml").data == {"a": value}


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 6000, "-0x" + "f" * 6000, "0b" + "1" * 9000, "9" * 400])
def test_a_number_that_nobody_means_stays_text(number: str) -> None:
    """Python reads some of them, and then fails on showing them, or on making a float of them."""
    assert parse(f"a: {number}", "f.yaml").data == {"a": number}


def test_every_value_knows_its_place() -> None:
    document = parse("a:\n  b: [x, y]\n", "f.yaml")
    assert str(document.problem(Finding(("a", "b", 1), "is wrong"))) == "f.yaml:2:10: a.b[1]: is wrong"
    assert str(document.problem(Finding(("a", "b"), "is wrong"))) == "f.yaml:2:6: a.b: is wrong"
    assert str(document.problem(Finding(("a", "b"), "is wrong", on_key=True))) == "f.yaml:2:3: a.b: is wrong"


def test_what_is_missing_stands_where_it_would_be_below() -> None:
    document = parse("a:\n  b: {c: 1}\n", "f.yaml")
    assert str(document.problem(Finding(("a", "b", "d"), "missing"))) == "f.yaml:2:3: a.b.d: missing"
    assert str(document.problem(Finding(("z",), "missing"))) == "f.yaml:1:1: z: missing"


def test_aliases_are_allowed_and_stand_where_the_anchor_stands() -> None:
    document = parse("a: &x [local]\nb: *x\n", "f.yaml")
    assert document.data == {"a": ["local"], "b": ["local"]}
    assert document.problem(Finding(("b", 0), "")).line == 1


def test_merge_keys_are_refused_in_a_policy() -> None:
    document = parse("a: &a {x: 1}\nb: {<<: *a}", "p.yaml")
    assert "merge keys" in document.problems[0].message and document.data["b"] == {}


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert MAX_NODES < 10**8
    (message,) = messages("\n".join(lines))
    assert message.endswith("aliases (*name) expand to far too much, or to themselves")


def test_an_alias_of_itself_is_refused() -> None:
    assert messages("a: &a [*a]\n") == ["f.yaml:1:4: aliases (*name) expand to far too much, or to themselves"]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000 + "x"], ids=["[", "{", "-"])
def test_nesting_cannot_exhaust_the_stack(text: str) -> None:
    (message,) = messages(text)
    assert "nested more than 40 levels deep" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1:1: the file is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here (---); the file must hold one"),
        ("a: 'x\nb: 2\n", "f.yaml:1:4: the text that begins here is never closed: add the missing quote"),
        ("a: 1\nb: x\x07y\n", "f.yaml:2:5: a control character; remove it (is this a text file?)"),
        ("{a: 1}: 2\n", "f.yaml:1:1: a key must be plain text, not a list or a mapping"),
        (
            "a:\n  b: 1\n c: 2\n",
            "f.yaml:3:2: not valid YAML: did not find expected key; "
            "check indentation, brackets and quotes here and above",
        ),
    ],
)
def test_what_is_no_yaml_is_explained(text: str, message: str) -> None:
    assert messages(text) == [message]


def test_all_duplicates_are_reported_and_the_first_value_counts() -> None:
    document = parse("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [str(problem) for problem in document.problems] == [
        "f.yaml:2:1: a: duplicate key; it is already set on line 1: keep one of them",
        "f.yaml:3:11: b.c: duplicate key; it is already set on line 3: keep one of them",
    ]
