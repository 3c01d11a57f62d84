from __future__ import annotations

import pytest

from router.config.problems import MOST_PROBLEMS, PolicyError, Problem, closest, field_name, listing, suggest


def problem(line: int, message: str = "is wrong", field: str = "keys[0].name") -> Problem:
    return Problem("policy.yaml", line, 3, field, message)


@pytest.mark.parametrize(
    ("path", "name"),
    [(("keys", 0, "sha256"), "keys[0].sha256"), ((), ""), ((0, "a"), "[0].a"), (("a", 1, 2), "a[1][2]")],
)
def test_a_path_reads_as_people_write_it(path: tuple[str | int, ...], name: str) -> None:
    assert field_name(path) == name


def test_a_problem_says_where_it_is_as_far_as_that_is_known() -> None:
    assert str(problem(7)) == "policy.yaml:7:3: keys[0].name: is wrong"
    assert str(problem(0)) == "policy.yaml: keys[0].name: is wrong"
    assert str(problem(0, field="")) == "policy.yaml: is wrong"


def test_problems_stand_from_top_to_bottom_and_each_once() -> None:
    error = PolicyError([problem(9), problem(2), problem(9), problem(2, "is wrong too")])
    assert [(each.line, each.message) for each in error.problems] == [
        (2, "is wrong"),
        (2, "is wrong too"),
        (9, "is wrong"),
    ]
    assert str(error).count("\n") == 2


def test_a_slip_is_recognised_and_a_word_of_its_own_is_not() -> None:
    known = ["backends", "models", "zones"]
    assert closest("backnds", known) == "backends"
    assert suggest("modls", known) == '; did you mean "models"?'
    assert closest("tariff", known) is None and suggest("tariff", known) == ";"
    assert closest(5, known) is None


def test_a_list_of_nothing_says_so() -> None:
    assert (listing(["a", "b"]), listing([])) == ("a, b", "(none)")


def test_of_very_many_problems_the_first_are_told_and_that_there_are_more() -> None:
    error = PolicyError(problem(line) for line in range(60_000, 0, -1))
    assert [each.line for each in error.problems] == [*range(1, MOST_PROBLEMS + 1), 0]
    assert "more than these 100 problems" in str(error.problems[-1])
    assert len(PolicyError(problem(line) for line in range(MOST_PROBLEMS)).problems) == MOST_PROBLEMS
