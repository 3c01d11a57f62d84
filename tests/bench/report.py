"""The report: medians over the rounds, with the least and the most, and ratios to Envoy."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median

from tests.bench.books import Scripts
from tests.bench.measure import Light, Round, Sizes
from tests.bench.peers import REPOSITORY, Peer
from tests.bench.pipelines import COMMANDS, Pipelines
from tests.support.large import LARGE

BASELINE = "envoy"


@dataclass
class Record:
    """What is known of one peer after all rounds."""

    peer: Peer
    version: str = "?"
    rounds: list[Round] = field(default_factory=list)
    direct: list[Light] = field(default_factory=list)
    """The direct figures of the same rounds."""
    failures: list[str] = field(default_factory=list)

    def failed(self, why: str) -> None:
        """Notes a failure, without addresses and paths: they say more of the machine than of the failure."""
        short = re.sub(r"https?://\S+", "(address)", why).replace(str(REPOSITORY), ".")
        self.failures.append(" ".join(short.split()))


@dataclass(frozen=True)
class Circumstances:
    begun: datetime
    seconds: float
    command: Sequence[str]
    load_average: float
    sizes: Sizes
    direct: Sequence[Light]
    """What was seen without a proxy, by round."""
    scripts: Scripts
    """Of the ledger, with large books."""
    pipelines: Pipelines
    """Of the ledger's connection."""


@dataclass(frozen=True)
class _Column:
    title: str
    unit: str
    value: Callable[[Record], list[float]]
    compared: bool = False
    """Whether the ratio to Envoy is shown."""


def _each(read: Callable[[Round], float]) -> Callable[[Record], list[float]]:
    return lambda record: [read(round_) for round_ in record.rounds]


def _added(read: Callable[[Light], float]) -> Callable[[Record], list[float]]:
    def over_direct(record: Record) -> list[float]:
        pairs = zip(record.rounds, record.direct, strict=True)
        return [read(round_.light) - read(direct) for round_, direct in pairs]

    return over_direct


_PLAIN = (
    _Column("CPU per request", "µs", _each(lambda r: r.cpu_us), compared=True),
    _Column("throughput", "requests/s", _each(lambda r: r.per_second), compared=True),
    _Column("p99 at full load", "ms", _each(lambda r: r.loaded_p99_ms)),
    _Column("added p50", "ms", _added(lambda seen: seen.p50_ms)),
    _Column("added p99", "ms", _added(lambda seen: seen.p99_ms)),
    _Column("CPU busy", "%", _each(lambda r: r.busy * 100)),
)
_STREAMS = (
    _Column("CPU per stream", "µs", _each(lambda r: r.stream_cpu_us), compared=True),
    _Column("CPU per event", "µs", _each(lambda r: r.event_cpu_us)),
    _Column("added to first byte, p50", "ms", _added(lambda seen: seen.stream_first_byte_ms)),
    _Column("whole stream, p99", "ms", _each(lambda r: r.stream_p99_ms)),
)
_FOOTPRINT = (
    _Column("start to first answer", "s", _each(lambda r: r.startup_s), compared=True),
    _Column("peak RSS, whole tree", "MiB", _each(lambda r: r.tree_mib), compared=True),
    _Column("peak RSS, worker", "MiB", _each(lambda r: r.worker_mib)),
    _Column("processes", "", _each(lambda r: r.processes)),
    _Column("new upstream connections per 1000 requests", "", _each(lambda r: r.connections_per_1000)),
)


