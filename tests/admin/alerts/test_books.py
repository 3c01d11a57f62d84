"""Both books together."""

from __future__ import annotations

from router.admin.alerts.books import lanes_of_targets, together
from router.ledger.alerts import LaneReport


def test_each_target_has_two_lanes():
    assert lanes_of_targets(["ops", "boss"]) == [
        "ops|first",
        "ops",
        "ops|later",
        "boss|first",
        "boss",
        "boss|later",
    ]


def test_reports_of_one_target_are_one():
    one = LaneReport(
        delivered=5, failed=3, failures=1, why="old", dropped=1, dropped_why="answered with 400", waiting=2
    )
    other = LaneReport(delivered=2, failed=9, failures=2, why="new", dropped=4, waiting=1)
    assert together([one, other]) == LaneReport(
        delivered=5, failed=9, failures=3, why="new", dropped=5, dropped_why="answered with 400", waiting=3
    )
