"""Tables for terminals: columns as wide as their longest entry."""

from __future__ import annotations

from collections.abc import Sequence


def table(lines: Sequence[Sequence[str]], names: int) -> list[str]:
    """The first `names` columns to the left, the others to the right; the first line is the heading."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(_aligned(line, widths, names)).rstrip() for line in lines]


def _aligned(line: Sequence[str], widths: Sequence[int], names: int) -> list[str]:
    pairs = list(zip(line, widths, strict=True))
    return [text.ljust(width) for text, width in pairs[:names]] + [text.rjust(width) for text, width in pairs[names:]]
