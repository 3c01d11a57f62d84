"""How many eligible tokens a window holds, from 15-minute buckets.

A bucket is numbered by its quarter of an hour since the epoch. Every offset in use today is a multiple of
15 minutes, so local days begin and end on a bucket's edge; a bucket belongs to the date on which it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.policy import Window
from router.core.values import Mixture

QUARTER_SECONDS = 900
DAY_QUARTERS = 96


class Span(Struct, frozen=True):
    """The buckets of one window: `first` up to, not including, `end` count in full.

    With `edge`, the bucket before `first` counts too, by the fraction of it that is still inside. The span holds
    while `now` stays in [`since`, `until`).
    """

    first: int
    end: int
    edge: bool
    since: float
    until: float


def quarter_of(now: float) -> int:
    """Number of the bucket that `now` falls in."""
    return int(now // QUARTER_SECONDS)


def day_of(now: float, timezone: ZoneInfo) -> str:
    """Local date, as YYYY-MM-DD."""
    return datetime.fromtimestamp(now, timezone).date().isoformat()


def hour_of_day(now: float, timezone: ZoneInfo) -> int:
    """Local hour, 0 to 23."""
    return datetime.fromtimestamp(now, timezone).hour


def first_of_day(quarter: int, timezone: ZoneInfo) -> int:
    """First bucket of the local date that `quarter` starts on.

    Midnight need not exist, so its place on the clock is only where the search begins.
    """
    today = day_of(quarter * QUARTER_SECONDS, timezone)
    first = quarter_of(datetime.fromisoformat(today).replace(tzinfo=timezone).timestamp())
    while day_of(first * QUARTER_SECONDS, timezone) < today:
        first += 1
    while day_of((first - 1) * QUARTER_SECONDS, timezone) == today:
        first -= 1
    return first


def day_before(day: str) -> str:
    """The calendar day before a YYYY-MM-DD."""
    return (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()


def span_of(window: Window, now: float, timezone: ZoneInfo) -> Span:
    """The buckets that a window covers at `now`.

    "yesterday" is the whole local day before today's, with its 23 or 25 hours; where the calendar skipped a date,
    the date before that one.
    """
    quarter = quarter_of(now)
    if window == "trailing_24h":
        return _span(quarter, quarter - DAY_QUARTERS + 1, quarter + 1, edge=True)
    today = first_of_day(quarter, timezone)
    if window == "today":
        return _span(quarter, today, quarter + 1)
    return _span(quarter, first_of_day(today - 1, timezone), today)


def _span(quarter: int, first: int, end: int, edge: bool = False) -> Span:
    start = quarter * QUARTER_SECONDS
    return Span(first, end, edge, float(start), float(start + QUARTER_SECONDS))


def edge_weight(now: float) -> float:
    """Share of the oldest bucket that the trailing 24 hours still hold."""
    return 1.0 - now % QUARTER_SECONDS / QUARTER_SECONDS


def whole_buckets(buckets: Mapping[int, Mixture], span: Span) -> Mixture:
    """Sum of the buckets that count in full."""
    inside = [mix for quarter, mix in buckets.items() if span.first <= quarter < span.end]
    return Mixture(sum(m.input for m in inside), sum(m.cached for m in inside), sum(m.output for m in inside))


def with_edge(whole: Mixture, oldest: Mixture, weight: float) -> Mixture:
    """The whole buckets and a share of the oldest one, rounded down to whole tokens."""
    return Mixture(
        whole.input + int(oldest.input * weight),
        whole.cached + int(oldest.cached * weight),
        whole.output + int(oldest.output * weight),
    )


def seen_in(buckets: Mapping[int, Mixture], window: Window, now: float, timezone: ZoneInfo) -> Mixture:
    """Tokens of a window at `now`; buckets that are missing are empty."""
    span = span_of(window, now, timezone)
    whole = whole_buckets(buckets, span)
    oldest = buckets.get(span.first - 1) if span.edge else None
    return whole if oldest is None else with_edge(whole, oldest, edge_weight(now))
