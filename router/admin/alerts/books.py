"""The two books of alerts: the ledger's, and the one of this gateway alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from router.core.alerts.routes import LATER
from router.ledger.alerts import AlertBook, LaneReport


class AlertBooks(NamedTuple):
    ledger: AlertBook
    local: AlertBook


def lanes_of_targets(names: Iterable[str]) -> list[str]:
    return [lane for name in names for lane in (name, name + LATER)]


def together(reports: Sequence[LaneReport]) -> LaneReport:
    """Of one target, over its lanes in both books."""
    latest = max(reports, key=lambda each: each.failed)
    return LaneReport(
        delivered=max(each.delivered for each in reports),
        failed=latest.failed,
        failures=sum(each.failures for each in reports),
        why=latest.why,
        dropped=sum(each.dropped for each in reports),
        waiting=sum(each.waiting for each in reports),
    )
