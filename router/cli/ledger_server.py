"""The ledger's server, for commands that work on it while a gateway runs or none does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from router.ledger.errors import EmbeddedServerError
from router.ledger.server.embedded import EmbeddedServer, default_data_dir, is_silent, running_url


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--redis",
        metavar="URL",
        default=os.environ.get("BREAKEVEN_REDIS", ""),
        help="the ledger's server; by default $BREAKEVEN_REDIS or the embedded one",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the embedded server keeps its data")


def running_ledger(args: argparse.Namespace) -> str | None:
    """The server asked for, or the one that runs on the data directory; None where there is neither."""
    return args.redis or running_url(args.data_dir or default_data_dir())


@contextmanager
def ledger_url(args: argparse.Namespace, *, fresh: bool = False) -> Iterator[str]:
    """The server asked for, the one that runs on the data directory, or one started for this command.

    `fresh` allows a data directory that has no data yet where it was named, and says that it begins one: in the usual
    place it would mostly be the wrong one, of a gateway that has its data elsewhere. Raises EmbeddedServerError.
    """
    data_dir = args.data_dir or default_data_dir()
    url = running_ledger(args)
    if url is not None:
        yield url
        return
    if is_silent(data_dir):
        raise EmbeddedServerError(
            f"the ledger in {data_dir} is there and does not answer: it hangs, or still loads its data. Try again in a "
            "moment; where that does not help, restart the gateway that runs it. Meanwhile a key is ended by one of "
            "the same name under `keys` in the policy's file, which counts in its place"
        )
    begins = not (data_dir / "appendonlydir").is_dir()
    named = args.data_dir is not None or "BREAKEVEN_DATA_DIR" in os.environ
    if begins and not (fresh and named):
        raise EmbeddedServerError(
            f"nothing was counted in {data_dir} yet; start `breakeven serve`, "
            "or name its ledger with --redis or --data-dir"
        )
    server = EmbeddedServer(data_dir)
    try:
        url = server.start()
        if begins:
            print(
                f"A new ledger was begun in {data_dir}: no gateway uses it yet. `breakeven serve` does with the same "
                "--data-dir.",
                file=sys.stderr,
            )
        yield url
    finally:
        server.stop()
