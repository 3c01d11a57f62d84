"""What is written down of names that clients choose: what the policy knows by name, and of all else only a digest.

Whoever sends a card number as the name of a model, or as a label, must not find it in a log or an export.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from hashlib import sha256

_LONGEST_SHOWN = 64
_DIGITS = 12


def unknown(name: str) -> str:
    """Stands for a name that the policy does not have; the same for the same name: unknown:sha256-9f86d081884c."""
    return f"unknown:sha256-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"


def shown(name: str, known: Iterable[str]) -> str:
    """A name in quotes if it looks like a slip in one that is known, for whoever has to find the slip."""
    if not name or (
        len(name) <= _LONGEST_SHOWN and get_close_matches(name.lower(), [each.lower() for each in known], 1)
    ):
        return repr(name)
    return f"a name of {len(name):,} characters"
