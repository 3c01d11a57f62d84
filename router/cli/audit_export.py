"""`breakeven audit export`: the whole chain, line by line, as it is; any tool can check it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from router.cli.audit_source import add_source, read_lines
from router.cli.given_files import add_force, check_writable
from router.system.atomic_file import replacing


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "export",
        help="write the whole chain as JSON lines",
        description="Writes every entry as it is kept, one JSON object a line, so that any tool can check it.",
    )
    parser.add_argument("--output", default="-", metavar="FILE|-", help="standard output if not given")
    add_force(parser)
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    """1 when that is not possible, 2 for an argument that cannot be used."""
    with _output(args.output, force=args.force) as output:
        read_lines(args, lambda line: output.write(line + b"\n"))
    return 0


@contextmanager
def _output(name: str, *, force: bool) -> Iterator[BinaryIO]:
    """Standard output, or a file of its owner's that appears under its name once it is complete."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    check_writable(name, force=force)
    with replacing(Path(name)) as output:
        yield output
