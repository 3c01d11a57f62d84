"""`breakeven export`: the request records as JSON lines, CSV or Parquet."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from router.cli.day_range import add_days, span_of
from router.cli.given_files import add_force, check_writable, said
from router.cli.ledger_server import add_arguments, ledger_url
from router.config.problems import listing, suggest
from router.core.cost.volume import day_of
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.record import Record
from router.ledger.reports.export import FORMATS, MissingPackageError, Writer
from router.ledger.reports.focus import Focus
from router.ledger.reports.record_reader import Filter, RecordReader, open_records
from router.ledger.reports.totals import day_range, open_report
from router.ledger.reports.totals_by_dimension import Dimension, Look, all_names
from router.system.atomic_file import ORDINARY, replacing

FOCUS = "focus"
DAY, MOST_DAYS = 86_400.0, 400
"""How far back rent and names are looked for where no day is given."""
_TOGETHER = 1000


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "export", help="write the request records as JSON lines, CSV or Parquet", description=__doc__
    )
    add_days(parser)
    parser.add_argument("--format", default="jsonl", choices=(*FORMATS, FOCUS))
    parser.add_argument("--output", default="-", metavar="FILE|-", help="standard output if not given")
    add_force(parser)
    parser.add_argument("--key", default="", metavar="NAME", help="only requests with this key")
    parser.add_argument(
        "--team", action="append", default=[], metavar="NAME", help="only requests of this team; repeatable"
    )
    parser.add_argument("--model", default="", metavar="NAME", help="only requests for this model of the policy")
    parser.add_argument("--backend", default="", metavar="NAME", help="only requests that this backend served")
    parser.add_argument("--endpoint", default="", metavar="NAME", help="only requests to this endpoint, such as chat")
    add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Writes the records; 1 when that is not possible, 2 for an argument that cannot be used."""
    try:
        with ledger_url(args) as url, _output(args.output, force=args.force) as output:
            skipped, unknown = asyncio.run(_export(url, args, output))
    except BrokenPipeError:  # nobody reads any more, and it is no error of ours
        raise
    except (LedgerUnavailable, EmbeddedServerError, MissingPackageError, OSError) as error:
        print(f"breakeven export: {said(error)}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"breakeven export: {error}", file=sys.stderr)
        return 2
    for sentence in unknown:
        print(f"breakeven export: {sentence}", file=sys.stderr)
    if skipped:
        print(f"breakeven export: {skipped} entries could not be read and are left out", file=sys.stderr)
    return 0


async def _export(url: str, args: argparse.Namespace, output: BinaryIO) -> tuple[int, list[str]]:
    """The number of entries that could not be read, and where nothing was found what was probably misspelt."""
    async with open_report(url) as report:
        timezone = ZoneInfo(await report.timezone() or "UTC")
    since, until = span_of(args, time.time(), timezone)
    wanted = Filter(
        key=args.key,
        teams=frozenset(args.team),
        model=args.model,
        backend=args.backend,
        endpoint=args.endpoint,
        since=since,
        until=until,
    )
    if args.format == FOCUS:
        skipped, found = await _focus(url, wanted, Focus(output, timezone), timezone)
    else:
        writer = FORMATS[args.format](output)
        async with open_records(url) as reader:
            found = await _copy(reader, wanted, writer)
            writer.close()
            skipped = reader.skipped
    return skipped, [] if found else await _unknown(url, wanted, timezone)


async def _unknown(url: str, wanted: Filter, timezone: ZoneInfo) -> list[str]:
    """A sentence for each name that is asked for and that the ledger has counted nothing of."""
    asked: list[tuple[Dimension, str]] = [
        ("key", wanted.key),
        *(("team", name) for name in sorted(wanted.teams)),
        ("model", wanted.model),
        ("backend", wanted.backend),
    ]
    asked = [(dimension, name) for dimension, name in asked if name]
    if not asked:
        return []
    now = time.time()
    today = day_of(now, timezone)
    first = max(wanted.since, now - MOST_DAYS * DAY)
    async with open_report(url) as report:
        look = Look(tuple(dict.fromkeys(dimension for dimension, _ in asked)))
        names = all_names(await report.days_by(look, day_range(day_of(first, timezone), today), today))
    return [
        f'nothing was counted of the {dimension} "{name}"{suggest(name, names[dimension])} there are:'
        f" {listing(names[dimension])}"
        for dimension, name in asked
        if name not in names[dimension]
    ]


async def _focus(url: str, wanted: Filter, writer: Focus, timezone: ZoneInfo) -> tuple[int, int]:
    """Requests, and the rent of these days: all of it, or that of one backend, and none where requests are left out
    that have a share of it."""
    async with open_records(url) as reader:
        found = await _copy(reader, wanted, writer)
        skipped = reader.skipped
    if not (wanted.key or wanted.teams or wanted.model or wanted.endpoint):
        now = time.time()
        first = day_of(max(wanted.since, now - MOST_DAYS * DAY), timezone)
        last = day_of(min(wanted.until - 1, now), timezone)
        async with open_report(url) as report:
            rows = await report.rent(day_range(first, last))
        writer.rent(row for row in rows if wanted.backend in ("", row.backend))
    writer.close()
    return skipped, found


async def _copy(reader: RecordReader, wanted: Filter, writer: Writer | Focus) -> int:
    """How many there were."""
    records: list[Record] = []
    found = 0
    async for record in reader.records(wanted):
        records.append(record)
        found += 1
        if len(records) == _TOGETHER:
            writer.write(records)
            records = []
    writer.write(records)
    return found


@contextmanager
def _output(name: str, *, force: bool) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears under its name only once it is complete."""
    if name == "-":
        yield sys.stdout.buffer
        return
    check_writable(name, force=force)
    path = Path(name)
    if path.exists() and not path.is_file():
        with path.open("wb") as output:
            yield output
        return
    with replacing(path, mode=ORDINARY) as output:
        yield output
