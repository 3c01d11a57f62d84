"""An export held against receipts: what was changed, removed or put in is found."""

from __future__ import annotations

from typing import Any

import pytest
from support.audited import chain, receipt_note, record_line

from router.core.audit.entry import read_entry
from router.core.audit.receipts import leaf_of, read_receipt
from router.core.audit.records import RecordsChecker, Shown

LINES = [record_line(request_id=f"r{number}") for number in range(9)]
RECEIPTS = [receipt_note(*LINES[:3], minute="A"), receipt_note(*LINES[3:5], minute="B"), receipt_note(*LINES[5:])]


def shown(lines: list[dict[str, Any]]) -> Shown:
    checker = RecordsChecker(list(map(leaf_of, lines)))
    for entry in map(read_entry, chain([*RECEIPTS, receipt_note()])):
        checker.take(entry, read_receipt(entry.new))
    return checker.end()


def test_an_export_as_it_was_written():
    assert shown(LINES) == Shown(9, 9, [])


def test_one_that_begins_and_ends_within_a_minute_shows_those_in_between():
    assert shown(LINES[1:7]) == Shown(6, 2, [])


@pytest.mark.parametrize("number", range(3, 5))
def test_whatever_is_done_to_a_record_in_between_is_found(number):
    changed = record_line(request_id=f"r{number}", zone="cloud")
    for lines in (
        [*LINES[:number], *LINES[number + 1 :]],
        [*LINES[:number], changed, *LINES[number + 1 :]],
        [*LINES[:number], changed, *LINES[number:]],
        [*LINES[:3], LINES[4], LINES[3], *LINES[5:]],
    ):
        assert shown(lines).problems


def test_what_is_wrong_is_told_with_the_minute():
    changed = record_line(request_id="r4", zone="cloud")
    assert shown([*LINES[:4], changed, *LINES[5:]]).problems == [
        "records of B are not those that its receipt was made of"
    ]
    first = record_line(request_id="r3", zone="cloud")
    assert shown([*LINES[:3], first, *LINES[4:]]).problems == [
        "2 records between A and 2026-05-20T10:00Z are in no receipt, or in two"
    ]
