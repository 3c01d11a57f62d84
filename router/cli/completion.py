"""`breakeven completion SHELL`: a script by which a shell completes commands, options, files and choices.

It is printed once and says everything: nothing of Breakeven runs when a key is pressed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

SHELLS = ("bash", "zsh", "fish")
FILES = frozenset({"FILE", "FILE|-", "REQUESTS", "RECORDS", "INVOICE.csv", "MODEL|config.json", "CONFIG.yaml"})
FOLDERS = frozenset({"DIR"})
"""What arguments are called in help that are files, and folders."""
_SCRIPT_GOES = {
    "bash": "~/.local/share/bash-completion/completions/breakeven",
    "zsh": "a folder of $fpath, as _breakeven",
    "fish": "~/.config/fish/completions/breakeven.fish",
}


def add_parser(subparsers: Any) -> None:
    where = "; ".join(f"{shell}: {place}" for shell, place in _SCRIPT_GOES.items())
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "completion",
        help="print a script that completes commands in a shell",
        description=f"Prints a script that completes commands, options, files and choices. Save it where your shell"
        f" looks for such: {where}.",
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell it is for")


def run(args: argparse.Namespace) -> int:
    import shtab

    from router.cli import whole_parser

    parser = whole_parser()
    for action in _actions(parser):
        if action.metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it
        elif action.metavar in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, args.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of a command and of all below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _actions(each)
