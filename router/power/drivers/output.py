"""What a program said, as part of a message for people."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_CHARACTERS = 300
_SHORTEST_SECRET = 4
"""Shorter values, such as 1 or "no", are part of too many words to be hidden in them."""


def last_words(output: bytes, secrets: Iterable[str] = ()) -> str:
    """The end of the output in one line, without secrets and control characters; empty where it said nothing."""
    text = output.decode(errors="replace")
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "(hidden)")
    words = "".join(each if each.isprintable() else " " for each in text).split()
    line = " ".join(words)
    return line if len(line) <= _MOST_CHARACTERS else f"... {line[-_MOST_CHARACTERS:]}"
