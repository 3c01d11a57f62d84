"""The process of a simulation: one at a time, ended when it takes too long or nobody waits any more."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from router.admin.errors import ApiError
from router.admin.simulation.answers import PROGRESS, line_of
from router.admin.simulation.notes import stopped
from router.admin.simulation.task import SimulationTask
from router.system.environment import needed

COMMAND = (sys.executable, "-P", "-m", "router.admin.simulation.worker")
SECONDS = 600.0
QUIET_SECONDS = 0.5
"""An empty line follows so long a silence, so that whoever left is noticed."""
_LONGEST_LINE = 64 * 1024**2
_LONGEST_TRACE = 20_000
STILL_RUNNING = b"\n"

log = logging.getLogger("breakeven.admin")


class Simulations:
    """Of this gateway."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._taken = False
        self._ended = False

    @property
    def pid(self) -> int | None:
        """None while none runs."""
        return None if self._process is None else self._process.pid

    @asynccontextmanager
    async def run(self, task: SimulationTask) -> AsyncIterator[AsyncIterator[bytes]]:
        """Lines of `answers`, and empty ones. The process ends with the block, however that ends.

        Raises ApiError 409 while another one runs, and 503 when this process ends.
        """
        if self._ended:
            raise _ending()
        if self._taken:
            message = "another draft is being tried here: try again when that is done, or was cancelled"
            raise ApiError(409, "simulation_running", message)
        self._taken = True
        process = None
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=needed(), limit=_LONGEST_LINE
            )
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            yield self._lines(process)
        finally:
            if process is not None:
                _kill(process)
                await process.wait()
            self._process = None
            self._taken = False

    def end(self) -> None:
        """The one that runs, and all that would come."""
        self._ended = True
        if self._process is not None:
            _kill(self._process)

    async def _lines(self, process: Process) -> AsyncIterator[bytes]:
        assert process.stdout is not None
        until = asyncio.get_running_loop().time() + SECONDS
        line = PROGRESS
        while line.startswith((PROGRESS, STILL_RUNNING)):
            if asyncio.get_running_loop().time() > until:
                yield line_of(_stopped())
                return
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    line = await process.stdout.readline()
            except TimeoutError:
                line = STILL_RUNNING
            yield line or line_of(await self._last_words(process))

    async def _last_words(self, process: Process) -> ApiError:
        """Why it said nothing more."""
        assert process.stderr is not None
        trace = (await process.stderr.read(_LONGEST_TRACE)).decode(errors="replace")
        if not trace:
            return _ending() if self._ended else _stopped()
        log.error("a simulation failed", extra={"trace": trace})
        return ApiError(500, "internal", "this failed; the log says where")


def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()


def _ending() -> ApiError:
    return ApiError(503, "ending", "the control plane is stopping")


def _stopped() -> ApiError:
    return stopped(f"this took longer than {SECONDS / 60:g} minutes, or more memory than there is for it")
