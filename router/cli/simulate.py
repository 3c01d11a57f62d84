"""`breakeven simulate REQUESTS --policy FILE`: what would this policy have cost on that traffic?"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.cli.given_files import add_force, check_writable, reading, said

if TYPE_CHECKING:
    from router.core.values import Plan
    from router.simulate.fail_if import Limit
    from router.simulate.figures import Outcome
    from router.simulate.outcomes import Told
    from router.simulate.requests import RecordedRequest
    from router.simulate.shape import Shape

_SHOWN_EVERY = 0.5
"""Seconds between two lines of progress."""
_LONG_REST = 30 * 86_400.0
"""Seconds without a request, before which progress is shown at once."""


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "simulate",
        help="try a policy on recorded traffic, in virtual time",
        description="Replays recorded requests through the rules of a policy, with simulated backends, and shows what"
        " that would have cost and how requests would have fared. Nothing is sent anywhere.",
    )
    parser.add_argument("requests", metavar="REQUESTS", help="recorded requests, see docs/simulate.md")
    parser.add_argument("--policy", required=True, metavar="FILE")
    parser.add_argument("--against", metavar="FILE", help="another policy, to be shown beside it")
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="NAME:SETTING=NUMBER,…",
        help="how a backend is: speed, first_byte, slots, prefill, decode, kv, start; may be repeated",
    )
    parser.add_argument("--fit", metavar="RECORDS", help="fit backends to what these records say of them")
    parser.add_argument(
        "--columns", type=_columns, metavar="at=COLUMN,…", help="what is in the columns of any other file"
    )
    parser.add_argument("--scale", type=_times, default=1.0, metavar="N", help="so many times as many requests")
    parser.add_argument("--days", type=_days, metavar="N", help="only the last days of the traffic")
    parser.add_argument(
        "--fail-if", action="append", default=[], metavar="EXPR", help="exit status 1 when that holds; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", metavar="FILE", help="write a report with charts, too")
    add_force(parser)


def _times(text: str) -> float:
    try:
        times = float(text)
    except ValueError:
        times = 0.0
    if not 0 < times <= 10_000:
        raise argparse.ArgumentTypeError("a scale is a number above 0 and up to 10000, such as 3 or 0.5")
    return times


def _columns(text: str) -> Mapping[str, str]:
    from router.simulate.readers.given import BadColumns, columns_of

    try:
        return columns_of(text)
    except BadColumns as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 3660:
        raise argparse.ArgumentTypeError("a number of days is above 0 and up to 3660, such as 7 or 0.5")
    return days


def run(args: argparse.Namespace) -> int:
    from router.config.load import PolicyError, load
    from router.simulate.fail_if import BadLimit, Limit
    from router.simulate.fit import TooFewAnswers
    from router.simulate.outcomes import shapes_of
    from router.simulate.readers.malformed import Malformed
    from router.simulate.shape import BadShape
    from router.simulate.traffic_of import OutOfOrder

    try:
        check_writable(args.html, force=args.force)
        limits = [Limit(text) for text in args.fail_if]
        plans = [load(policy) for policy in (args.policy, args.against) if policy is not None]
        shapes = shapes_of(plans)
        fitted = [] if args.fit is None else _fit(args.fit, shapes)
        change(shapes, args.backend)
    except (BadLimit, BadShape) as error:
        print(error, file=sys.stderr)
        return 2
    except (PolicyError, Malformed, OutOfOrder, TooFewAnswers, OSError) as error:
        print(said(error), file=sys.stderr)
        return 1
    try:
        if args.columns is not None:
            _warn_of_columns(args.requests)
        with _no_search_for_cycles():
            told = _simulated(plans, shapes, args)
        if args.html is not None:
            _write(args.html, _html(told))
    except (Malformed, OutOfOrder, OSError) as error:
        print(said(error), file=sys.stderr)
        return 1
    _show(told, fitted, args)
    failed = [limit.text for limit in limits if _fails(limit, told.outcomes[0])]
    return 1 if failed else 0


def _write(report: str, text: str) -> None:
    """Raises OSError with the file's name, which one that comes from writing does not have."""
    try:
        Path(report).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OSError(error.errno, error.strerror, report) from None


