"""All patterns at once: which are in a text, and that no text takes long."""

import re

import pytest

from router.core.sensitivity.own.patterns import MOST, NO_PATTERNS, OwnPatterns, compile_patterns
from router.core.sensitivity.own.syntax import BadPattern

PROJECT, CASE = ("project", r"PRJ-\d{6}"), ("case", r"case no\. \d+")


def test_each_that_is_in_a_text_is_told_by_its_name() -> None:
    patterns = compile_patterns((PROJECT, CASE))

    assert patterns.names == {"project", "case"}
    assert patterns.found_in(b"about PRJ-123456") == {"project"}
    assert patterns.found_in(b"PRJ-123456 is case no. 7") == {"project", "case"}
    assert patterns.found_in(b"nothing") == patterns.found_in(b"") == frozenset()


def test_a_text_is_looked_at_with_its_backslashes_and_without() -> None:
    patterns = compile_patterns((PROJECT, ("other", r"\bPRJ-1")))

    assert patterns.found_in(b"PR\\J\\-123456") == {"project", "other"}
    assert patterns.found_in(b"a\\PRJ-123456") == {"project", "other"}


def test_octets_that_are_no_text_are_looked_at_all_the_same() -> None:
    assert compile_patterns((("own", "a.c"), PROJECT)).found_in(b"\xff\xfe PRJ-123456 \x80") == {"project"}


def test_none_find_nothing() -> None:
    assert compile_patterns(()) is NO_PATTERNS
    assert type(NO_PATTERNS) is OwnPatterns
    assert NO_PATTERNS.found_in(b"PRJ-123456") == frozenset()


def test_what_finds_something_else_has_another_identity() -> None:
    sets = [(PROJECT,), (CASE,), (PROJECT, CASE), (("project", CASE[1]),), (("project", r"PRJ-\d{5}"),), ()]

    assert len({compile_patterns(each).identity for each in sets}) == len(sets)
    assert b"\n" not in compile_patterns((("own", "a\\nb"),)).identity


def test_as_many_as_there_may_be_find_what_each_alone_does() -> None:
    many = tuple((f"own-{number}", rf"K{number}[A-Z]{{2,20}}\d+") for number in range(MOST))

    assert compile_patterns(many).found_in(b"K7AB1 K70AB1 K31ZZZ9") == {"own-7", "own-31"}


def test_a_pattern_that_cannot_be_sought_is_a_reason() -> None:
    with pytest.raises(BadPattern):
        compile_patterns((("own", "(a)\\1"),))
    with pytest.raises(BadPattern, match="the engine refuses it"):
        compile_patterns((("own", "a\\ba"),))


@pytest.mark.parametrize(("pattern", "text"), [(r"(a|aa)+b", b"a" * 200_000), (r"(.*)(.*)(.*)=x", b"=" * 200_000)])
def test_no_text_takes_what_backtracking_would_take(pattern: str, text: bytes) -> None:
    """With `re` the first takes a time that doubles with each letter: the test would not end."""
    assert compile_patterns((("own", pattern),)).found_in(text) == frozenset()
    assert re.search(pattern, text[:18].decode()) is None
