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


@dataclass(frozen=True)
class ColdPage:
    """A page of the dashboard in a browser that knows nothing yet, over books that nobody has looked at."""

    who: str
    path: str
    ready_ms: float
    """Until every number and every table is there; charts come after that."""
    read_kb: float
    """That the ledger's server sent meanwhile, to everybody."""
    control_ms: float
    """CPU of the control plane meanwhile."""
    ledger_ms: float
    """CPU of the ledger's server."""


@dataclass(frozen=True)
class Watched:
    """What so many open streams of events take while requests are served."""

    streams: int
    open: int
    """Of them, at the end."""
    refused: int
    control_cpu: float
    """Share of a CPU that the control plane took."""
    control_mib: float
    events_per_second: float
    """Of all streams together."""
    answer_ms: float
    """The longest of what a page asks for meanwhile."""
    worker_us: float
    """CPU of the worker for a request."""
    p99_ms: float
    """Of a request."""
