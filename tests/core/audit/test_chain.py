"""Whatever is done to a chain is found; an anchor finds what the chain alone cannot tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.audited import anchor_of, chain, checked, note

from router.core.audit.chain import MOST_FINDINGS, Anchor, ChainChecker, read_anchor

LINES = chain([note(f"unit-{number}", new={"order": "on", "n": number}) for number in range(12)])
ANCHOR = anchor_of(LINES)
OTHERS = chain([note(f"other-{number}") for number in range(12)])


def test_a_chain_as_it_was_written_is_whole():
    assert checked(LINES) == checked(LINES, ANCHOR) == checked(LINES, anchor_of(LINES[:5]), ANCHOR) == []


@given(st.data())
def test_any_byte_that_is_changed_is_found(data):
    number = data.draw(st.integers(0, len(LINES) - 1))
    line = bytearray(LINES[number])
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    assert checked([*LINES[:number], bytes(line), *LINES[number + 1 :]])


@given(st.sets(st.integers(0, len(LINES) - 1), min_size=1))
def test_any_entries_that_are_removed_are_found(gone):
    assert checked([line for number, line in enumerate(LINES) if number not in gone], ANCHOR)


@given(st.permutations(LINES))
def test_any_other_order_is_found(lines):
    assert bool(checked(lines)) == (lines != LINES)


@given(st.integers(0, len(LINES)), st.sampled_from(LINES + OTHERS))
def test_an_entry_that_is_put_in_is_found(place, line):
    assert checked([*LINES[:place], line, *LINES[place:]], ANCHOR)


@given(st.integers(0, len(LINES) - 1))
def test_an_end_that_is_missing_is_found_with_an_anchor_and_only_then(length):
    assert checked(LINES[:length], ANCHOR)
    assert not checked(LINES[:length])


def test_a_chain_that_was_made_anew_is_found_with_an_anchor_and_only_then():
    assert not checked(OTHERS)
    (finding,) = checked(OTHERS, ANCHOR)
    assert finding.seq == 12 and "made anew" in finding.problem


def test_findings_say_where_and_what():
    assert [(each.seq, each.problem) for each in checked(LINES[1:])] == [(1, "entries are missing: 1")]
    assert [each.problem for each in checked([LINES[0], *LINES[4:]])] == ["entries are missing: 2 to 4"]
    twice = checked([LINES[0], LINES[0], *LINES[1:]])
    assert [(each.seq, each.problem[:30]) for each in twice] == [(1, "it stands where 2 should: entr")]
    mixed = checked([*LINES[:3], *OTHERS[3:]])
    assert [(each.seq, each.problem) for each in mixed] == [(4, "it followed another entry than the one before it")]
    (short,) = checked(LINES[:3], ANCHOR)
    assert (short.seq, short.problem) == (12, "the anchor names it, and it is not there: the chain ends with 3")


def test_after_something_wrong_the_rest_is_checked_as_well():
    broken = [LINES[0], b"{}", *LINES[2:5], LINES[5].replace(b"ann", b"bob"), *LINES[6:]]
    assert [each.seq for each in checked(broken)] == [2, 6]


def test_not_more_is_told_than_anybody_reads():
    checker = ChainChecker()
    for _ in range(MOST_FINDINGS + 5):
        assert checker.take(b"") is None
    assert len(checker.end()) == MOST_FINDINGS and checker.entries == MOST_FINDINGS + 5


def test_an_anchor_is_read_as_it_is_printed():
    assert read_anchor(f" {ANCHOR}\n") == ANCHOR


@pytest.mark.parametrize("text", ["", "1", f"0:{'0' * 64}", f"1:{'g' * 64}", f"1:{'0' * 63}"])
def test_what_is_no_anchor_says_what_one_is(text):
    with pytest.raises(ValueError, match="a number, a colon and 64 hex digits"):
        read_anchor(text)


def test_an_anchor_of_an_empty_chain_is_missing():
    assert checked([], Anchor(3, "0" * 64))[0].seq == 3
