"""`breakeven --version`: which release this is, on which Python, and whether its hot path was compiled."""

from __future__ import annotations

import argparse
import platform
from typing import Any

COMPILED_PART = "router.core.decision.decide"
"""A module of the hot path: all of them are compiled, or none is."""


class ShowVersion(argparse.Action):
    """Looks it up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(line(_release(), _origin(COMPILED_PART)))
        parser.exit()


def line(release: str, origin: str) -> str:
    """`origin` is the file that a module of the hot path is imported from."""
    how = "interpreted" if origin.endswith(".py") else "compiled"
    return f"breakeven {release} ({platform.python_implementation()} {platform.python_version()}, {how})"


def _release() -> str:
    from importlib.metadata import (
        PackageNotFoundError,
        version,
    )  # slow to import, and every command imports this module

    try:
        return version("breakeven")
    except PackageNotFoundError:  # a tree on the path that nobody has installed
        return "from a source tree"


def _origin(module: str) -> str:
    from importlib.util import find_spec

    found = find_spec(module)
    return "" if found is None or found.origin is None else found.origin
