"""How much a key or a budget that is kept outside of the policy may name: whoever makes one is told at once, and every
worker reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_NAMES = 1000
"""In one list or mapping."""
MOST_CHARACTERS = 500
"""Of one name, or another text."""


def check_bounds(entry: Mapping[str, Any]) -> None:
    """Raises ValueError where a list or mapping in it has too many entries, or a text too many characters."""
    for field, value in entry.items():
        _check(str(field), value)


def _check(field: str, value: object) -> None:
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            raise ValueError(f"{field[:MOST_CHARACTERS]}: a text has at most {MOST_CHARACTERS} characters")
    elif isinstance(value, Mapping | list | tuple):
        if len(value) > MOST_NAMES:
            raise ValueError(f"{field}: at most {MOST_NAMES} are named at once, not {len(value)}")
        for each in (*value, *value.values()) if isinstance(value, Mapping) else value:
            _check(field, each)
