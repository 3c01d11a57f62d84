"""The gateway against its peers, side by side in one run: `python -m tests.bench` from the repository's root."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import books, load, measure, peers, pipelines, procs, report

_RESULTS = Path(__file__).with_name("RESULTS.md")
_LIMIT = 13 * 60.0
"""Seconds after which no further round begins."""
_TRIES = 2
"""Rounds that a proxy may fail before it is left out of the others."""


def main() -> int:
    asked = _arguments()
    _need_machine()
    os.sched_setaffinity(0, {procs.LOAD_CPU})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sizes = measure.Sizes(warm_up=1, plain=2, light=2, streams=1.5) if asked.quick else measure.Sizes()
    records = [_installed(peer) for peer in _chosen(asked.only)]
    begun, clock, load_average = datetime.now(UTC), time.monotonic(), os.getloadavg()[0]
    scripts, batches = books.measure(), pipelines.measure()
    direct = _measure(records, 1 if asked.quick else asked.rounds, sizes)
    circumstances = report.Circumstances(
        begun=begun,
        seconds=time.monotonic() - clock,
        command=["python", "-m", "tests.bench", *sys.argv[1:]],
        load_average=load_average,
        sizes=sizes,
        direct=direct,
        scripts=scripts,
        pipelines=batches,
    )
    _write(records, circumstances, _output(asked))
    return 0 if all(record.rounds for record in records if isinstance(record.peer, peers.Breakeven)) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only", metavar="NAME,NAME", help="only these: " + ", ".join(p.name for p in peers.all_peers())
    )
    parser.add_argument("--output", type=Path, help="where the report goes; partial runs do not replace RESULTS.md")
    return parser.parse_args()


def _output(asked: argparse.Namespace) -> Path:
    if asked.output is not None:
        return Path(asked.output)
    return peers.HOME / "RESULTS.md" if asked.quick or asked.only else _RESULTS


def _need_machine() -> None:
    missing = [name for name in ("wrk", "taskset") if shutil.which(name) is None]
    if missing:
        sys.exit(f"needs {' and '.join(missing)} (Debian packages wrk and util-linux)")
    if not {procs.LOAD_CPU, procs.PROXY_CPU} <= os.sched_getaffinity(0):
        sys.exit("needs CPUs 0 and 1: one for the load and the upstream, one for the proxy")


def _chosen(only: str | None) -> list[peers.Peer]:
    everyone = peers.all_peers()
    if only is None:
        return everyone
    names = set(only.split(","))
    unknown = names - {peer.name for peer in everyone}
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    return [peer for peer in everyone if peer.name in names]


def _installed(peer: peers.Peer) -> report.Record:
    record = report.Record(peer)
    try:
        record.version = peer.install()
    except peers.InstallError as error:
        record.failed(f"not installed, so not measured: {error}")
    return record


def _measure(records: Sequence[report.Record], rounds: int, sizes: measure.Sizes) -> list[measure.Light]:
    """Runs all rounds and fills the records; what was seen without a proxy, by round."""
    port = procs.free_port()
    peers.HOME.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.bench.upstream", "--port", str(port)]
    upstream = procs.Tree(command, procs.LOAD_CPU, peers.HOME / "upstream.log")
    deadline = time.monotonic() + _LIMIT
    installed = [record for record in records if not record.failures]
    direct = []
    try:
        load.wait_for(port)
        for number in range(1, rounds + 1):
            if time.monotonic() < deadline:
                ready = [record for record in installed if len(record.failures) < _TRIES]
                direct.append(_round(number, ready, port, sizes))
    finally:
        upstream.stop()
    return direct


def _round(number: int, records: Sequence[report.Record], port: int, sizes: measure.Sizes) -> measure.Light:
    """One round of every peer; what was seen without a proxy."""
    direct = measure.direct_round(port, sizes)
    print(f"round {number} direct: p50 {direct.p50_ms:.3f} ms, p99 {direct.p99_ms:.3f} ms", flush=True)
    for record in records:
        try:
            result = measure.peer_round(record.peer, port, sizes)
        except measure.RoundError as error:
            record.failed(f"round {number} failed: {error}")
            print(f"round {number} {record.peer.name}: FAILED: {error}", flush=True)
            continue
        record.rounds.append(result)
        record.direct.append(direct)
        print(f"round {number} {record.peer.name}: {_summary(result)}", flush=True)
    return direct


def _summary(result: measure.Round) -> str:
    return (
        f"{result.cpu_us:.0f} µs/request, {result.per_second:.0f} requests/s, {result.event_cpu_us:.1f} µs/event, "
        f"{result.tree_mib:.0f} MiB, up in {result.startup_s:.2f} s"
    )


def _write(records: Sequence[report.Record], circumstances: report.Circumstances, output: Path) -> None:
    raw = [{"name": r.peer.name, "version": r.version, "rounds": [asdict(x) for x in r.rounds]} for r in records]
    (peers.HOME / "results.json").write_text(json.dumps(raw, indent=1))
    output.write_text(report.markdown(records, circumstances))
    print(f"\n{output.read_text()}\nWritten to {output}")


if __name__ == "__main__":
    sys.exit(main())
