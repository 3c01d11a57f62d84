from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from router.core.cost.volume import (
    Span,
    day_before,
    day_of,
    edge_weight,
    first_of_day,
    hour_of_day,
    quarter_of,
    seen_in,
    span_of,
    whole_buckets,
    with_edge,
)
from router.core.values import Mixture

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, timezone: ZoneInfo = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone).timestamp()


def every_quarter(first: str, last: str, timezone: ZoneInfo = UTC) -> dict[int, Mixture]:
    """One token of input in every bucket, ends included."""
    return {q: Mixture(input=1) for q in range(quarter_of(at(first, timezone)), quarter_of(at(last, timezone)) + 1)}


def test_a_quarter_is_fifteen_minutes():
    assert quarter_of(899.9) == 0
    assert quarter_of(900) == 1


def test_day_and_hour_are_local():
    now = at("2026-06-30T23:30:00")
    assert (day_of(now, UTC), hour_of_day(now, UTC)) == ("2026-06-30", 23)
    assert (day_of(now, BERLIN), hour_of_day(now, BERLIN)) == ("2026-07-01", 1)


def test_the_day_before():
    assert day_before("2026-03-01") == "2026-02-28"


@pytest.mark.parametrize(
    ("zone", "noon", "hours"),
    [
        ("UTC", "2026-05-05T12:00", 24),
        ("Asia/Kathmandu", "2026-05-05T12:00", 24),
        ("Europe/Berlin", "2026-03-29T12:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00", 25),
        ("Africa/Cairo", "2026-04-24T12:00", 23),  # 00:00 does not exist
        ("Africa/Cairo", "2026-10-29T12:00", 25),  # 23:00 comes twice
        ("America/Havana", "2026-11-01T12:00", 25),  # 00:00 comes twice
        ("Africa/Monrovia", "1971-05-05T12:00", 24),  # midnight was 44 min 30 s off
        ("America/Toronto", "1919-03-31T12:00", 23.5),  # clocks went from 23:30 to 00:30
    ],
)
def test_a_local_day_has_all_its_hours(zone, noon, hours):
    timezone = ZoneInfo(zone)
    first = first_of_day(quarter_of(at(noon, timezone)), timezone)
    after = first_of_day(quarter_of(at(noon, timezone) + 86_400), timezone)
    assert (after - first) / 4 == hours
    day = noon[:10]
    assert day_of(first * 900, timezone) == day_of((after - 1) * 900, timezone) == day
    assert day_of((first - 1) * 900, timezone) < day < day_of(after * 900, timezone)


def test_yesterday_skips_a_date_that_the_calendar_skipped():
    samoa = ZoneInfo("Pacific/Apia")  # had no 2011-12-30
    span = span_of("yesterday", at("2011-12-31T08:00", samoa), samoa)
    assert day_of(span.first * 900, samoa) == day_of(span.end * 900 - 1, samoa) == "2011-12-29"
    assert span.end - span.first == 96


def test_today_begins_at_local_midnight():
    buckets = every_quarter("2026-05-04T00:00", "2026-05-06T23:45", BERLIN)
    assert seen_in(buckets, "today", at("2026-05-05T00:00", BERLIN), BERLIN) == Mixture(input=1)
    assert seen_in(buckets, "today", at("2026-05-05T23:59", BERLIN), BERLIN) == Mixture(input=96)


def test_yesterday_is_a_whole_day():
    buckets = every_quarter("2026-03-27T00:00", "2026-03-31T23:45", BERLIN)
    assert seen_in(buckets, "yesterday", at("2026-03-30T09:00", BERLIN), BERLIN) == Mixture(input=23 * 4)


def test_the_oldest_bucket_of_the_trailing_day_fades():
    now = at("2026-05-05T12:00")
    buckets = {quarter_of(now) - 96: Mixture(input=900, cached=90, output=9)}
    assert seen_in(buckets, "trailing_24h", now, UTC) == Mixture(900, 90, 9)
    assert seen_in(buckets, "trailing_24h", now + 300, UTC) == Mixture(600, 60, 6)
    assert seen_in(buckets, "trailing_24h", now + 450, UTC) == Mixture(450, 45, 4)
    assert seen_in(buckets, "trailing_24h", now + 900, UTC) == Mixture()


def test_the_trailing_day_sums_all_three_kinds():
    now = at("2026-05-05T12:10")
    buckets = {quarter_of(now) - 95: Mixture(1, 2, 3), quarter_of(now): Mixture(10, 20, 30)}
    assert seen_in(buckets, "trailing_24h", now, UTC) == Mixture(11, 22, 33)


def test_a_span_holds_for_the_quarter():
    now = at("2026-05-05T12:10")
    quarter = quarter_of(now)
    assert span_of("trailing_24h", now, UTC) == Span(
        quarter - 95, quarter + 1, True, quarter * 900.0, quarter * 900.0 + 900
    )
    assert span_of("today", now, UTC).until == quarter * 900 + 900


def test_whole_buckets_are_those_inside():
    span = Span(first=2, end=4, edge=False, since=0, until=0)
    assert whole_buckets({q: Mixture(input=10**q) for q in range(6)}, span) == Mixture(input=1100)


def test_an_edge_counts_whole_tokens():
    assert with_edge(Mixture(1, 1, 1), Mixture(9, 1, 0), 0.5) == Mixture(5, 1, 1)
    assert edge_weight(900.0 * 7 + 225) == 0.75
