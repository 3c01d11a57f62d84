"""What keeps a gateway busy while it is measured, from the other CPU."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.bench import load, procs
from tests.bench.scale import large_ledger
from tests.bench.scale.gateway import Gateway
from tests.bench.scale.results import Wait

_SCRIPT = Path(__file__).with_name("many_keys.lua")
_SETTLE = 0.3
CONNECTIONS = 64


def cost_per_request(
    gateway: Gateway, body: bytes, keys: int, seconds: int, connections: int = CONNECTIONS
) -> tuple[float, float]:
    """CPU of the gateway and of the ledger's server for each request, in µs, with so many keys in turn."""
    folder = gateway.policy.parent
    (folder / "body").write_bytes(body)
    (folder / "keys").write_text("".join(f"{large_ledger.secret(each)}\n" for each in range(keys)))
    command = ["wrk", "-t1", f"-c{min(connections, keys * 8)}", f"-d{seconds}s", "--timeout", "30s", "-s", str(_SCRIPT)]
    command += [f"http://127.0.0.1:{gateway.port}", "--", str(folder / "body"), str(folder / "keys")]
    before, asked = gateway.cpu(), load.counts(gateway.upstream_port).requests
    load.run(command, seconds + 60.0)
    time.sleep(_SETTLE)
    after, answered = gateway.cpu(), load.counts(gateway.upstream_port).requests
    return _per(answered - asked, before, after)


def _per(number: int, before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    """CPU in µs, of the gateway and of the server."""
    return (after[0] - before[0]) / number * 1e6, (after[1] - before[1]) / number * 1e6


def cost_per_event(gateway: Gateway, streams: int, seconds: float) -> tuple[float, float, float]:
    """CPU of the gateway and of the ledger's server for each event, in µs, and events a second, with so many streams
    open."""
    command = [sys.executable, "-m", "tests.bench.scale.open_streams", "--port", str(gateway.port)]
    command += ["--key", large_ledger.secret(0), "--open", str(streams)]
    client = subprocess.Popen(
        procs.pinned(procs.LOAD_CPU, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert client.stdin is not None and client.stdout is not None
    try:
        _next(client, "open")
        before, begun = gateway.cpu(), time.perf_counter()
        first = _count(client)
        time.sleep(seconds)
        last = _count(client)
        after, lasted = gateway.cpu(), time.perf_counter() - begun
    finally:
        client.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            client.wait(20)
        client.kill()
    return *_per(last - first, before, after), (last - first) / lasted


def _count(client: subprocess.Popen[str]) -> int:
    """Events that have come so far."""
    assert client.stdin is not None
    client.stdin.write("count\n")
    client.stdin.flush()
    return int(_next(client, "events"))


def _next(client: subprocess.Popen[str], word: str) -> str:
    assert client.stdout is not None
    line = client.stdout.readline()
    name, _, value = line.strip().partition(" ")
    if name != word:
        raise load.LoadError(f"streams were not kept open: {line.strip() or 'they ended'}")
    return value


class Pings:
    """Asks for the smallest answer again and again while something else happens."""

    def __init__(self, gateway: Gateway, seconds: float) -> None:
        command = [sys.executable, "-m", "tests.bench.scale.pings", "--port", str(gateway.port)]
        self._client = subprocess.Popen(
            procs.pinned(procs.LOAD_CPU, [*command, "--seconds", str(seconds)]), stdout=subprocess.PIPE, text=True
        )

    def result(self, what: str) -> Wait:
        output, _ = self._client.communicate(timeout=120)
        longest, p99 = map(float, output.split())
        return Wait(what, longest, p99)


def waits(gateway: Gateway, seconds: float, what: str, command: Sequence[str] = ()) -> Wait:
    """How long others wait while a command is carried out."""
    pings = Pings(gateway, seconds)
    time.sleep(0.5)
    if command:
        subprocess.run(procs.pinned(procs.LOAD_CPU, list(command)), check=True, stdout=subprocess.DEVNULL, timeout=60)
    return pings.result(what)
