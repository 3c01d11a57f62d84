from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.limits.periods import Ids, Periods

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_a_moment_lies_in_a_minute_a_day_and_a_month_of_the_time_zone() -> None:
    moment = at("2026-10-31T23:30:59")
    assert Periods(ZoneInfo("UTC")).ids(moment) == Ids(int(moment) // 60, "2026-10-31", "2026-10")
    assert Periods(ZoneInfo(BERLIN)).ids(moment) == Ids(int(moment) // 60, "2026-11-01", "2026-11")


def test_a_minute_is_looked_up_once() -> None:
    periods = Periods(ZoneInfo(BERLIN))
    assert periods.ids(60.0) is periods.ids(119.9)
    assert periods.ids(120.0) is not periods.ids(119.9)


def test_what_is_remembered_has_an_end() -> None:
    periods = Periods(ZoneInfo("UTC"))
    first = periods.ids(0.0)
    for minute in range(1, 10_001):
        periods.ids(60.0 * minute)
    again = periods.ids(0.0)
    assert again == first
    assert again is not first


@pytest.mark.parametrize(
    ("zone", "noon", "hours"),
    [
        ("UTC", "2026-05-05T12:00", 24),
        ("Asia/Kolkata", "2026-05-05T12:00", 24),
        (BERLIN, "2026-03-28T12:00", 24),
        (BERLIN, "2026-03-29T12:00", 23),
        (BERLIN, "2026-10-25T12:00", 25),
        ("Australia/Lord_Howe", "2026-04-05T12:00", 24.5),
        ("Africa/Cairo", "2026-04-24T12:00", 23),  # 00:00 does not exist
        ("Africa/Cairo", "2026-10-29T12:00", 25),  # 23:00 comes twice
        ("America/Havana", "2026-11-01T12:00", 25),  # 00:00 comes twice
        ("Africa/Monrovia", "1971-05-05T12:00", 24),  # midnight was 44 min 30 s off
        ("America/Toronto", "1919-03-31T12:00", 23.5),  # clocks went from 23:30 to 00:30
    ],
)
def test_a_day_has_the_hours_that_it_has(zone: str, noon: str, hours: float) -> None:
    periods = Periods(ZoneInfo(zone))
    moment = at(noon, zone)
    begins = periods.end("day", moment - 86_400)
    assert periods.end("day", moment) - begins == hours * 3600


def test_a_date_that_the_calendar_skips_is_skipped() -> None:
    periods = Periods(ZoneInfo("Pacific/Apia"))  # from the 29th to the 31st
    end = periods.end("day", at("2011-12-29T12:00", "Pacific/Apia"))
    assert periods.ids(end).day == "2011-12-31"
    assert periods.ids(end - 1).day == "2011-12-29"


@pytest.mark.parametrize(
    ("zone", "moment", "turns"),
    [
        ("UTC", "2026-02-28T23:59", "2026-03-01T00:00"),
        ("UTC", "2028-02-28T23:59", "2028-03-01T00:00"),
        ("UTC", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("UTC", "2026-01-31T12:00", "2026-02-01T00:00"),
        (BERLIN, "2026-03-01T00:00", "2026-04-01T00:00"),
        ("Asia/Kathmandu", "2026-11-25T12:00", "2026-12-01T00:00"),
    ],
)
def test_a_month_turns_with_the_calendar_of_the_time_zone(zone: str, moment: str, turns: str) -> None:
    assert Periods(ZoneInfo(zone)).end("month", at(moment, zone)) == at(turns, zone)


def test_a_minute_ends_with_the_next_full_one() -> None:
    periods = Periods(ZoneInfo(BERLIN))
    assert (periods.end("minute", 59.9), periods.end("minute", 60.0)) == (60.0, 120.0)


def label(moment: float, zone: str, length: int) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).isoformat()[:length]


@given(
    zone=st.sampled_from(sorted(available_timezones())),
    moment=st.integers(int(at("2012-01-01T00:00")), int(at("2038-01-01T00:00"))),
    period=st.sampled_from(["day", "month"]),
)
def test_a_period_ends_where_the_calendar_first_shows_another_one(
    zone: str, moment: int, period: Literal["day", "month"]
) -> None:
    """Dates only grow, so that there is one such moment."""
    length = len("YYYY-MM-DD" if period == "day" else "YYYY-MM")
    end = Periods(ZoneInfo(zone)).end(period, moment)
    assert end > moment
    assert label(end - 1, zone, length) == label(moment, zone, length)
    assert label(end, zone, length) > label(moment, zone, length)


@given(zone=st.sampled_from(sorted(available_timezones())), moment=st.floats(0, at("2038-01-01T00:00")))
def test_ids_are_those_of_the_minutes_start(zone: str, moment: float) -> None:
    ids = Periods(ZoneInfo(zone)).ids(moment)
    start = ids.minute * 60
    assert start <= moment < start + 60
    assert (ids.day, ids.month) == (label(start, zone, 10), label(start, zone, 7))
