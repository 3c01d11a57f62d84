"""`breakeven import litellm`: a policy from the config of a LiteLLM proxy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.cli.given_files import add_force, check_writable, said

if TYPE_CHECKING:
    from router.config.litellm_config.convert import Imported


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "import", help="make a policy from another gateway's config"
    )
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    litellm = sources.add_parser(
        "litellm",
        help="from the config.yaml of a LiteLLM proxy",
        description="Prints a policy made from a LiteLLM proxy's config. What could not be carried over is a comment"
        " where it was, with the reason and what to do. Keys are never copied. The exit status is 1 while something is"
        " left to do.",
    )
    litellm.add_argument("config", metavar="CONFIG.yaml", help="the proxy's config")
    litellm.add_argument("--output", default="-", metavar="FILE|-", help="a new file; standard output if not given")
    add_force(litellm)


def run(args: argparse.Namespace) -> int:
    """1 when the config cannot be read, or something is left to do."""
    from datetime import UTC, datetime

    from router.config.litellm_config.convert import convert
    from router.config.load import read_bytes
    from router.config.problems import PolicyError

    try:
        if args.output != "-":
            check_writable(args.output, force=args.force)
        made = convert(read_bytes(args.config), args.config, datetime.now(UTC))
        _write(made.text, args.output, force=args.force)
    except (PolicyError, OSError) as error:
        print(said(error), file=sys.stderr)
        return 1
    print(_summary(made, args.output), file=sys.stderr)
    return 1 if made.todo or made.problems else 0


def _write(text: str, output: str, *, force: bool) -> None:
    """Raises OSError: nobody's policy is lost, also one that came to be meanwhile."""
    if output == "-":
        print(text, end="")
        return
    with Path(output).open("w" if force else "x", encoding="utf-8") as file:
        file.write(text)


def _summary(made: Imported, output: str) -> str:
    lines = [f"{_count(made.models, 'model')} and {_count(made.backends, 'backend')} were carried over."]
    if made.todo:
        lines.append(f"{_count(made.todo, 'thing')} to do: look for TO DO in the policy.")
    if made.problems:
        lines.append("breakeven check does not pass it yet; its first lines say why.")
    elif output != "-":
        lines.append(f"breakeven check {output} passes.")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
