"""`breakeven audit anchor`: the last entry's number and hash, to be kept where nobody can write who can write here."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from router.cli.audit_source import add_source, read_lines
from router.core.audit.chain import ChainChecker


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "anchor",
        help="print what `verify --anchor` takes, to be kept elsewhere",
        description="Checks the chain and prints its last entry's number and hash, to be kept where nobody can write"
        " who can write to the ledger: a ticket, another machine's log, a printed page.",
    )
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    """1 when there is none, or when the chain is not whole: an anchor of that would vouch for it."""
    checker = ChainChecker()
    read_lines(args, checker.take)
    if not checker.entries or checker.end():
        why = "the chain is not whole: see `breakeven audit verify`" if checker.entries else "there are no entries"
        print(f"breakeven audit anchor: {why}", file=sys.stderr)
        return 1
    print(checker.last)
    return 0
