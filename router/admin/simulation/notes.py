"""What has to be known of records that were replayed, or were not, for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from router.admin.errors import ApiError
from router.admin.ledger_session import Days
from router.admin.simulation.traffic import Recorded

DAY_SECONDS = 86_400.0

NOTHING = (
    "nothing was recorded in these days: send requests through the gateway and try again, or replay a trace of others"
    " with `breakeven simulate` in a shell, see docs/simulate.md"
)


def stopped(why: str) -> ApiError:
    return ApiError(503, "took_too_long", f"{why}, and was stopped; `breakeven simulate` in a shell has no such bounds")


def notes_of(recorded: Recorded, days: Days) -> Iterator[str]:
    """`days` are those that were asked for."""
    if recorded.first is not None and recorded.first - days.begin >= DAY_SECONDS:
        first = datetime.fromtimestamp(recorded.first, days.timezone)
        yield (
            f"Records begin on {first:%Y-%m-%d %H:%M} ({days.timezone.key}):"
            " before that nothing was asked in these days, or it is not kept any more."
        )
    if recorded.without_grounds:
        yield (
            f"{_requests(recorded.without_grounds)} recorded by a release that did not keep what a decision is made on:"
            " estimates and limits of answers are taken to be what was used."
        )
    if recorded.by_unknown:
        yield (
            f"{_requests(recorded.by_unknown)} decided by versions of the policy that the history does not have: what"
            " was asked is replayed, but whether it went there for the same reason cannot be told."
        )
    if recorded.unreadable:
        entries = "entry" if recorded.unreadable == 1 else "entries"
        yield (
            f"{recorded.unreadable:,} {entries} of the ledger, of up to a thousand records each, cannot be read by this"
            " release, and are left out."
        )


def _requests(count: int) -> str:
    return f"{count:,} request was" if count == 1 else f"{count:,} requests were"
