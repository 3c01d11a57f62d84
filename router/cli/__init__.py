"""The command `breakeven`.

Each command is a module with `add_parser(subparsers)` and `run(args) -> int`. Only the module of the command that
is asked for is imported, so that help is quick.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

COMMANDS: Mapping[str, str] = {
    "serve": "run the gateway",
    "demo": "watch a day of traffic switch a GPU on and off, with simulated backends",
    "check": "validate policies and run their cases",
    "explain": "show where a request would go, and why",
    "simulate": "try a policy on recorded traffic, in virtual time",
    "usage": "show tokens, cost and what the other side would have cost",
    "budgets": "show what is used, held and left of every limit",
    "power": "show which own GPUs are on and why, and switch them",
    "export": "write the request records as JSON lines, CSV or Parquet",
    "ledger": "check the totals, and compare them with a provider's export",
    "key": "make, list, revoke and rotate client keys",
    "size": "show which card a model fits, how fast at most, and at what price",
    "schema": "print the JSON Schema of the policy file, for editors",
}


NOBODY_READS = 128 + signal.SIGPIPE
"""Exit status of a command whose output is read no further, as in `breakeven schema | head`: as shells have it of
others. Whether all is well was not seen."""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 when all is well, 1 when something was found wrong, 2 when the command line is wrong."""
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            print(end="", flush=True)  # here, where it can be caught, and not when Python ends
    except BrokenPipeError:
        # Python writes what is left at its end, and must not find the pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


def _run(arguments: list[str]) -> int:
    args = _parser(arguments).parse_args(arguments)
    try:
        status: int = import_module(f"router.cli.{args.command}").run(args)
    except KeyboardInterrupt:
        return 130
    return status


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="breakeven",
        description="A hybrid LLM routing proxy: own GPUs or a cloud API, decided per request.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name in arguments[:1]:
            import_module(f"router.cli.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser
