"""The load on one port: wrk for plain requests, `stream_client` for streams; and what the upstream counted."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import procs, traffic
from tests.bench.stream_client import Report as Streams

_SCRIPT = Path(__file__).with_name("chat.lua")


class LoadError(Exception):
    """The load did not run, or was not answered as it must be."""


@dataclass(frozen=True)
class Plain:
    """One run of wrk. `failed` counts connection errors and statuses from 400."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failed: int
    timeouts: int


@dataclass(frozen=True)
class Counts:
    """What the upstream has counted since it started."""

    requests: int
    connections: int
    streams: int
    last_model: str | None


class _Running:
    """A load generator that runs beside the harness."""

    def __init__(self, command: list[str], limit: float) -> None:
        self._name = command[0]
        self._limit = limit
        pinned = procs.pinned(procs.LOAD_CPU, command)
        self._process = subprocess.Popen(pinned, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def output(self) -> str:
        try:
            output, errors = self._process.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise LoadError(f"{self._name} did not end within {self._limit:.0f} s") from None
        if self._process.returncode:
            raise LoadError(f"{self._name} failed: {errors[-300:]}")
        return output


class PlainLoad:
    """wrk while it runs: POSTs the usual body on `connections` connections.

    Each connection pauses `pause_ms` (on average) between its requests.
    """

    def __init__(self, port: int, key: str, connections: int, seconds: int, pause_ms: int = 0) -> None:
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
        arguments = [traffic.request_body(stream=False).decode(), key, str(pause_ms)]
        self._running = _Running([*command, f"http://127.0.0.1:{port}", "--", *arguments], seconds + 30)

    def result(self) -> Plain:
        """Waits for its end. Raises LoadError unless every request was answered well."""
        return _checked(self._running)


def run(command: list[str], limit: float) -> Plain:
    """wrk, with a script that ends as chat.lua does. Raises LoadError unless every request was answered well."""
    return _checked(_Running(command, limit))


def _checked(running: _Running) -> Plain:
    result = Plain(**_last_json(running.output()))
    if result.failed or result.timeouts or not result.requests:
        raise LoadError(f"{result.failed} of {result.requests} requests failed, {result.timeouts} timed out")
    return result


def plain(port: int, key: str, connections: int, seconds: int, pause_ms: int = 0) -> Plain:
    return PlainLoad(port, key, connections, seconds, pause_ms).result()


def streams(port: int, key: str, slots: int, seconds: float) -> Streams:
    """Keeps `slots` streams open for `seconds`; every one must be whole."""
    limit = seconds + 45.0
    command = [sys.executable, "-m", "tests.bench.stream_client", "--port", str(port), "--key", key]
    arguments = ["--open", str(slots), "--seconds", str(seconds), "--limit", str(limit)]
    output = _Running([*command, *arguments], limit + 15).output()
    result = Streams(**_last_json(output))
    if result.failed or not result.streams:
        raise LoadError(f"{result.failed} streams failed, {result.streams} were whole: {result.first_error}")
    return result


def wait_for(upstream_port: int) -> None:
    """Raises LoadError when it does not start."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            counts(upstream_port)
            return
        except OSError:
            time.sleep(0.02)
    raise LoadError("the upstream did not start")


def counts(upstream_port: int) -> Counts:
    connection = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=5)
    connection.request("GET", "/stats")
    return Counts(**json.loads(connection.getresponse().read()))


def _last_json(output: str) -> dict[str, Any]:
    line = next(line for line in reversed(output.splitlines()) if line.startswith("{"))
    result: dict[str, Any] = json.loads(line)
    return result
