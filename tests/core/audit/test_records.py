"""An export held against receipts: what was changed, removed or put in is found."""

from __future__ import annotations

from typing import Any

import pytest
from support.audited import chain, receipt_note, record_line

from router.core.audit.entry import read_entry
from router.core.audit.receipts import leaf_of, read_receipt
from router.core.audit.records import RecordsChecker, Shown

MINUTES = ("09:58", "09:58", "09:58", "09:59", "09:59", "10:00", "10:00", "10:00", "10:00")
LINES = [
    record_line(request_id=f"r{number}", time=f"2026-05-20T{minute}:0{number}.000000Z")
    for number, minute in enumerate(MINUTES)
]
RECEIPTS = [
    receipt_note(*LINES[:3], minute="2026-05-20T09:58Z"),
    receipt_note(*LINES[3:5], minute="2026-05-20T09:59Z"),
    receipt_note(*LINES[5:]),
]


def shown(lines: list[dict[str, Any]]) -> Shown:
    checker = RecordsChecker(list(map(leaf_of, lines)), [line["time"] for line in lines])
    for entry in map(read_entry, chain([*RECEIPTS, receipt_note()])):
        checker.take(entry, read_receipt(entry.new))
    return checker.end()


def test_an_export_as_it_was_written():
    assert shown(LINES) == Shown(9, 9, [], [], "2026-05-20T10:00Z", "2026-05-20T10:00Z")


def test_one_that_begins_and_ends_within_a_minute_shows_those_in_between():
    assert shown(LINES[1:7]) == Shown(
        6,
        2,
        [],
        [
            "2 of the 3 of 2026-05-20T09:58Z: the export begins within that minute",
            "2 of the 4 of 2026-05-20T10:00Z: the export ends within that minute",
        ],
        covered_to="2026-05-20T09:59Z",
        receipts_to="2026-05-20T10:00Z",
    )


def test_what_has_no_receipt_yet_is_excused():
    late = record_line(request_id="r9", time="2026-05-20T10:01:00.000000Z")
    assert shown([*LINES, late]).excused == ["1 behind 2026-05-20T10:00Z: there is no receipt of them yet"]


def test_a_whole_minute_that_was_removed_is_found():
    assert shown([*LINES[:3], *LINES[5:]]) == Shown(
        7,
        7,
        ["records of 2026-05-20T09:59Z are missing, or are not those of its receipt"],
        [],
        covered_to="2026-05-20T10:00Z",
        receipts_to="2026-05-20T10:00Z",
    )
    assert shown([*LINES[1:3], *LINES[5:]]).problems == [
        "2 before 2026-05-20T10:00Z are in no receipt, or others of the minute before are missing"
    ]


@pytest.mark.parametrize("lines", [[], LINES[1:3]])
def test_nothing_to_check_is_not_well(lines):
    (problem,) = shown(lines).problems
    assert problem.startswith("nothing to check")


def test_a_record_of_another_time_or_out_of_its_place_is_found():
    other = record_line(request_id="new", time="2025-05-20T10:00:00.000000Z")
    for lines in ([*LINES, other], [other, *LINES], [*LINES[1:], LINES[0]], [*LINES[:5], *LINES[6:], LINES[5]]):
        assert shown(lines).problems
        assert shown(lines).shown < 9 or len(lines) == 10


def test_records_before_a_receipt_that_is_further_on_are_found():
    assert shown([*LINES[:5], record_line(request_id="new", time="2026-05-20T10:00:05Z")]).problems == [
        "1 behind 2026-05-20T09:59Z are not those of the next receipt"
    ]


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
        "records of 2026-05-20T09:59Z are not those that its receipt was made of"
    ]
    first = record_line(request_id="r3", zone="cloud")
    assert shown([*LINES[:3], first, *LINES[4:]]).problems == [
        "records of 2026-05-20T09:59Z are missing, or are not those of its receipt"
    ]
