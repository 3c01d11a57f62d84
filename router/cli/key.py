"""`breakeven key`: client keys, to paste into the policy or to keep in the ledger."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from router.cli.key_entry import CLEARABLE, changes_anything, entry, fields
from router.cli.ledger_server import add_arguments
from router.cli.limit_arguments import limit, limit_or_none, name, names
from router.cli.served_policy import add_policy_argument
from router.config.new_key import new_key, sha256

_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_MOST_DIGITS = 18
_LONGEST = 36_500
"""Days."""
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "key", help="make, list, edit, revoke and rotate client keys"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_new(actions)
    many = actions.add_parser(
        "import",
        help="store many keys in the ledger",
        description="Stores keys by their SHA-256, thousands at once. What is stored already is passed over.",
    )
    many.add_argument("file", metavar="FILE", type=Path, help="one JSON object a line, as under `keys` in a policy")
    listing = actions.add_parser("list", help="list the keys in the ledger", description="Lists the stored keys.")
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add_edit(actions)
    revoke = actions.add_parser(
        "revoke", help="end a key in the ledger", description="Ends a stored key, within a second on every worker."
    )
    rotate = actions.add_parser(
        "rotate",
        help="replace a key in the ledger",
        description="Prints a new key in place of a stored one, with the same rights.",
    )
    for action in (revoke, rotate):
        action.add_argument("name", metavar="NAME", type=name, help="name of the stored key")
    rotate.add_argument(
        "--grace", type=seconds, default=0, metavar="TIME", help="how long the old one works on, such as 1h"
    )
    for action in (many, listing, revoke, rotate):
        add_arguments(action)
    for action in (many, rotate):
        add_policy_argument(action)


def _add_new(actions: Any) -> None:
    new = actions.add_parser(
        "new",
        help="make a key",
        description="Prints a new key, which is kept nowhere, and the YAML with its SHA-256 for the policy. "
        "With --store the SHA-256 goes into the ledger instead, and gateways take the key without an edit.",
    )
    new.add_argument("name", metavar="NAME", type=name, help="who uses the key, such as search-app")
    new.add_argument("--team", metavar="TEAM", type=name, default="default", help="team that it counts for")
    _add_rights(new)
    new.add_argument(
        "--budget", metavar="LIMIT=N", type=limit, action="append", default=[], help="such as usd_per_month=200"
    )
    new.add_argument("--store", action="store_true", help="keep it in the ledger rather than in the policy")
    new.add_argument(
        "--expires", metavar="WHEN", type=_when, help="30d or 12h, or its last day, YYYY-MM-DD; needs --store"
    )
    add_arguments(new)
    add_policy_argument(new)


def _add_edit(actions: Any) -> None:
    edit = actions.add_parser(
        "edit",
        help="change what a key in the ledger may",
        description="Changes what a stored key may, within a second on every worker. What is not named stays as it is.",
    )
    edit.add_argument("name", metavar="NAME", type=name, help="name of the stored key")
    _add_rights(edit)
    edit.add_argument(
        "--budget",
        metavar="LIMIT=N",
        type=limit_or_none,
        action="append",
        default=[],
        help="such as usd_per_month=200; other limits stay, and usd_per_month=none takes this one out",
    )
    edit.add_argument("--expires", metavar="WHEN", type=_when, help="30d or 12h from now, or its last day, YYYY-MM-DD")
    edit.add_argument(
        "--clear",
        metavar="FIELD",
        choices=CLEARABLE,
        action="append",
        default=[],
        help=f"narrow it in this no more, may be repeated: {', '.join(CLEARABLE)}",
    )
    add_arguments(edit)
    add_policy_argument(edit)


def _add_rights(action: argparse.ArgumentParser) -> None:
    action.add_argument("--models", metavar="A,B", type=names, help="models it may use")
    action.add_argument("--zones", metavar="A,B", type=names, help="zones its requests may reach")
    action.add_argument("--sensitivity", metavar="LEVEL", type=name, help="least level of its requests")
    action.add_argument("--tags", metavar="A,B", type=names, help="tags that all its requests carry")


def run(args: argparse.Namespace) -> int:
    if args.action == "edit" and not changes_anything(args):
        return _usage("nothing to change: name what, such as --models chat, or --clear models to narrow it no more")
    if args.action != "new":
        return _stored(args)
    if args.expires is not None and not args.store:
        return _usage("--expires needs --store: a key in the policy works until it is taken out of it")
    if args.policy is not None and not args.store:
        return _usage("--policy needs --store: a policy that a key is pasted into is checked by `breakeven check`")
    key = new_key()
    try:
        made = fields(args)
        _check(key, made)
    except ValueError as error:
        return _usage(str(error))
    if args.store:
        return _stored(args)
    print("The key, to give to the client. It is shown only this once:\n")
    print(f"  {key}\n")
    print("Paste this under keys: in the policy:\n")
    print(f"  {entry(key, made)}")
    return 0


def _stored(args: argparse.Namespace) -> int:
    from router.cli.stored_keys import run as run_stored

    return run_stored(args)


def _usage(problem: str) -> int:
    print(f"breakeven key: {problem}", file=sys.stderr)
    return 2


def _check(key: str, fields: Mapping[str, Any]) -> None:
    """Raises ValueError with what the policy would say about the key."""
    from router.config.stored_keys import check_entry

    check_entry(sha256(key), fields)


def seconds(text: str) -> int:
    """From 30s, 15m, 12h or 30d."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("a time is a whole number and a unit, such as 15m, 12h or 30d")
    # More digits are more than Python reads.
    given = int(match[1]) * _SECONDS[match[2]] if len(match[1]) <= _MOST_DIGITS else math.inf
    if given > _LONGEST * _SECONDS["d"]:
        raise argparse.ArgumentTypeError(f"a time is at most {_LONGEST}d, which is a hundred years")
    return int(given)


def _when(text: str) -> int | date:
    """Seconds from now, or a day."""
    day: date | None = None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    if day is not None and day > _LAST_DAY:
        raise argparse.ArgumentTypeError(f"the last day is {_LAST_DAY}")
    if day is not None and day < _FIRST_DAY:
        raise argparse.ArgumentTypeError(f"the first day is {_FIRST_DAY}")
    if day is None and not _DURATION.fullmatch(text):
        raise argparse.ArgumentTypeError("it is a time such as 12h or 30d, or a day, YYYY-MM-DD")
    return day or seconds(text)
