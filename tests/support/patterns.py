"""What stands in regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def repeated_possessively(parsed: Any) -> Iterator[Any]:
    """What stands in possessive repeats and atomic groups, anywhere in a pattern."""
    for operation, argument in parsed:
        if str(operation) in ("POSSESSIVE_REPEAT", "ATOMIC_GROUP"):
            yield argument[2] if isinstance(argument, tuple) else argument
        for each in argument if isinstance(argument, tuple | list) else (argument,):
            for part in each if isinstance(each, list) else (each,):
                if isinstance(part, re._parser.SubPattern):  # type: ignore[attr-defined]
                    yield from repeated_possessively(part)
