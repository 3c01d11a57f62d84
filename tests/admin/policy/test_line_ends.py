from __future__ import annotations

import pytest

from router.admin.policy.line_ends import ended_as, lines_of, plain


def test_lines_are_the_same_however_they_end():
    assert plain("a\r\nb\rc\nd") == "a\nb\nc\nd"
    assert lines_of("a\r\nb") == ["a\n", "b"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_draft_of_a_text_area_has_the_ends_of_the_file(end):
    assert ended_as("a\nnew\nb\n", f"a{end}b{end}") == f"a{end}new{end}b{end}"


def test_what_most_lines_have_counts():
    assert ended_as("a\nb\n", "a\r\nb\r\nc\n") == "a\r\nb\r\n"


@pytest.mark.parametrize("file", ["a\nb\n", "", "a"])
def test_a_text_with_carriage_returns_of_its_own_stays(file):
    assert ended_as("a\r\nb\n", file) == "a\r\nb\n"


@pytest.mark.parametrize("file", ["", "a"])
def test_a_file_without_an_end_of_a_line_says_nothing(file):
    assert ended_as("a\nb\n", file) == "a\nb\n"
