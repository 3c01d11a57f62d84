"""Two edits of one policy, put together: nothing is lost, and what contradicts is shown."""

import difflib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.control import POLICY

from router.admin.policy.merge import BETWEEN, MINE, THEIRS, Conflict, Merged, merge

BASE = "# why\na: 1\nb: 2  # kept\nc: 3\n\nd: 4\n"


def test_what_each_changed_elsewhere_is_in_the_result_with_its_comments() -> None:
    mine = BASE.replace("a: 1", "a: 10  # mine")
    theirs = BASE.replace("d: 4", "# theirs\nd: 40").replace("c: 3\n", "")

    assert merge(BASE, mine, theirs) == Merged("# why\na: 10  # mine\nb: 2  # kept\n\n# theirs\nd: 40\n", ())


def test_what_both_changed_alike_is_there_once() -> None:
    both = BASE.replace("b: 2", "b: 5")

    assert merge(BASE, both, both.replace("d: 4", "d: 5")) == Merged(both.replace("d: 4", "d: 5"), ())


def test_who_changed_nothing_gets_what_the_other_did() -> None:
    edited = BASE + "e: 5\n"

    assert merge(BASE, BASE, edited) == merge(BASE, edited, BASE) == Merged(edited, ())


@pytest.mark.parametrize(("mine", "theirs"), [("c: 30\n", "c: 31\n"), ("", "c: 31\n"), ("c: 30\n", "")])
def test_what_contradicts_stands_there_twice_between_marks(mine: str, theirs: str) -> None:
    merged = merge(BASE, BASE.replace("c: 3\n", mine), BASE.replace("c: 3\n", theirs))

    assert merged.text == BASE.replace("c: 3\n", f"{MINE}\n{mine}{BETWEEN}\n{theirs}{THEIRS}\n")
    (conflict,) = merged.conflicts
    lines = merged.text.splitlines()
    assert (lines[conflict.first - 1], lines[conflict.last - 1]) == (MINE, THEIRS)
    assert (conflict.mine, conflict.theirs) == (mine, theirs)


def test_ends_of_texts_without_an_end_of_line_do_not_run_together() -> None:
    assert merge("a: 1", "a: 2", "a: 3").text == f"{MINE}\na: 2\n{BETWEEN}\na: 3\n{THEIRS}\n"
    assert merge("a: 1", "a: 1\nb: 2\n", "a: 1\nc: 3").conflicts == (Conflict(1, 7, "a: 1\nb: 2\n", "a: 1\nc: 3"),)


def test_a_text_with_marks_is_no_policy() -> None:
    edits = [POLICY.replace("version: 1", "version: 2"), POLICY.replace("version: 1", "version: 3")]

    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(merge(POLICY, *edits).text)


_LINES = st.lists(st.sampled_from(["a: 1\n", "b: 2\n", "c: 3\n", "\n", "# d\n"]), max_size=8)
_TEXTS = st.tuples(_LINES, st.sampled_from(["", "end"])).map(lambda pair: "".join(pair[0]) + pair[1])


@given(_TEXTS, _TEXTS, _TEXTS)
def test_no_line_that_one_of_them_wrote_is_lost(base: str, mine: str, theirs: str) -> None:
    merged = merge(base, mine, theirs)

    result = [line.rstrip("\n") for line in merged.text.splitlines()]
    for edit in (mine, theirs):
        written = [
            line[2:].rstrip("\n") for line in difflib.ndiff(base.splitlines(), edit.splitlines()) if line[0] == "+"
        ]
        assert all(result.count(line) >= 1 for line in written)
    known = {line.rstrip("\n") for text in (base, mine, theirs) for line in text.splitlines()}
    assert set(result) <= known | {MINE, BETWEEN, THEIRS}


@given(_TEXTS, _TEXTS, _TEXTS)
def test_it_does_not_matter_who_comes_first(base: str, mine: str, theirs: str) -> None:
    one, other = merge(base, mine, theirs), merge(base, theirs, mine)

    assert [(each.mine, each.theirs) for each in one.conflicts] == [
        (each.theirs, each.mine) for each in other.conflicts
    ]
    assert bool(one.conflicts) or one.text == other.text


@given(_TEXTS, _TEXTS)
def test_an_edit_and_none_are_the_edit(base: str, edit: str) -> None:
    assert merge(base, edit, base) == merge(base, base, edit) == merge(base, edit, edit) == Merged(edit, ())
