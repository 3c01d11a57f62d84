"""How much a key or a budget that is kept outside of the policy may name: whoever makes one is told at once, and every
worker reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_NAMES = 1000
"""In one list or mapping."""
MOST_IN_ALL = 10_000
MOST_CHARACTERS = 500
"""Of one name, or another text."""


def check_bounds(entry: Mapping[str, Any]) -> None:
    """Raises ValueError where a list or mapping in it has too many entries, all of it too many, or a text too many
    characters."""
    if sum(_check(str(field), value) for field, value in entry.items()) > MOST_IN_ALL:
        raise ValueError(f"at most {MOST_IN_ALL} names and settings are given in all")


def _check(field: str, value: object) -> int:
    """How much it names."""
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            raise ValueError(f"{field[:MOST_CHARACTERS]}: a text has at most {MOST_CHARACTERS} characters")
    elif isinstance(value, Mapping | list | tuple):
        if len(value) > MOST_NAMES:
            raise ValueError(f"{field}: at most {MOST_NAMES} are named at once, not {len(value)}")
        each_of = (*value, *value.values()) if isinstance(value, Mapping) else value
        return 1 + sum(_check(field, each) for each in each_of)
    return 1
