"""Where `breakeven audit` reads the chain: from the ledger, or from a file."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from router.cli.given_files import reading
from router.cli.ledger_server import add_arguments, ledger_url
from router.ledger.audit import open_audit

Take = Callable[[bytes], object]


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", metavar="FILE", help="an export, instead of the ledger")
    add_arguments(parser)


def read_lines(args: argparse.Namespace, take: Take) -> None:
    """Hands over every line, the oldest first. Raises OSError, LedgerUnavailable, EmbeddedServerError, ValueError."""
    if args.file:
        for line in _lines_of(args.file):
            take(line)
        return
    with ledger_url(args) as url:
        asyncio.run(_read(url, take))


async def _read(url: str, take: Take) -> None:
    async with open_audit(url) as chain:
        async for line in chain.lines():
            take(line)


def _lines_of(name: str) -> Iterator[bytes]:
    with reading(name), Path(name).open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")
