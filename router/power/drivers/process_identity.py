"""Which process a number stands for. Numbers are used again; a number with the moment of its start is not."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_STATE, _SESSION, _STARTED = 0, 3, 19
"""Of the fields of /proc/PID/stat, those after the program's name."""


def identity_of(pid: int) -> str:
    """Differs from that of any other process on this machine, before or after a restart of it. Empty when no process
    has the number, or one that has ended and was not waited for."""
    if not _PROC.joinpath("self/stat").exists():
        return _told_by_ps(pid)
    fields = _stat(pid)
    if fields is None or fields[_STATE] in "ZXx":
        return ""
    return f"{_PROC.joinpath('sys/kernel/random/boot_id').read_text().strip()} {fields[_STARTED]}"


def members(session: int, mark: bytes) -> Iterator[int]:
    """Processes of a session whose environment has a variable, as NAME=VALUE. None where that cannot be told."""
    for entry in _PROC.glob("[0-9]*"):
        pid = int(entry.name)
        fields = _stat(pid)
        if fields is None or int(fields[_SESSION]) != session or fields[_STATE] in "ZXx":
            continue
        try:
            variables = entry.joinpath("environ").read_bytes().split(b"\0")
        except OSError:  # gone meanwhile, or another user's
            continue
        if mark in variables:
            yield pid


def signal_it(pid: int, identity: str, number: signal.Signals) -> bool:
    """Signals that very process; False when it is no more, whoever has its number now."""
    try:
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return False
    try:
        # The handle came first: what has the identity now is what the handle stands for, even if it ends meanwhile.
        if not identity or identity_of(pid) != identity:
            return False
        if handle is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


def _stat(pid: int) -> list[str] | None:
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets too.
    return text.rpartition(")")[2].split()


def _told_by_ps(pid: int) -> str:
    """Where there is no /proc: to the second, and what has ended shows as a Z."""
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    told = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C"}, check=False)  # noqa: S603
    state, _, started = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()
