"""`breakeven usage`: what was used on a day, and what it cost."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from router.cli.ledger_server import add_arguments, ledger_url
from router.core.cost.volume import day_before, day_of
from router.core.money import in_usd, usd_text
from router.core.values import Row
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.reports.totals import group, open_report, total
from router.ledger.reports.totals_by_dimension import Dimension

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_HEADINGS = ("requests", "errors", "input", "cached", "output", "cost USD", "other side USD", "saved USD")


class UsageReport(msgspec.Struct, frozen=True):
    """One day's rows, already grouped."""

    day: str
    timezone: str
    by: Dimension
    rows: Sequence[Row]


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("usage", help="what was used on a day, and what it cost", description=__doc__)
    parser.add_argument("--day", default="today", metavar="DAY", help="YYYY-MM-DD, today or yesterday")
    parser.add_argument("--by", default="backend", choices=("backend", "model", "team", "key"))
    parser.add_argument("--json", action="store_true", help="print JSON; money in USD")
    add_arguments(parser)
    parser.add_argument("--timezone", metavar="TZ", help="where today begins; by default as the ledger counts days")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the report; 1 when there is nothing to read from, 2 for an argument that cannot be used."""
    try:
        with ledger_url(args) as url:
            report = asyncio.run(_read(url, args))
    except (LedgerUnavailable, EmbeddedServerError) as error:
        print(f"breakeven usage: {error}", file=sys.stderr)
        return 1
    except (ValueError, LookupError) as error:
        print(f"breakeven usage: {error}", file=sys.stderr)
        return 2
    print(as_json(report) if args.json else as_table(report))
    return 0


async def _read(url: str, args: argparse.Namespace) -> UsageReport:
    async with open_report(url) as report:
        timezone = ZoneInfo(args.timezone or await report.timezone() or "UTC")
        day = parse_day(args.day, time.time(), timezone)
        return UsageReport(day, timezone.key, args.by, group(await report.days([day]), args.by))


def parse_day(text: str, now: float, timezone: ZoneInfo) -> str:
    """YYYY-MM-DD from today, yesterday or a date. Raises ValueError."""
    if text == "today":
        return day_of(now, timezone)
    if text == "yesterday":
        return day_before(day_of(now, timezone))
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"a day is YYYY-MM-DD, today or yesterday, not {text!r}") from None


def as_json(report: UsageReport) -> str:
    rows = [{report.by: getattr(row.cell, report.by), **_fields(row)} for row in report.rows]
    fields = {"day": report.day, "timezone": report.timezone, "by": report.by, "rows": rows}
    return msgspec.json.format(msgspec.json.encode({**fields, "total": _fields(total(report.rows))})).decode()


def as_table(report: UsageReport) -> str:
    """Columns as wide as their longest entry; names to the left, numbers to the right."""
    lines: list[tuple[str, ...]] = [(report.by, *_HEADINGS)]
    lines += [(getattr(row.cell, report.by), *_columns(row)) for row in report.rows]
    everything = total(report.rows)
    lines.append(("total", *_columns(everything)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
    table.insert(-1, "-" * len(table[0]))
    return "\n".join([f"Usage on {report.day} ({report.timezone})", "", *table, *_notes(everything)])


def _notes(everything: Row) -> list[str]:
    notes = []
    if everything.estimated:
        notes.append(f"{everything.estimated} requests have estimated tokens: their backend reported none.")
    if everything.unsettled:
        notes.append(f"{everything.unsettled} requests are charged as held: nobody settled them.")
    if everything.unheld:
        notes.append(f"{everything.unheld} requests went on without a hold: the ledger was lost.")
    return ["", *notes] if notes else []


def _aligned(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    yield line[0].ljust(widths[0])
    for text, width in zip(line[1:], widths[1:], strict=True):
        yield text.rjust(width)


def _columns(row: Row) -> tuple[str, ...]:
    counts = (row.requests, row.errors, row.input, row.cached, row.output)
    money = (row.cost, row.counterfactual, row.counterfactual - row.cost)
    return (*(f"{n:,}" for n in counts), *(usd_text(amount) for amount in money))


def _fields(row: Row) -> dict[str, Any]:
    return {
        "requests": row.requests,
        "errors": row.errors,
        "input": row.input,
        "cached": row.cached,
        "output": row.output,
        "cost_usd": in_usd(row.cost),
        "counterfactual_usd": in_usd(row.counterfactual),
        "saved_usd": in_usd(row.counterfactual - row.cost),
        "estimated": row.estimated,
        "unsettled": row.unsettled,
        "unheld": row.unheld,
    }
