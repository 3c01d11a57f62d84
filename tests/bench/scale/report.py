"""SCALE.md, and a plot for each of its curves."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.bench.report import machine
from tests.bench.scale.plot import svg
from tests.bench.scale.results import ColdPage, Curve, PageTime, Wait, Watched

SLOW_MS = 500.0
PROMISED_MS, PROMISED_KB = 1000.0, 1000.0
"""Of a page that somebody opens for the first time."""
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
    cold: list[ColdPage] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
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
    if findings.cold:
        parts.append(_cold(findings.cold))
    if findings.watched:
        parts.append(_watched(findings.watched))
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


def _cold(pages: Sequence[ColdPage]) -> str:
    over = [page for page in pages if page.ready_ms >= PROMISED_MS or page.read_kb >= PROMISED_KB]
    said = f"Over one of these: {len(over)}." if over else "None is over one of these."
    lines = [
        "## Pages in a browser, the first time",
        "",
        "50 keys used 10 models on two sides on each of 90 days. A fresh Chromium opens each page; what days and hours"
        " came to that are over was added up before, in the background, as it is wherever a gateway runs. A page is"
        " ready once every number and every table is there; charts come after that. What the ledger's server sends"
        " meanwhile goes to the workers, too. CPU is that of the control plane's process and of the server, whatever"
        " else the machine does. Promised is less than a second, and less than a"
        f" megabyte from the ledger's server. {said}",
        "",
        "| who | page | ready, ms | read from the ledger, KB | control plane, ms of CPU | ledger's server, ms of CPU |",
        "|---|---|---|---|---|---|",
    ]
    rows = (
        f"| {each.who} | `{each.path}` | {each.ready_ms:,.0f} | {each.read_kb:,.0f} | {each.control_ms:,.0f}"
        f" | {each.ledger_ms:,.0f} |"
        for each in pages
    )
    return "\n".join([*lines, *rows])


def _watched(points: Sequence[Watched]) -> str:
    lines = [
        "## Pages that stay open",
        "",
        "Each is a stream of events, of 125 people with at most eight each, while some hundred requests a second are"
        " served. The longest answer is of what a page asks for meanwhile.",
        "",
        "| streams | open at the end | refused | control plane, % of a CPU | control plane, MiB | events a second"
        " | longest answer, ms | worker, µs a request | p99 of a request, ms |",
        "|---" * 9 + "|",
    ]
    rows = (
        f"| {each.streams:,} | {each.open:,} | {each.refused:,} | {each.control_cpu * 100:.0f} | {each.control_mib:.0f}"
        f" | {each.events_per_second:,.0f} | {each.answer_ms:.0f} | {each.worker_us:.0f} | {each.p99_ms:.1f} |"
        for each in points
    )
    return "\n".join([*lines, *rows])


def _number(value: float) -> str:
    if value >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