def markdown(records: Sequence[Record], circumstances: Circumstances) -> str:
    """The whole file."""
    good = [record for record in records if record.rounds]
    parts = [
        _HEADING,
        _circumstances(records, circumstances),
        _compared(records),
        _method(circumstances.sizes),
        "## Plain requests\n\n" + _table(good, _PLAIN),
        _direct(circumstances.direct),
        f"## {circumstances.sizes.open_streams} open streams\n\n" + _table(good, _STREAMS),
        "## Footprint\n\n" + _table(good, _FOOTPRINT),
        _books(circumstances.scripts),
        _pipelines(circumstances.pipelines),
        _trouble(records),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _books(scripts: Scripts) -> str:
    return f"""\
## The ledger's scripts

With the books of {LARGE.keys} keys, {LARGE.models} models, {LARGE.backends} backends and {LARGE.days} days: every key's
first request of the month, a killed worker's settlements brought in, a sweep, and a page by key.

| | scripts | longest | p99 |
|---|---|---|---|
| server time | {scripts.number} | {scripts.longest:.2f} ms | {scripts.p99:.2f} ms |"""


def _pipelines(pipelines: Pipelines) -> str:
    return f"""\
## The ledger's connection

CPU of the client for one batch of {COMMANDS} commands that are answered, interpreted.

| own connection | pipeline of valkey-py, which has redis-py's client |
|---|---|
| {pipelines.own:.0f} µs | {pipelines.library:.0f} µs x{pipelines.library / pipelines.own:.1f} |"""


_HEADING = """\
# Benchmark

Written by `python -m tests.bench`; do not edit by hand. Figures are medians over the rounds, with the least
and the most in brackets; `xN` is the ratio to Envoy's median."""


def _circumstances(records: Sequence[Record], circumstances: Circumstances) -> str:
    rounds = max((len(record.rounds) for record in records), default=0)
    lines = [
        f"- {circumstances.begun:%Y-%m-%d %H:%M} UTC, {circumstances.seconds / 60:.0f} minutes, {rounds} rounds: "
        f"`{shlex.join(circumstances.command)}`",
        f"- {machine()}",
        f"- Load average when it began: {circumstances.load_average:.2f}. Share of the proxy's CPU that other "
        f"processes took during the plain load: {_foreign(records)}.",
        f"- Load generator: {_wrk_version()}; Python {platform.python_version()}.",
    ]
    return "\n".join(lines)


def machine() -> str:
    """The machine in words, without its name."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} CPUs ({model}, {platform.machine()}), {memory:.0f} GiB, Linux {platform.release()}"


def _wrk_version() -> str:
    done = subprocess.run(["wrk", "-v"], capture_output=True, check=False)
    return done.stdout.decode().split(" Copyright")[0].strip()


def _foreign(records: Sequence[Record]) -> str:
    shares = [round_.foreign * 100 for record in records for round_ in record.rounds]
    return f"median {median(shares):.0f} %, at most {max(shares):.0f} %" if shares else "not measured"


def _compared(records: Sequence[Record]) -> str:
    lines = ["| proxy | version | what it does | answers | rounds |", "|---|---|---|---|---|"]
    for record in records:
        identical = record.rounds and all(round_.identical for round_ in record.rounds)
        answers = "byte for byte" if identical else "same meaning, re-encoded" if record.rounds else "-"
        lines.append(
            f"| {record.peer.name} | {record.version} | {record.peer.does} | {answers} | {len(record.rounds)} |"
        )
    return "\n".join(lines)


def _method(sizes: Sizes) -> str:
    return f"""\
Each round starts every proxy afresh, one after the other and alone, so that noise of the machine hits all alike.
Load generator and upstream are pinned to CPU 0, the proxy with all its processes to CPU 1. Before it is measured a
proxy must give the upstream's answer and a whole stream, refuse a wrong key if it has keys, and keep its upstream
connections; during the load the upstream's count of requests must match the client's.

- *Full load*: {sizes.connections} connections, {sizes.plain} s after {sizes.warm_up} s of warm-up. CPU is user and \
system time of the whole process tree (for Breakeven with supervisor and Valkey), divided by the requests that the \
upstream saw in the same seconds. Where *CPU busy* is well below 100 % the load generator, the \
upstream or other processes on this machine were the limit, not the proxy: compare the CPU, not the throughput.
- *Added latency*: {sizes.light_connections} connections that pause {sizes.light_pause_ms} ms on average between \
requests; percentile minus the same percentile without a proxy in the same round.
- *Streams*: {sizes.open_streams} streams open at a time for {sizes.streams:.0f} s, each of 50 chunks at 10 ms with \
[DONE], each verified to be whole. An undisturbed stream takes 500 ms.
- *Peak RSS* of the tree is the sum of each process's peak; pages that processes share count for each."""


def _direct(seen: Sequence[Light]) -> str:
    if not seen:
        return ""
    p50, p99, first = (median(values) for values in zip(*map(astuple, seen), strict=True))
    return (
        f"Without a proxy: p50 {_number(p50)} ms, p99 {_number(p99)} ms; "
        f"first byte of a stream, p50, {_number(first)} ms."
    )


def _table(records: Sequence[Record], columns: Sequence[_Column]) -> str:
    base = next((record for record in records if record.peer.name == BASELINE), None)
    titles = (f"{column.title}, {column.unit}" if column.unit else column.title for column in columns)
    lines = ["| proxy | " + " | ".join(titles) + " |", "|---" * (len(columns) + 1) + "|"]
    for record in records:
        cells = (_cell(column, record, base) for column in columns)
        lines.append(f"| {record.peer.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(column: _Column, record: Record, base: Record | None) -> str:
    values = column.value(record)
    middle, least, most = median(values), min(values), max(values)
    text = f"**{_number(middle)}**" if column.compared else _number(middle)
    if _number(least) != _number(most):
        text += f" ({_number(least)}–{_number(most)})"  # noqa: RUF001
    if column.compared and base is not None and base is not record:
        text += f" x{_number(middle / median(column.value(base)))}"
    return text


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _trouble(records: Sequence[Record]) -> str:
    lines = [f"- {record.peer.name}: {why}" for record in records for why in record.failures]
    return "\n".join(["## Trouble", "", *lines]) if lines else ""
