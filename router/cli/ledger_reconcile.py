"""`breakeven ledger reconcile`: a provider's export beside our totals, by day and model."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from router.cli.day_range import add_days, parse_day
from router.cli.given_files import reading, said
from router.cli.ledger_server import add_arguments, ledger_url
from router.cli.table import table
from router.config.load import PolicyError, load
from router.core.money import NANO_PER_USD, in_usd, usd_text
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.reports.provider_export import Figures, Invoice, read_invoice
from router.ledger.reports.reconcile import Line, Reconciliation, Tolerance, read_ours, reconcile, rows_of
from router.ledger.reports.totals import Report, day_range, open_report

_LONGEST_DAYS = 1000
_TOKENS, _USD = ("tokens theirs", "tokens ours", "difference"), ("USD theirs", "USD ours", "difference")

Names = Mapping[tuple[str, str], str]
"""Backend and our model -> the backend's own name of the model."""


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "reconcile",
        help="compare a provider's usage export with our totals",
        description="Compares a provider's usage or cost export (CSV) with our totals, by day and model.",
    )
    parser.add_argument("invoice", metavar="INVOICE.csv", help="the export; docs/commands.md names the known forms")
    parser.add_argument("--backend", action="append", default=[], metavar="NAME", help="whose export it is; repeatable")
    parser.add_argument("--policy", metavar="FILE", help="says what our models are called at each backend")
    parser.add_argument(
        "--map", action="append", default=[], type=_pair, metavar="OURS=THEIRS", help="a model's name; repeatable"
    )
    parser.add_argument("--timezone", default="UTC", metavar="TZ", help="in which the provider counts days; UTC")
    add_days(parser)
    parser.add_argument(
        "--tolerance", type=_amount, default=1.0, metavar="PERCENT", help="of the provider's figure; 1 if not given"
    )
    parser.add_argument(
        "--tolerance-usd", type=_amount, default=0.01, metavar="USD", help="by day and model; 0.01 if not given"
    )
    parser.add_argument("--json", action="store_true", help="print JSON; money in USD")
    add_arguments(parser)


def _pair(text: str) -> tuple[str, str]:
    ours, separator, theirs = text.partition("=")
    if not separator or not ours or not theirs:
        raise argparse.ArgumentTypeError("a model's name is given as OURS=THEIRS, such as chat=gpt-4o-mini")
    return ours, theirs


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e12:
        raise argparse.ArgumentTypeError("a tolerance is a number from 0 on, such as 0.5")
    return amount


def run(args: argparse.Namespace) -> int:
    """1 for a difference beyond the tolerance, or a ledger that cannot be read; 2 for a file that cannot be used."""
    try:
        timezone = ZoneInfo(args.timezone)
        invoice = _invoice(args.invoice, timezone)
        days = _days(invoice, args, timezone)
        with ledger_url(args) as url:
            result = asyncio.run(_reconcile(url, args, invoice, days, timezone))
    except (LedgerUnavailable, EmbeddedServerError) as error:
        print(f"breakeven ledger reconcile: {error}", file=sys.stderr)
        return 1
    except (PolicyError, ValueError, LookupError, OverflowError, OSError) as error:
        print(f"breakeven ledger reconcile: {said(error)}", file=sys.stderr)
        return 2
    print(as_json(result, args) if args.json else as_text(result, args))
    return 1 if any(line.beyond for line in result.lines) else 0


def _invoice(name: str, timezone: ZoneInfo) -> Invoice:
    try:
        with reading(name), Path(name).open("rb") as file:
            return read_invoice(file, timezone)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _days(invoice: Invoice, args: argparse.Namespace, timezone: ZoneInfo) -> list[str]:
    """From the file's first day to its last one, unless others are asked for."""
    now = time.time()
    named = [day for day, _ in invoice.lines]
    if not named and not (args.since and args.until):
        raise ValueError(f"{args.invoice}: it has no usage; name its days with --from and --to")
    first = parse_day(args.since, now, timezone) if args.since else min(named)
    last = parse_day(args.until, now, timezone) if args.until else max(named)
    days = day_range(first, last)
    if not 0 < len(days) <= _LONGEST_DAYS:
        raise ValueError(f"from {first} to {last} are not 1 to {_LONGEST_DAYS} days; choose with --from and --to")
    return days


