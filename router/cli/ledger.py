"""`breakeven ledger`: check the totals, and compare them with a provider's export."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

ACTIONS = {"verify": "router.cli.ledger_verify", "reconcile": "router.cli.ledger_reconcile"}


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "ledger", help="check the totals, and compare them with a provider's export"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in ACTIONS.values():
        import_module(module).add_parser(actions)


def run(args: argparse.Namespace) -> int:
    """1 for a difference, or when the ledger cannot be read; 2 for an argument or a file that cannot be used."""
    status: int = import_module(ACTIONS[args.action]).run(args)
    return status
