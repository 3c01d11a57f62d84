"""What the gateway costs as things grow: `python -m tests.bench.scale` from the repository's root."""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import load, procs
from tests.bench.peers import HOME
from tests.bench.scale import parts, report

_SCALE = Path(__file__).parents[1] / "SCALE.md"
PARTS = ("keys", "changes", "streams", "days", "bodies", "pages", "dashboard", "watchers")
MOST_FOREIGN = 0.1
"""Share of the CPUs that others may take, of figures that are to be published."""
_LOOKED_AT = 3.0


def main() -> int:
    asked = _arguments()
    _need_machine()
    os.sched_setaffinity(0, {procs.LOAD_CPU})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    whole = not asked.quick and asked.only is None
    output = asked.output or (_SCALE if whole else HOME / "SCALE.md")
    foreign = procs.foreign_share(_LOOKED_AT)
    if whole and foreign > MOST_FOREIGN and not asked.busy:
        sys.exit(
            f"others take {foreign * 100:.0f} % of the CPUs, so figures would say nothing: wait until they are done. "
            "--quick tries it all the same, and --busy measures it all; neither replaces what is published"
        )
    if asked.busy and asked.output is None:
        output = HOME / "SCALE.md"
    findings = report.Findings(datetime.now(UTC), ["python", "-m", "tests.bench.scale", *sys.argv[1:]], foreign)
    _measure(findings, asked.only.split(",") if asked.only else PARTS, parts.QUICK if asked.quick else parts.Sizes())
    report.write(findings, output)
    print(f"\n{output.read_text()}\nWritten to {output}")
    return 1 if findings.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short points, on any machine")
    parser.add_argument("--busy", action="store_true", help="measure although others take the CPUs")
    parser.add_argument("--only", metavar="PART,PART", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--output", type=Path, help="where the report goes; partial runs do not replace SCALE.md")
    return parser.parse_args()


def _need_machine() -> None:
    missing = [name for name in ("wrk", "taskset") if shutil.which(name) is None]
    if missing:
        sys.exit(f"needs {' and '.join(missing)} (Debian packages wrk and util-linux)")
    if not {procs.LOAD_CPU, procs.PROXY_CPU} <= os.sched_getaffinity(0):
        sys.exit("needs CPUs 0 and 1: one for the load and the upstream, one for the gateway")


def _measure(findings: report.Findings, names: Sequence[str], sizes: parts.Sizes) -> None:
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    HOME.mkdir(exist_ok=True)
    port, begun = procs.free_port(), time.monotonic()
    command = [sys.executable, "-m", "tests.bench.upstream", "--port", str(port)]
    upstream = procs.Tree(command, procs.LOAD_CPU, HOME / "upstream.log")
    try:
        load.wait_for(port)
        for name in names:
            print(f"{time.monotonic() - begun:4.0f} s: {name}", flush=True)
            try:
                _part(name, port, sizes, findings)
            except (load.LoadError, OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
                print(f"{name}: FAILED: {error}", flush=True)
                findings.failures.append(f"{name}: {error}")
    finally:
        upstream.stop()
    findings.seconds = time.monotonic() - begun


def _part(name: str, port: int, sizes: parts.Sizes, findings: report.Findings) -> None:
    match name:
        case "changes":
            findings.waits = parts.changes(port, sizes)
        case "pages":
            findings.books = f"With {sizes.page_keys:,} keys and {sizes.page_days} days of books."
            findings.pages = parts.control_plane(port, sizes)
        case "dashboard":
            findings.cold = parts.dashboard(port, sizes)
        case "watchers":
            findings.watched = parts.watched(port, sizes)
        case _:
            findings.curves += getattr(parts, name)(port, sizes)


if __name__ == "__main__":
    sys.exit(main())
