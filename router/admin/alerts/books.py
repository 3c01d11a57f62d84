"""The two books of alerts: the ledger's, and the one of this gateway alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from router.core.alerts.routes import lanes_of_target, target_of
from router.ledger.alerts import AlertBook, LaneReport


class AlertBooks(NamedTuple):
    ledger: AlertBook
    local: AlertBook


def lanes_of_targets(names: Iterable[str]) -> list[str]:
    return [lane for name in names for lane in lanes_of_target(name)]


async def read_reports(books: Iterable[AlertBook], names: Iterable[str]) -> dict[str, LaneReport]:
    """By target. Raises `LedgerUnavailable`."""
    lanes, found = lanes_of_targets(names), dict[str, list[LaneReport]]()
    for book in books:
        for lane, report in (await book.lanes(lanes)).items():
            found.setdefault(target_of(lane), []).append(report)
    return {name: together(reports) for name, reports in found.items()}


def together(reports: Sequence[LaneReport]) -> LaneReport:
    """Of one target, over its lanes in both books."""
    latest = max(reports, key=lambda each: each.failed)
    return LaneReport(
        delivered=max(each.delivered for each in reports),
        failed=latest.failed,
        failures=sum(each.failures for each in reports),
        why=latest.why,
        dropped=sum(each.dropped for each in reports),
        dropped_why=next((each.dropped_why for each in reports if each.dropped_why), ""),
        waiting=sum(each.waiting for each in reports),
    )
