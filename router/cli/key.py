"""`breakeven key`: client keys, to paste into the policy or to keep in the ledger."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from router.cli.key_entry import entry, fields
from router.cli.ledger_server import add_arguments
from router.config.new_key import new_key, sha256

_NAME = re.compile(r"[^\s|\x00-\x1f\x7f]{1,128}")
_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIDES = ("local", "cloud")


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser("key", help="make, list, revoke and rotate client keys")
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
    revoke = actions.add_parser(
        "revoke", help="end a key in the ledger", description="Ends a stored key, within a second on every worker."
    )
    rotate = actions.add_parser(
        "rotate",
        help="replace a key in the ledger",
        description="Prints a new key in place of a stored one, with the same rights.",
    )
    for action in (revoke, rotate):
        action.add_argument("name", metavar="NAME", type=_name, help="name of the stored key")
    rotate.add_argument(
        "--grace", type=seconds, default=0, metavar="TIME", help="how long the old one works on, such as 1h"
    )
    for action in (many, listing, revoke, rotate):
        add_arguments(action)


def _add_new(actions: Any) -> None:
    new = actions.add_parser(
        "new",
        help="make a key",
        description="Prints a new key, which is kept nowhere, and the YAML with its SHA-256 for the policy. "
        "With --store the SHA-256 goes into the ledger instead, and gateways take the key without an edit.",
    )
    new.add_argument("name", metavar="NAME", type=_name, help="who uses the key, such as search-app")
    new.add_argument("--team", metavar="TEAM", type=_name, default="default", help="team that it counts for")
    new.add_argument("--models", metavar="A,B", type=_names, help="models it may use; all without it")
    new.add_argument("--zones", metavar="A,B", type=_names, help="zones its requests may reach; all without it")
    new.add_argument("--sensitivity", metavar="LEVEL", type=_name, help="least level of its requests")
    new.add_argument("--tags", metavar="A,B", type=_names, help="tags that all its requests carry")
    new.add_argument(
        "--budget", metavar="LIMIT=N", type=_limit, action="append", default=[], help="such as usd_per_month=200"
    )
    new.add_argument("--store", action="store_true", help="keep it in the ledger rather than in the policy")
    new.add_argument(
        "--expires", metavar="WHEN", type=_when, help="30d or 12h, or its last day, YYYY-MM-DD; needs --store"
    )
    add_arguments(new)


def run(args: argparse.Namespace) -> int:
    if args.action != "new":
        return _stored(args)
    if args.expires is not None and not args.store:
        return _usage("--expires needs --store: a key in the policy works until it is taken out of it")
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
    return int(match[1]) * _SECONDS[match[2]]


def _when(text: str) -> int | date:
    """Seconds from now, or a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return seconds(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError("it is a time such as 12h or 30d, or a day, YYYY-MM-DD") from None


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("a name has 1 to 128 characters, without spaces and |")
    return text


def _names(text: str) -> list[str]:
    return [_name(part.strip()) for part in text.split(",")]


def _limit(text: str) -> tuple[list[str], Any]:
    """The path of a setting below `budget`, and its value: cloud.usd_per_day=5, models.gpt-4.1.usd_per_day=2."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError("a limit is LIMIT=N, such as usd_per_month=200")
    try:
        return _path(name), json.loads(value)
    except ValueError:
        return _path(name), value


def _path(name: str) -> list[str]:
    """Names of models have dots too."""
    first, *rest = name.split(".")
    if first != "models" or len(rest) < 2:
        return [first, *rest]
    ends = 2 if rest[-2] in _SIDES and len(rest) > 2 else 1
    return [first, ".".join(rest[:-ends]), *rest[-ends:]]