async def _reconcile(
    url: str, args: argparse.Namespace, invoice: Invoice, days: Sequence[str], timezone: ZoneInfo
) -> Reconciliation:
    names, cloud = _policy(args.policy)
    mapped = dict(args.map)
    async with open_report(url) as report:
        candidates = cloud or await _backends(report, days, timezone)
        backends = _chosen(args.backend, candidates, known=cloud)

        def name_of(backend: str, model: str) -> str | None:
            return mapped.get(model) or names.get((backend, model), model) if backend in backends else None

        ours = await read_ours(report, days, timezone, name_of)
    return reconcile(invoice, ours, Tolerance(args.tolerance, round(args.tolerance_usd * NANO_PER_USD)), days)


def _policy(file: str | None) -> tuple[Names, set[str]]:
    """Names of models by backend, and the backends that are not our own."""
    if file is None:
        return {}, set()
    plan = load(file)
    routes = [(model.name, route) for model in plan.models.values() for route in model.routes]
    names = {(route.backend, model): route.upstream_model for model, route in routes}
    return names, {route.backend for _, route in routes if not route.owned}


async def _backends(report: Report, days: Sequence[str], timezone: ZoneInfo) -> set[str]:
    return {row.cell.backend for day in days for row in await rows_of(report, day, timezone)}


def _chosen(asked: Sequence[str], candidates: set[str], known: set[str]) -> set[str]:
    """The backends whose totals are compared. Raises ValueError when that is not clear."""
    there_are = f"there are {', '.join(sorted(candidates)) or 'none'}"
    if unknown := sorted({*asked} - known if known else ()):
        raise ValueError(f"the policy has no cloud backend {unknown[0]}; {there_are}")
    if not asked and len(candidates) > 1:
        raise ValueError(f"say with --backend whose export this is; {there_are}")
    return set(asked) or candidates


def as_json(result: Reconciliation, args: argparse.Namespace) -> str:
    fields = {
        "agrees": not any(line.beyond for line in result.lines),
        "form": result.form,
        "timezone": args.timezone,
        "tolerance_percent": args.tolerance,
        "tolerance_usd": args.tolerance_usd,
        "compared": result.measures,
        "lines": [
            {
                "day": line.day,
                "model": line.model,
                "theirs": _fields(line.theirs, result.measures),
                "ours": _fields(line.ours, result.measures),
                "beyond_tolerance": line.beyond,
            }
            for line in result.lines
        ],
        "theirs": _fields(result.theirs, result.measures),
        "ours": _fields(result.ours, result.measures),
        "estimated": result.estimated,
        "unsettled": result.unsettled,
    }
    return msgspec.json.format(msgspec.json.encode(fields)).decode()


def _fields(figures: Figures, measures: Sequence[str]) -> dict[str, float]:
    fields = {measure: getattr(figures, measure) for measure in measures if measure != "cost"}
    return fields | ({"cost_usd": in_usd(figures.cost)} if "cost" in measures else {})


def as_text(result: Reconciliation, args: argparse.Namespace) -> str:
    has_tokens, has_money = "output" in result.measures or "input" in result.measures, "cost" in result.measures
    headings = ["day", "model", *(_TOKENS if has_tokens else ()), *(_USD if has_money else ()), "beyond tolerance"]
    rows = [[*_columns(line, has_tokens, has_money), ", ".join(line.beyond)] for line in result.lines]
    whole = Line("total", "", result.theirs, result.ours, ())
    lines = table([headings, *rows, [*_columns(whole, has_tokens, has_money), ""]], 2)
    lines.insert(-1, "-" * max(map(len, lines)))
    return "\n".join([f"Days in {args.timezone}; their figures: {result.form}", "", *lines, "", *_notes(result, args)])


def _columns(line: Line, has_tokens: bool, has_money: bool) -> list[str]:
    columns = [line.day, line.model]
    if has_tokens:
        a, b = (figures.input + figures.output for figures in (line.theirs, line.ours))
        columns += [f"{a:,}", f"{b:,}", f"{b - a:+,}"]
    if has_money:
        a, b = line.theirs.cost, line.ours.cost
        columns += [usd_text(a), usd_text(b), usd_text(b - a, "+")]
    return columns


def _notes(result: Reconciliation, args: argparse.Namespace) -> Iterator[str]:
    beyond = sum(bool(line.beyond) for line in result.lines)
    tolerance = f"{args.tolerance:g} % or {args.tolerance_usd:g} USD"
    if beyond:
        yield f"{beyond} of {len(result.lines)} lines differ by more than the tolerance ({tolerance})."
    else:
        yield f"Their figures and ours agree within the tolerance ({tolerance})."
    if beyond and result.unsettled:
        yield f"{result.unsettled} of our requests are charged as held: nobody settled them."
    if beyond and result.estimated:
        yield f"{result.estimated} of our requests have estimated tokens: the backend reported none."
