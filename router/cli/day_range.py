"""`--from` and `--to`: days of the ledger's time zone."""

from __future__ import annotations

import argparse
import math
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from router.config.problems import closest
from router.core.cost.volume import day_before, day_of
from router.ledger.reports.totals import day_end, day_start

YEARS = range(1970, 9999)
"""Whose days all time zones have."""


def add_days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="since", metavar="DAY", help="first day: YYYY-MM-DD, today or yesterday")
    parser.add_argument("--to", dest="until", metavar="DAY", help="last day, which is included")


def span_of(args: argparse.Namespace, now: float, timezone: ZoneInfo) -> tuple[float, float]:
    """From the beginning of the first day up to the end of the last one, in seconds since the epoch.

    Without bound where no day is given. Raises ValueError.
    """
    first = day_start(parse_day(args.since, now, timezone), timezone) if args.since else 0.0
    last = day_end(parse_day(args.until, now, timezone), timezone) if args.until else math.inf
    if last <= first:
        raise ValueError("the day given with --to is before the one given with --from")
    return first, last


def zone_of(name: str) -> ZoneInfo:
    """Raises ValueError, which says what was probably meant."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = closest(name, available_timezones())
        meant = f'; did you mean "{near}"?' if near else ", such as Europe/Berlin"
        raise ValueError(f'there is no time zone "{name}"{meant}') from None


def parse_day(text: str, now: float, timezone: ZoneInfo) -> str:
    """YYYY-MM-DD from today, yesterday or a date. Raises ValueError."""
    if text == "today":
        return day_of(now, timezone)
    if text == "yesterday":
        return day_before(day_of(now, timezone))
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a day is YYYY-MM-DD, today or yesterday, not {text!r}") from None
    if found.year not in YEARS:
        raise ValueError(f"a day is one from 1970-01-01 to 9998-12-31, not {text}")
    return found.isoformat()