def _warn_of_columns(path: str) -> None:
    """Raises Malformed or OSError."""
    from router.simulate.readers.malformed import Malformed
    from router.simulate.readers.records import RECORDS
    from router.simulate.readers.registry import format_of_file

    try:
        own = format_of_file(path) is RECORDS
    except Malformed:
        return  # its columns may be those that are given
    if own:
        print(
            f"warning: {path} is what `breakeven export` writes: --columns leaves out its levels, tags and decisions:"
            " all of it counts as the policy's default level. Leave --columns out",
            file=sys.stderr,
        )


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Requests make no cycles, and there are a million of them: looking for some takes a tenth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def change(every: Sequence[dict[str, Shape]], given: Sequence[str]) -> None:
    """Put what is given in its place, in each that has such a backend. Raises BadShape."""
    from router.simulate.shape import BadShape, changed

    for each in given:
        name, _, settings = each.partition(":")
        having = [shapes for shapes in every if name in shapes]
        if not having:
            known = dict.fromkeys(name for shapes in every for name in shapes)
            raise BadShape(f"the policy has no backend {name!r}; it has: {', '.join(known)}")
        for shapes in having:
            shapes[name] = changed(shapes[name], settings)


def _fit(records: str, every: Sequence[dict[str, Shape]]) -> list[str]:
    """What was found, in words. Raises TooFewAnswers, Malformed, OutOfOrder or OSError."""
    from router.simulate.fit import fit, told
    from router.simulate.traffic_of import in_order

    known = {name: shape for shapes in reversed(every) for name, shape in shapes.items()}
    found = fit(in_order(_read(records, None)), known)
    for each in found:
        for shapes in every:
            if each.backend in shapes:
                shapes[each.backend] = each.shape
    return [told(each) for each in found]


def _simulated(plans: Sequence[Plan], shapes: Sequence[Mapping[str, Shape]], args: argparse.Namespace) -> Told:
    """Raises Malformed, OutOfOrder or OSError."""
    from router.simulate.outcomes import told_of

    requests = _watched(traffic(args.requests, args.scale, args.days, args.columns))
    return told_of(plans, [args.policy, args.against], shapes, requests, args.requests)


def _read(path: str, columns: Mapping[str, str] | None) -> Iterator[RecordedRequest]:
    """The requests of a file, as they stand there. Raises OSError or Malformed while it is read."""
    from router.simulate.readers.registry import read

    with reading(path):
        yield from read(path, columns)


def traffic(
    path: str, scale: float = 1.0, days: float | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[RecordedRequest]:
    """In order. Raises Malformed, OutOfOrder or OSError, also while it is read."""
    from router.simulate.traffic_of import DAY_SECONDS, in_order, last_days, scaled

    requests = _read(path, columns)
    if days is not None:
        last = max((request.at for request in _read(path, columns)), default=0.0)
        requests = last_days(requests, last - DAY_SECONDS * days)
    return in_order(requests if scale == 1 else scaled(requests, scale))


def _watched(requests: Iterator[RecordedRequest]) -> Iterator[RecordedRequest]:
    """The same, with a line of progress on a terminal."""
    if not sys.stderr.isatty():
        yield from requests
        return
    shown = time.monotonic()
    at = 0.0
    for number, request in enumerate(requests, 1):
        # Where nothing was asked for long, that takes its time, too.
        rests, at = number > 1 and request.at - at > _LONG_REST, request.at
        if rests or (number % 256 == 0 and time.monotonic() - shown > _SHOWN_EVERY):
            shown = time.monotonic()
            when = datetime.fromtimestamp(request.at, UTC)
            print(f"\r{number:,} requests, up to {when:%Y-%m-%d %H:%M} UTC ", end="", file=sys.stderr, flush=True)
        yield request
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _show(told: Told, fitted: Sequence[str], args: argparse.Namespace) -> None:
    from router.simulate.outcomes import data_of
    from router.simulate.report import text_of, text_of_both

    outcome, *others = told.outcomes
    if args.json:
        print(json.dumps({**data_of(told), "fitted": list(fitted)}, indent=2))
        return
    for line in fitted:
        print(line)
    if others:
        print(text_of_both(outcome, others[0], told.moves, told.same, told.timezone), end="")
    else:
        print(text_of(outcome, told.timezone), end="")


def _html(told: Told) -> str:
    from router.simulate.html_report import html_of

    outcome, *others = told.outcomes
    return html_of(outcome, told.timezone, others[0] if others else None, told.moves, told.same)


def _fails(limit: Limit, outcome: Outcome) -> bool:
    """Said where it does, and where that cannot be told, which fails too."""
    from router.simulate.fail_if import NoFigure

    try:
        holds, why = limit.holds(outcome.figures), ""
    except NoFigure as error:
        holds, why = True, f" ({error})"
    if holds:
        print(f"failed: {limit.text}{why or f' ({limit.said(outcome.figures)})'}", file=sys.stderr)
    return holds
