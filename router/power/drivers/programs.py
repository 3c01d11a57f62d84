"""Running programs by `begin`: they are found again by a file, whatever becomes of who started them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.power.drivers.begin import Order, Run, file_of
from router.power.drivers.process_identity import identity_of, members, signal_it
from router.system.environment import needed

_BEGIN = (sys.executable, "-P", "-m", "router.power.drivers.begin")
MARK = "SWITCHED_BY_BREAKEVEN"
"""Variable that tells a program's descendants from everything else."""
MOST_OUTPUT = 64 * 1024
"""Bytes that are kept of what a program says: its end."""
GRACE_SECONDS = 2.0
"""Between the signal that asks a program to end and the one that ends it; and for the last of its output."""
POLL_SECONDS = 0.05


class Outcome(Struct, frozen=True):
    code: int | None
    """None when it ran out of time and was ended."""
    output: bytes
    errors: bytes


async def run(order: Order, timeout: float) -> Outcome:
    """What became of it, once it has ended or was begun on its own. Raises OSError."""
    async with _Kept() as output, _Kept() as errors:
        process = await asyncio.create_subprocess_exec(
            *_BEGIN,
            stdin=asyncio.subprocess.PIPE,
            stdout=output.write,
            stderr=errors.write,
            env=needed(),
            start_new_session=True,
        )
        assert process.stdin is not None
        code: int | None = None
        try:
            async with asyncio.timeout(timeout):
                with contextlib.suppress(ConnectionError):
                    process.stdin.write(msgspec.json.encode(replace(order, asker=os.getpid())))
                    await process.stdin.drain()
                process.stdin.close()
                code = await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                await _end_group(process)
        return Outcome(code, await output.all(), await errors.all())


class _Kept:
    """The end of what is written to a pipe. It is our own: asyncio's is open for as long as anyone may write to it, and
    what a program leaves running may do so for ever."""

    async def __aenter__(self) -> _Kept:
        read, self.write = os.pipe()
        self._kept = bytearray()
        self._closed = False
        reader = asyncio.StreamReader()
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", 0)
        )
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close_ours()
        self._reading.cancel()
        self._transport.close()

    async def all(self) -> bytes:
        """What was written by a program that has ended."""
        self._close_ours()
        await asyncio.wait([self._reading], timeout=GRACE_SECONDS)
        return bytes(self._kept)

    def _close_ours(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self.write)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(MOST_OUTPUT):
            self._kept += chunk
            del self._kept[:-MOST_OUTPUT]


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """It and what it started. Its number cannot be used again while nobody has waited for it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()
                return


def last_run(folder: Path, name: str) -> Run | None:
    """What was begun last under a name, running or not; None when nothing was."""
    try:
        return msgspec.json.decode(file_of(folder, name).read_bytes(), type=Run)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def running(run: Run) -> bool:
    return bool(run.identity) and identity_of(run.pid) == run.identity


def end_all(run: Run, number: signal.Signals = signal.SIGKILL) -> bool:
    """Signals the program and all that descends from it and is in its session; False when nothing is left."""
    mark = f"{MARK}={run.mark}".encode()
    found = [(pid, identity_of(pid)) for pid in members(run.pid, mark)]
    return any([signal_it(run.pid, run.identity, number), *(signal_it(*each, number) for each in found)])
