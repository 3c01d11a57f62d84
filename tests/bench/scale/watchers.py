"""Pages that stay open: many streams of events at once, while requests are served."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench import load, procs
from tests.bench.scale import large_ledger
from tests.bench.scale.gateway import Gateway
from tests.bench.scale.results import Watched
from tests.bench.scale.signed_in import People

_ANSWERS = ("/api/backends", "/api/spend?range=today", "/api/requests", "/")
_SETTLE = 3.0
_CONNECTIONS, _PAUSE_MS = 16, 50
"""Some three hundred requests a second, so that there is something new at every look."""


def sign_in_all(data_dir: Path, number: int) -> Mapping[str, str]:
    people = People(data_dir)
    return {f"viewer-{each}": people.sign_in(f"viewer-{each}", "viewer") for each in range(number)}


def measure(gateway: Gateway, streams: int, seconds: int) -> Watched:
    """So many streams, opened by the people who are signed in, each the same number."""
    control, worker = gateway.pid_of("router.app.control_plane"), gateway.pid_of("router.app.worker")
    with _opened(gateway, streams) as client:
        time.sleep(_SETTLE)
        running = load.PlainLoad(gateway.port, large_ledger.secret(0), _CONNECTIONS, seconds, _PAUSE_MS)
        _, events, _ = _counts(client)
        begun, before = time.monotonic(), (procs.process_seconds(control), procs.process_seconds(worker))
        answers = _answer_times(gateway, begun + seconds - 1)
        plain = running.result()
        lasted, after = time.monotonic() - begun, (procs.process_seconds(control), procs.process_seconds(worker))
        still_open, events_then, refused = _counts(client)
        memory = procs.resident_mib(control)
    return Watched(
        streams=streams,
        open=still_open,
        refused=refused,
        control_cpu=(after[0] - before[0]) / lasted,
        control_mib=memory,
        events_per_second=(events_then - events) / lasted,
        answer_ms=max(answers),
        worker_us=(after[1] - before[1]) / plain.requests * 1e6,
        p99_ms=plain.p99_ms,
    )


@contextmanager
def _opened(gateway: Gateway, streams: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bench.scale.open_watchers", "--port", str(gateway.admin_port)]
    client = subprocess.Popen(
        procs.pinned(procs.LOAD_CPU, [*command, "--open", str(streams)]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None and client.stdout is not None
    try:
        client.stdin.write(json.dumps(list(gateway.people.values())) + "\n")
        client.stdin.flush()
        if client.stdout.readline().strip() != "open":
            raise load.LoadError("streams of events could not be opened")
        yield client
    finally:
        with suppress(OSError):
            client.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            client.wait(20)
        client.kill()


def _counts(client: subprocess.Popen[str]) -> tuple[int, int, int]:
    """Open streams, events so far, and refused streams."""
    assert client.stdin is not None and client.stdout is not None
    client.stdin.write("count\n")
    client.stdin.flush()
    open_ones, events, refused = map(int, client.stdout.readline().split()[1:])
    return open_ones, events, refused


def _answer_times(gateway: Gateway, until: float) -> list[float]:
    """In milliseconds, of what a page asks for."""
    times = []
    headers = {"cookie": next(iter(gateway.people.values()))}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=60)
    while time.monotonic() < until or not times:
        for path in _ANSWERS:
            begun = time.perf_counter()
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise load.LoadError(f"{path} was answered with {response.status}")
            times.append((time.perf_counter() - begun) * 1e3)
        time.sleep(0.2)
    connection.close()
    return times
