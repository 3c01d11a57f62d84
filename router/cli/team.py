"""`breakeven team`: what teams may use together, by budgets that live in the ledger."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from router.cli.ledger_server import add_arguments
from router.cli.limit_arguments import limit, limit_or_none, name
from router.cli.served_policy import add_policy_argument


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser("team", help="list teams, and set their budgets")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list",
        help="list teams with their keys and budgets",
        description="Lists all teams that a key or a budget names, with the keys that are their members.",
    )
    listing.add_argument("--json", action="store_true", help="print JSON")
    new = actions.add_parser(
        "new",
        help="give a team a budget",
        description="Gives a team a budget in the ledger, which all of its keys share. It need not have a key yet.",
    )
    new.add_argument("name", metavar="NAME", type=name, help="name of the team, as its keys name it")
    new.add_argument(
        "--budget", metavar="LIMIT=N", type=limit, action="append", required=True, help="such as usd_per_month=200"
    )
    edit = actions.add_parser(
        "edit",
        help="change a team's budget",
        description="Changes the budget of a team in the ledger, within a second on every worker.",
    )
    edit.add_argument("name", metavar="NAME", type=name, help="name of a team that has a budget in the ledger")
    edit.add_argument(
        "--budget",
        metavar="LIMIT=N",
        type=limit_or_none,
        action="append",
        required=True,
        help="such as usd_per_month=200; other limits stay, and usd_per_month=none takes this one out",
    )
    remove = actions.add_parser(
        "remove",
        help="take a team's budget away",
        description="Removes the budget of a team from the ledger. Its keys, and their own budgets, stay.",
    )
    remove.add_argument("name", metavar="NAME", type=name, help="name of a team that has a budget in the ledger")
    for action in (listing, new, edit, remove):
        add_arguments(action)
    for action in (new, edit):
        add_policy_argument(action)


def run(args: argparse.Namespace) -> int:
    from router.cli.limit_arguments import changed_budget
    from router.cli.stored_teams import run as run_stored

    if args.action == "new":
        try:
            changed_budget({}, args.budget)
        except ValueError as error:
            print(f"breakeven team: {error}", file=sys.stderr)
            return 2
    return run_stored(args)
