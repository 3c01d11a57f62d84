from __future__ import annotations

import argparse
import math
from zoneinfo import ZoneInfo

import pytest

from router.cli.day_range import add_days, parse_day, span_of, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
NOON = 1_774_695_600.0
"""2026-03-28, 12:00 in Berlin; in the night that follows clocks go forward."""


def asked(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_days(parser)
    return parser.parse_args(arguments)


def test_without_days_there_is_no_bound() -> None:
    assert span_of(asked(), NOON, BERLIN) == (0.0, math.inf)


def test_the_last_day_is_included_however_long_it_is() -> None:
    first, last = span_of(asked("--from", "2026-03-29", "--to", "2026-03-29"), NOON, BERLIN)
    assert (last - first) / 3600 == 23
    first, last = span_of(asked("--from", "yesterday", "--to", "today"), NOON, BERLIN)
    assert (last - first) / 3600 == 48 and first < NOON < last


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "2026-03-02", "--to", "2026-03-01"), "--to is before the one given with --from"),
        (("--to", "9999-12-31"), "from 1970-01-01 to 9998-12-31"),
        (("--to", "tomorrow"), "YYYY-MM-DD"),
    ],
)
def test_what_is_no_span_is_told(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        span_of(asked(*arguments), NOON, BERLIN)


def test_days_by_name():
    assert parse_day("today", NOON, BERLIN) == "2026-03-28"
    assert parse_day("yesterday", NOON, BERLIN) == "2026-03-27"
    assert parse_day("2026-01-02", NOON, BERLIN) == "2026-01-02"


def test_a_time_zone_that_there_is_not() -> None:
    assert zone_of("Europe/Berlin") == BERLIN
    with pytest.raises(ValueError, match='no time zone "Europe/Berln"; did you mean "Europe/Berlin"'):
        zone_of("Europe/Berln")
    with pytest.raises(ValueError, match='no time zone "", such as Europe/Berlin'):
        zone_of("")


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_a_day_that_not_all_time_zones_have_is_none(day):
    with pytest.raises(ValueError, match="from 1970-01-01 to 9998-12-31"):
        parse_day(day, 0.0, ZoneInfo("UTC"))
