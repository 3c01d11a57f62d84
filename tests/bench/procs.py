"""Processes that the benchmark starts: pinned to a CPU, measured as a whole tree, stopped by pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOAD_CPU = 0
"""Load generators, upstream and this harness."""
PROXY_CPU = 1
"""The proxy under test, with all its processes."""

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(cpu: int, command: Sequence[str]) -> list[str]:
    return ["taskset", "-c", str(cpu), *command]


@dataclass(frozen=True)
class _Stat:
    """The fields of /proc/PID/stat that count here."""

    pid: int
    parent: int
    session: int
    started: int
    cpu: float
    """Seconds, with reaped children."""
    ended: bool
    """A zombie: it only waits to be reaped."""


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    ticks = sum(int(field) for field in fields[11:15])
    return _Stat(pid, int(fields[1]), int(fields[3]), int(fields[19]), ticks * _TICK, fields[0] == "Z")


def _peak_mib(pid: int) -> float:
    return _status_mib(pid, "VmHWM:")


def resident_mib(pid: int) -> float:
    """Memory that a process has now; 0 for one that has ended."""
    return _status_mib(pid, "VmRSS:")


def _status_mib(pid: int, field: str) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field)), 0.0)


@dataclass(frozen=True)
class Memory:
    """Peak RSS in MiB: of the process that used the most CPU, and summed over the tree (shared pages count twice)."""

    worker: float
    tree: float
    processes: int


class Tree:
    """A command in a session of its own, with everything that descends from it."""

    def __init__(
        self, command: Sequence[str], cpu: int, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                pinned(cpu, command),
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """The last lines of its output, for error messages."""
        return " | ".join(self._log.read_text(errors="replace").splitlines()[-3:])[-400:]

    def cpu_seconds(self) -> float:
        """User and system time so far of all its processes, with reaped children."""
        return sum(stat.cpu for stat in self._members())

    def pids(self) -> list[int]:
        return [stat.pid for stat in self._members()]

    def memory(self) -> Memory:
        members = self._members()
        busiest = max(members, key=lambda stat: stat.cpu)
        return Memory(_peak_mib(busiest.pid), sum(_peak_mib(stat.pid) for stat in members), len(members))

    def stop(self, patience: float = 10.0) -> None:
        """SIGTERM to the first process, then SIGKILL to whatever of its tree is left."""
        members = self._members()
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for member in members:
            _kill_same(member, patience=1.0)

    def _members(self) -> list[_Stat]:
        """Its descendants, and what shares its session: a daemon's parent may be gone."""
        known = [stat for stat in map(_stat, _pids()) if stat is not None]
        family = {self._process.pid}
        grown = True
        while grown:
            found = {s.pid for s in known if s.parent in family or s.session == self._process.pid} - family
            family |= found
            grown = bool(found)
        return [stat for stat in known if stat.pid in family]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _kill_same(member: _Stat, patience: float) -> None:
    """Ends `member` if it still is the process that it was, after giving it time to end by itself."""
    deadline = time.monotonic() + patience
    while (now := _stat(member.pid)) is not None and now.started == member.started and not now.ended:
        if time.monotonic() > deadline:
            os.kill(member.pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def process_seconds(pid: int) -> float:
    """CPU time of a process so far, to the nanosecond; 0 for one that has ended."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # Linux: the clock of another process, in the scheduler's time
    except OSError:
        return 0.0


def foreign_share(seconds: float) -> float:
    """How much of both CPUs others take now, while this process sleeps."""
    cpus = (LOAD_CPU, PROXY_CPU)
    begun, before = time.monotonic(), sum(map(busy_seconds, cpus))
    time.sleep(seconds)
    return (sum(map(busy_seconds, cpus)) - before) / (time.monotonic() - begun) / len(cpus)


def busy_seconds(cpu: int) -> float:
    """Seconds that a CPU was busy since the machine started, whoever used it."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{cpu}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            return (user + nice + system + irq + softirq + steal) * _TICK
    raise ValueError(f"there is no CPU {cpu}")
