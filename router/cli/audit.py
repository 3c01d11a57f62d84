"""`breakeven audit`: who did what, and whether anything of that was changed since."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Any

from router.cli.given_files import said
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable

ACTIONS = {
    "list": "router.cli.audit_list",
    "verify": "router.cli.audit_verify",
    "show": "router.cli.audit_show",
    "export": "router.cli.audit_export",
    "anchor": "router.cli.audit_anchor",
}


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "audit", help="show who did what, and check that nothing of it was changed"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for module in ACTIONS.values():
        import_module(module).add_parser(actions)


def run(args: argparse.Namespace) -> int:
    """1 for something wrong, or when the audit cannot be read; 2 for an argument that cannot be used."""
    try:
        status: int = import_module(ACTIONS[args.action]).run(args)
    except BrokenPipeError:  # nobody reads any more, and it is no error of ours
        raise
    except (LedgerUnavailable, EmbeddedServerError, OSError) as error:
        print(f"breakeven audit {args.action}: {said(error)}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"breakeven audit {args.action}: {error}", file=sys.stderr)
        return 2
    return status
