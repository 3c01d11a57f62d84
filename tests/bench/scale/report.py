"""SCALE.md, and a plot for each of its curves."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.bench.report import machine
from tests.bench.scale.plot import svg
from tests.bench.scale.results import Curve, PageTime, Wait

SLOW_MS = 500.0
PLOTS = "scale-plots"
"""The folder beside SCALE.md."""


@dataclass
class Findings:
    begun: datetime
    command: Sequence[str]
    foreign: float
    """Share of both CPUs that others took before it began."""
    seconds: float = 0.0
    curves: list[Curve] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    pages: list[PageTime] = field(default_factory=list)
    books: str = ""
    failures: list[str] = field(default_factory=list)


def write(findings: Findings, output: Path) -> None:
    folder = output.with_name(PLOTS)
    folder.mkdir(parents=True, exist_ok=True)
    for curve in findings.curves:
        (folder / f"{curve.name}.svg").write_text(svg(curve))
    output.write_text(markdown(findings))


def markdown(findings: Findings) -> str:
    parts = [_HEADING, _circumstances(findings), _METHOD]
    parts += [_curve(curve) for curve in findings.curves]
    if findings.waits:
        parts.append(_waits(findings.waits))
    if findings.pages:
        parts.append(_pages(findings))
    if findings.failures:
        parts.append("\n".join(["## Trouble", "", *(f"- {why}" for why in findings.failures)]))
    return "\n\n".join(parts) + "\n"


_HEADING = """\
# What things cost as they grow

Written by `make scale`; do not edit by hand."""

_METHOD = """\
One worker and its ledger's server have a CPU to themselves; load generator and upstream have the other one. CPU is user
and system time of all the gateway's processes, and of the server, divided by what the upstream answered meanwhile. A
request is checked for its key, searched by six detectors, decided, held and settled, as in [RESULTS.md](RESULTS.md).
Keys live in the ledger. The gateway is not compiled: what that saves stands there, and what counts is the slope."""


def _circumstances(findings: Findings) -> str:
    return "\n".join(
        [
            f"- {findings.begun:%Y-%m-%d %H:%M} UTC, {findings.seconds / 60:.0f} minutes: "
            f"`{shlex.join(findings.command)}`",
            f"- {machine()}",
            f"- Other processes took {findings.foreign * 100:.0f} % of both CPUs when it began.",
        ]
    )


def _curve(curve: Curve) -> str:
    lines = [f"## {curve.title}", "", f"![{curve.title}]({PLOTS}/{curve.name}.svg)", ""]
    lines += [f"| {' | '.join((curve.x, *curve.columns))} |", "|---" * (1 + len(curve.columns)) + "|"]
    lines += [f"| {' | '.join(_number(value) for value in (point.x, *point.values))} |" for point in curve.points]
    return "\n".join(lines + (["", curve.note] if curve.note else []))


def _waits(waits: Sequence[Wait]) -> str:
    lines = [
        "## While keys change",
        "",
        "How long the smallest request waits, asked some hundred times a second, with as many keys as above at most.",
        "",
        "| while | longest, ms | p99, ms |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {each.what} | {each.longest_ms:.1f} | {each.p99_ms:.1f} |" for each in waits)])


def _pages(findings: Findings) -> str:
    slow = [page for page in findings.pages if page.again_ms > SLOW_MS]
    said = f"Slower than {SLOW_MS:.0f} ms: {len(slow)}." if slow else f"None is slower than {SLOW_MS:.0f} ms."
    lines = [
        "## Pages and answers of the control plane",
        "",
        f"{findings.books} The first time, days are added up that nobody has asked for in that way. {said}",
        "",
        "| path | the first time, ms | after that, ms | KB |",
        "|---|---|---|---|",
    ]
    ordered = sorted(findings.pages, key=lambda page: -page.again_ms)
    return "\n".join(
        [
            *lines,
            *(
                f"| `{page.path}` | {_number(page.first_ms)} | {_number(page.again_ms)} | {page.size / 1000:.0f} |"
                for page in ordered
            ),
        ]
    )


def _number(value: float) -> str:
    if value >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
