"""`breakeven audit list`: entries, latest first."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from typing import Any

import msgspec

from router.cli.audit_source import add_source, read_lines
from router.cli.table import table
from router.cli.whole_numbers import whole_number
from router.core.audit.actions import ACTIONS
from router.core.audit.entry import Entry, read_entry
from router.core.audit.search import Search, summary

_HEADINGS = ("entry", "at", "who", "from", "action", "subject", "what")
_SHOWN = 50


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "list", help="show entries, latest first", description="Shows entries, latest first."
    )
    parser.add_argument("--who", default="", metavar="TEXT", help="only what this user, role or address did")
    parser.add_argument("--what", default="", metavar="ACTION", help=f"only these: {', '.join(ACTIONS)}")
    parser.add_argument("--subject", default="", metavar="TEXT", help="only what was done to this")
    parser.add_argument("--receipts", action="store_true", help="receipts of requests, too")
    parser.add_argument(
        "--limit",
        type=whole_number(1, 1_000_000, 100),
        default=_SHOWN,
        metavar="N",
        help=f"at most so many, {_SHOWN} without it",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    """1 when it cannot be read, 2 for an argument that cannot be used."""
    wanted = Search(who=args.who, action=args.what, subject=args.subject, receipts=args.receipts)
    found: deque[Entry] = deque(maxlen=args.limit)
    unreadable: list[bytes] = []

    def take(line: bytes) -> None:
        try:
            entry = read_entry(line)
        except ValueError:
            unreadable.append(line)
            return
        if wanted.matches(entry):
            found.appendleft(entry)

    if args.what and args.what not in (*ACTIONS, *(name.partition(".")[0] for name in ACTIONS)):
        raise ValueError(f"there is no action {args.what!r}; there are: {', '.join(ACTIONS)}")
    read_lines(args, take)
    print(_as_json(list(found)) if args.json else _as_table(list(found)))
    if unreadable:
        print(f"breakeven audit list: {len(unreadable)} lines are not entries: see `audit verify`", file=sys.stderr)
    return 0


def _as_json(entries: list[Entry]) -> str:
    return msgspec.json.format(msgspec.json.encode(entries)).decode()


def _as_table(entries: list[Entry]) -> str:
    if not entries:
        return "No entries."
    return "\n".join(table([_HEADINGS, *map(_columns, entries)], len(_HEADINGS)))


def _columns(entry: Entry) -> tuple[str, ...]:
    who = " ".join(filter(None, (entry.who, f"({entry.role})" if entry.role else "")))
    at = entry.at[:19].replace("T", " ") + "Z"
    return (str(entry.seq), at, who or "-", f"{entry.via} {entry.address}", entry.action, entry.subject, summary(entry))
