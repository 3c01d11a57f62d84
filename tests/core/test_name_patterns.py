from __future__ import annotations

import pytest

from router.core.name_patterns import closest, filled, in_words, is_pattern, starred, takes


@pytest.mark.parametrize(
    ("pattern", "name", "star"),
    [
        ("*", "gpt-4o", "gpt-4o"),
        ("*", "", ""),
        ("gpt-*", "gpt-4o", "4o"),
        ("gpt-*", "gpt-", ""),
        ("gpt-*", "claude", None),
        ("*-awq", "llama-awq", "llama"),
        ("a*a", "a", None),
        ("a*a", "aba", "b"),
        ("gpt-4o", "gpt-4o", None),
    ],
)
def test_a_star_stands_for_any_text(pattern, name, star):
    assert starred(pattern, name) == star


def test_a_name_means_itself():
    assert takes("gpt-4o", "gpt-4o") and not takes("gpt-4o", "gpt-4")
    assert is_pattern("gpt-*") and not is_pattern("gpt-4o")


def test_a_pattern_takes_a_closer_one():
    assert takes("*", "gpt-*") and takes("gpt-*", "gpt-4*") and not takes("gpt-4*", "gpt-*")


def test_the_closest_counts():
    patterns = ["*", "gpt-*", "gpt-4*", "gpt-4o"]
    assert closest(patterns, "gpt-4o") == "gpt-4o"
    assert closest(patterns, "gpt-4.1") == "gpt-4*"
    assert closest(patterns, "gpt-5") == "gpt-*"
    assert closest(patterns, "claude") == "*"
    assert closest(["gpt-*"], "claude") is None


def test_the_star_of_the_target_is_filled_in():
    assert filled("anthropic/*", "*", "claude-5") == "anthropic/claude-5"
    assert filled("gpt-*", "gpt-*", "gpt-4o") == "gpt-4o"
    assert filled("llama", "*", "anything") == "llama"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*", "any name"),
        ("gpt-*", "any name that begins with gpt-"),
        ("*-awq", "any name that ends with -awq"),
        ("hosted/*-awq", "any name that begins with hosted/ and ends with -awq"),
    ],
)
def test_a_pattern_is_told_in_words(pattern, words):
    assert in_words(pattern) == words
