"""What the parts give to the report."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Point:
    """`x` of what grows, and what was measured there, in the order of the curve's columns."""

    x: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """What one thing costs as another grows."""

    name: str
    """Of the part, and of the plot's file."""
    title: str
    x: str
    """What grows, with its unit."""
    columns: tuple[str, ...]
    """What is measured, each with its unit; the first ones of one unit are drawn."""
    drawn: int
    """How many columns are drawn."""
    points: list[Point] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class PageTime:
    """Milliseconds of the first answer, and of the usual one after that, and its bytes."""

    path: str
    first_ms: float
    again_ms: float
    size: int


@dataclass(frozen=True)
class Wait:
    """The longest that anybody waited for the smallest answer while something happened, in milliseconds."""

    what: str
    longest_ms: float
    p99_ms: float
