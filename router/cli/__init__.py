"""The command `breakeven`.

Each command is a module with `add_parser(subparsers)` and `run(args) -> int`. Only the module of the command that
is asked for is imported, so that help is quick.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any

from router.cli.given_files import said
from router.cli.version import ShowVersion

COMMANDS: Mapping[str, str] = {
    "serve": "run the gateway",
    "demo": "watch a day of traffic switch a GPU on and off, with simulated backends",
    "check": "validate policies and run their cases",
    "import": "make a policy from the config of a LiteLLM proxy",
    "explain": "show where a request would go, and why",
    "simulate": "try a policy on recorded traffic, in virtual time",
    "usage": "show tokens, cost and what the other side would have cost",
    "budgets": "show what is used, held and left of every limit",
    "power": "show which own GPUs are on and why, and switch them",
    "export": "write the request records as JSON lines, CSV or Parquet",
    "ledger": "check the totals, and compare them with a provider's export",
    "audit": "show who did what, and check that nothing of it was changed",
    "key": "make, list, edit, revoke and rotate client keys",
    "team": "list teams, and set their budgets",
    "size": "show which card a model fits, how fast at most, and at what price",
    "schema": "print the JSON Schema of the policy file, for editors",
    "completion": "print a script that completes commands in a shell",
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
        _write_no_more()
        return NOBODY_READS
    except (
        OSError
    ) as error:  # of a file that a command did not expect to fail it, or of standard output: its disk is full
        _write_no_more()
        print(f"breakeven: {said(error)}", file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    args = _parser(arguments[:1]).parse_args(arguments)
    try:
        status: int = _module(args.command).run(args)
    except KeyboardInterrupt:
        return 130
    return status


def _module(command: str) -> Any:
    """Of a command that is a word of Python's the name ends in an underscore."""
    return import_module(f"router.cli.{command}{'_' if iskeyword(command) else ''}")


def _write_no_more() -> None:
    """Python writes what is left at its end, and must not fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def whole_parser() -> argparse.ArgumentParser:
    """With the arguments of every command."""
    return _parser(COMMANDS)


def _parser(wanted: Collection[str]) -> argparse.ArgumentParser:
    """With the arguments of these commands; of the others it knows the names."""
    parser = argparse.ArgumentParser(
        prog="breakeven",
        description="A hybrid LLM routing proxy: own GPUs or a cloud API, decided per request.",
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show which version this is, and exit")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name in wanted:
            _module(name).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser
