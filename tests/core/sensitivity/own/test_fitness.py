import pytest

from router.core.sensitivity.own.fitness import ORDINARY, broken_examples, is_everywhere, is_in
from router.core.sensitivity.own.patterns import compile_patterns

PROJECT = compile_patterns((("project", r"PRJ-\d{6}"),))


def test_an_example_is_looked_at_as_what_a_request_says() -> None:
    assert is_in(PROJECT, 'say "PRJ-123456"\n')
    assert is_in(PROJECT, "PRJ\u2013\uff11\uff12\uff13456")
    assert not is_in(PROJECT, "PRJ-12345")


@pytest.mark.parametrize("text", ["PRJ%2D123456", "&#80;RJ-123456", "cGxlYXNlIFBSSi0xMjM0NTY=", "PRJ\\-123456"])
def test_an_example_is_found_however_it_hides(text: str) -> None:
    assert [*broken_examples(PROJECT, (text,), (text,))] == [("ignores", 0)]


def test_examples_that_do_not_hold_are_told_with_their_numbers() -> None:
    assert [*broken_examples(PROJECT, ("PRJ-123456", "PRJ 123456"), ("PRJ-1", "a PRJ-1234567"))] == [
        ("matches", 1),
        ("ignores", 1),
    ]


@pytest.mark.parametrize(
    "pattern", [".", r"\w+", r"\d", "[a-z]{2,}", "e", "user|input", "content", r"\s", r'"\w+"', "the|e"]
)
def test_what_is_in_nearly_every_request_is_told(pattern: str) -> None:
    assert is_everywhere(compile_patterns((("own", pattern),)))


@pytest.mark.parametrize("pattern", [r"PRJ-\d{6}", "(?i)moonshine", r"\d{8}", r"[A-Z]{3}-\d+", "Thursday"])
def test_what_is_in_few_is_not(pattern: str) -> None:
    assert not is_everywhere(compile_patterns((("own", pattern),)))


def test_ordinary_texts_have_little_in_common() -> None:
    words = [set(text.lower().split()) for text in ORDINARY]

    assert not set.intersection(*words)
