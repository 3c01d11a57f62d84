"""What a program said, as part of a message for people."""

from __future__ import annotations

from collections.abc import Iterable

from router.core.redaction import without_secrets

_MOST_CHARACTERS = 300


def last_words(output: bytes, secrets: Iterable[str] = ()) -> str:
    """The end of the output in one line, without secrets and control characters; empty where it said nothing."""
    for secret in secrets:
        output = without_secrets(output, secret)
    text = "".join(each if each.isprintable() else " " for each in output.decode(errors="replace"))
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"... {line[-_MOST_CHARACTERS:]}"
