"""Names with one `*` in them, which stands for any text: `*`, `llama-*`, `hosted/*`.

Where several patterns take a name, the one with the most letters of its own counts: `llama-3*` before `llama-*`.
"""

from __future__ import annotations

from collections.abc import Iterable

STAR = "*"


def is_pattern(name: str) -> bool:
    return STAR in name


def starred(pattern: str, name: str) -> str | None:
    """What the `*` of a pattern stands for in a name; None where the pattern does not take the name."""
    head, star, tail = pattern.partition(STAR)
    if not star or len(name) < len(head) + len(tail) or not (name.startswith(head) and name.endswith(tail)):
        return None
    return name[len(head) : len(name) - len(tail)]


def in_words(pattern: str) -> str:
    """`any name that begins with llama-` of `llama-*`: for whoever does not know that a `*` stands for any text."""
    head, _, tail = pattern.partition(STAR)
    ends = [*([f"begins with {head}"] if head else []), *([f"ends with {tail}"] if tail else [])]
    return f"any name that {' and '.join(ends)}" if ends else "any name"


def takes(pattern: str, name: str) -> bool:
    """Whether a name, or a pattern, is meant by another one; every name means itself."""
    return pattern == name or starred(pattern, name) is not None


def closest(patterns: Iterable[str], name: str) -> str | None:
    """Of names and patterns the one that means `name`: itself if it is there, or else the closest pattern."""
    found = [each for each in patterns if takes(each, name)]
    return name if name in found else max(found, key=len, default=None)


def filled(target: str, pattern: str, name: str) -> str:
    """`target` with what the pattern's `*` stands for in `name` in the place of its own; a target without stays."""
    return target.replace(STAR, starred(pattern, name) or "", 1)
