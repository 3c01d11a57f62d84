"""Where local days begin and end."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from router.admin.ledger_session import Days, begin_of, days_back, next_day

HOUR = 3600
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "zone", "begin"),
    [
        ("2026-11-25", "UTC", 1_795_564_800),
        ("2026-11-25", "Europe/Berlin", 1_795_561_200),
        ("2026-11-25", "Pacific/Kiritimati", 1_795_564_800 - 14 * HOUR),
        ("2026-11-25", "Pacific/Pago_Pago", 1_795_564_800 + 11 * HOUR),
        ("2026-11-25", "Asia/Kolkata", 1_795_564_800 - 5 * HOUR - HOUR // 2),
    ],
)
def test_a_day_begins_at_its_midnight(day, zone, begin):
    assert begin_of(day, ZoneInfo(zone)) == begin


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-25", 24)])
def test_days_have_the_hours_that_they_have(day, hours):
    days = Days(day, day, BERLIN)
    assert days.end - days.begin == hours * HOUR
    assert len(days.hours(until=days.end + HOUR)) == hours


def test_hours_that_have_not_begun_are_left_out():
    days = Days("2026-11-25", "2026-11-25", BERLIN)
    assert len(days.hours(until=days.begin + 90 * 60)) == 2


def test_ranges():
    assert days_back("2026-03-01", 7) == "2026-02-23" and next_day("2026-02-28") == "2026-03-01"
