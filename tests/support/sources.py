"""The texts of modules and their trees, for tests that look at every one of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def parsed(source: str) -> ast.Module:
    """Once for all that look at it: reading is most of their time. Nobody may change it."""
    return ast.parse(source)


def found_in(paths: Iterable[Path | str], look: Callable[[str], Iterable[object]]) -> dict[str, list[object]]:
    """What `look` finds in the text of each file, given from the project's folder; nothing of those without any."""
    found = {str(path): list(look((ROOT / path).read_text())) for path in paths}
    return {path: each for path, each in found.items() if each}
