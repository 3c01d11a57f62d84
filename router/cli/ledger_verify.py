"""`breakeven ledger verify`: the totals against the request records."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from router.cli.day_range import add_days, span_of
from router.cli.ledger_server import add_arguments, ledger_url
from router.cli.table import table
from router.core.money import micro_usd
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.reports.record_reader import open_records
from router.ledger.reports.totals import open_report
from router.ledger.reports.verify import Difference, HourOrDay, Verification, verify

_HEADINGS = ("when", "backend", "zone", "model", "team", "key", "total", "books", "records", "difference")
_NAMES = 7
_MONEY = ("cost", "counterfactual")


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "verify",
        help="check the totals against the request records",
        description="Sums the request records, and names every total that is not their sum.",
    )
    add_days(parser)
    parser.add_argument("--json", action="store_true", help="print JSON; money in micro-USD")
    add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """1 when there is a difference, when nothing could be checked, or when the ledger cannot be read."""
    try:
        with ledger_url(args) as url:
            result = asyncio.run(_verify(url, args))
    except (LedgerUnavailable, EmbeddedServerError) as error:
        print(f"breakeven ledger verify: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"breakeven ledger verify: {error}", file=sys.stderr)
        return 2
    print(as_json(result) if args.json else as_text(result))
    return 1 if result.differences or not result.hours else 0


async def _verify(url: str, args: argparse.Namespace) -> Verification:
    now = time.time()
    async with open_report(url) as report:
        timezone = ZoneInfo(await report.timezone() or "UTC")
    since, until = span_of(args, now, timezone)
    async with open_records(url) as reader:
        return await verify(reader, now=now, since=since, until=until)


def as_json(result: Verification) -> str:
    zone = ZoneInfo(result.timezone)
    fields = {
        "agrees": bool(result.hours) and not result.differences,
        "timezone": result.timezone,
        "covered_from": None if result.covered is None else _moment(result.covered, zone),
        "hours": result.hours,
        "days": result.days,
        "forgotten_hours": result.forgotten,
        "records": result.records,
        "unreadable_entries": result.skipped,
        "unknown_records": result.unknown,
        "differences": [_fields(difference, zone) for difference in result.differences],
    }
    return msgspec.json.format(msgspec.json.encode(fields)).decode()


def as_text(result: Verification) -> str:
    zone = ZoneInfo(result.timezone)
    lines = [_summary(result), *_notes(result, zone)]
    if result.differences:
        columns = [_columns(difference, zone) for difference in result.differences]
        lines += ["", *table([_HEADINGS, *columns], _NAMES)]
    return "\n".join(lines)


def _summary(result: Verification) -> str:
    if not result.hours:
        return "Nothing could be checked."
    checked = f"{_count(result.hours, 'hour')} and {_count(result.days, 'day')} ({result.timezone})"
    against = f"Checked the totals of {checked} against {_count(result.records, 'request record')}"
    if not result.differences:
        return f"{against}: they agree."
    return f"{against}: {_count(len(result.differences), 'difference')}."


def _notes(result: Verification, zone: ZoneInfo) -> Iterator[str]:
    if result.covered is None:
        yield "The ledger has no request records."
    else:
        yield f"Records reach back to {_moment(result.covered, zone)}; what is before that cannot be checked."
    if result.forgotten:
        yield f"{_count(result.forgotten, 'hour')} with records are too old for the totals (ledger.retain_days)."
    if result.skipped:
        yield f"{_count(result.skipped, 'entry', 'entries')} of records could not be read; differences may be theirs."
    if result.unknown:
        yield f"{_count(result.unknown, 'record')} are of a kind that this version does not know, and were not summed."


def _count(n: int, what: str, many: str = "") -> str:
    return f"{n:,} {what if n == 1 else many or what + 's'}"


def _moment(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).isoformat(sep=" ", timespec="seconds")


def _name(period: HourOrDay, zone: ZoneInfo) -> str:
    if period.unit == "day":
        return period.name
    return datetime.fromtimestamp(period.start, zone).isoformat(sep=" ", timespec="minutes")


def _columns(difference: Difference, zone: ZoneInfo) -> tuple[str, ...]:
    cell = difference.cell
    *figures, apart = _shown(difference)
    names = (_name(difference.period, zone), cell.backend, cell.zone, cell.model, cell.team, cell.key)
    total = f"{difference.total} (micro-USD)" if difference.total in _MONEY else difference.total
    return (*names, total, *(f"{n:,}" for n in figures), f"{apart:+,}")


def _shown(difference: Difference) -> tuple[float, float, float]:
    """Of the books, of the records, and what is between them; money in micro-USD."""
    figures = difference.books, difference.records, difference.books - difference.records
    if difference.total not in _MONEY:
        return figures
    return micro_usd(figures[0]), micro_usd(figures[1]), micro_usd(figures[2])


def _fields(difference: Difference, zone: ZoneInfo) -> dict[str, Any]:
    books, records, apart = _shown(difference)
    return {
        "period": difference.period.unit,
        "when": _name(difference.period, zone),
        **msgspec.structs.asdict(difference.cell),
        "total": difference.total,
        "books": books,
        "records": records,
        "difference": apart,
    }
