"""A child's heartbeat, which tells its supervisor that its event loop turns, and its stack when that stands still.

The child gets two descriptors: a pipe that it writes a byte to twice a second, from its loop, and a file that it writes
its stacks to on SIGUSR1, whatever it is doing. A process that the system has stopped can do neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

BEAT_SECONDS = 0.5
SILENCE_SECONDS = 5.0
"""After this long without a beat a child counts as standing still."""
STACK_SECONDS = 0.5
"""What it gets to write its stacks."""
OPTION = "--pulse"
_LONGEST_TRACE = 16_384


class Heartbeat:
    """The supervisor's side, for one run of a child."""

    def __init__(self) -> None:
        self._beats, self._beat = os.pipe()
        os.set_blocking(self._beats, False)
        os.set_blocking(self._beat, False)
        self._stacks = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this

    @property
    def descriptors(self) -> tuple[int, int]:
        """What the child inherits, in the order of `arguments`."""
        return self._beat, self._stacks.fileno()

    @property
    def arguments(self) -> tuple[str, ...]:
        return (OPTION, ",".join(map(str, self.descriptors)))

    def started(self) -> None:
        """The child has its own copies now."""
        os.close(self._beat)

    def heard(self) -> bool:
        """Whether it has beaten since this was asked last."""
        found = False
        with contextlib.suppress(BlockingIOError):
            while os.read(self._beats, 4096):
                found = True
        return found

    async def last_words(self, pid: int) -> str:
        """Its stacks, or why there are none."""
        if _stopped(pid):
            return "the system has stopped it (SIGSTOP, or a debugger), so it cannot show its stack"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
        await asyncio.sleep(STACK_SECONDS)
        self._stacks.seek(0)
        return self._stacks.read(_LONGEST_TRACE).decode("utf-8", "replace") or "it shows no stack"

    def close(self) -> None:
        os.close(self._beats)
        self._stacks.close()


def _stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
    except (OSError, IndexError):
        return False


def beat_from(arguments: Sequence[str], loop: asyncio.AbstractEventLoop) -> None:
    """The child's side: from now on, as its command line says; nothing when it was started by hand."""
    if OPTION not in arguments:
        return
    beat, stacks = map(int, arguments[arguments.index(OPTION) + 1].split(","))
    for descriptor in (beat, stacks):
        os.set_inheritable(descriptor, False)
    faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)

    def tick() -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(beat, b".")
        loop.call_later(BEAT_SECONDS, tick)

    tick()
