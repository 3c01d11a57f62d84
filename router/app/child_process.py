"""Child processes of the supervisor: started, watched, restarted with growing pauses, and stopped by pid."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from router.app.heartbeat import BEAT_SECONDS, SILENCE_SECONDS, Heartbeat
from router.core.resilience.backoff import backoff
from router.upstream.proxy_environment import steering

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 30.0
"""A child that ran this long had a good start; the next pause is short again."""
START_SECONDS = 60.0
"""What a child may be silent for before it is ready."""
CANNOT_RUN = 127
"""Exit code of what could not be started at all, as shells have it."""
PYTHON = (sys.executable, "-P", "-m")
"""Begins the command of a child of ours. The folder that it is started in is no place to import from: a checkout there
would take the place of the package that is installed."""

log = logging.getLogger("breakeven.supervisor")


def nobody_listens() -> None:
    pass


class ChildProcess:
    """One process. `feed`, once it is known, is written to its standard input, which stays open as long as we live.

    It is ready once it has written a line on standard output that `ready` accepts; other lines are passed on. `changed`
    is called whenever it is ready, and is so no more.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        feed: asyncio.Future[bytes] | None = None,
        ready: Callable[[str], bool] = lambda line: line == "ready",
        environment: Mapping[str, str] | None = None,
        beats: bool = False,
        changed: Callable[[], None] = nobody_listens,
    ) -> None:
        self.name = name
        self.ready = asyncio.Event()
        self.ready_line = ""
        self.exit_code: int | None = None
        """Of the last run that ended."""
        self.failing = False
        """The last run ended before it was ready."""
        self._changed = changed
        self._command = list(command)
        self._feed = feed
        self._is_ready = ready
        self._beats = beats
        """Whether its event loop is expected to show that it turns, once it is ready."""
        self._environment = {**_inherited(os.environ), **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._ended = asyncio.Event()

    async def until_ready(self) -> None:
        """Raises ChildProcessError when it ends first."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self.ready, self._ended)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        if not self.ready.is_set():
            raise ChildProcessError(f"the {self.name} ended with exit code {self.exit_code} before it was ready")

    def from_now_on(self, *arguments: str) -> None:
        """Add to the command line that the next start uses."""
        self._command += arguments

    async def run_forever(self) -> None:
        """Run, and run again whenever it ends, until `stop`."""
        ends = 1
        loop = asyncio.get_running_loop()
        while not self._stopping:
            began = loop.time()
            try:
                await self._run_once()
            except OSError as error:
                self._not_started(error)
            if self._stopping:
                return
            ends = 1 if loop.time() - began > STEADY_SECONDS else ends + 1
            log.error("process ended, starting it again", extra={"child": self.name, "exit_code": self.exit_code})
            await asyncio.sleep(backoff(ends, FIRST_PAUSE, LONGEST_PAUSE))

    async def _run_once(self) -> None:
        if not self._beats:
            return await self._run(await self._started())
        pulse = Heartbeat()
        try:
            process = await self._started(*pulse.arguments, keep=pulse.descriptors)
            pulse.started()
            watching = asyncio.create_task(self._watch(process, pulse))
            try:
                await self._run(process)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        finally:
            pulse.close()

    async def _started(self, *arguments: str, keep: Sequence[int] = ()) -> asyncio.subprocess.Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
            pass_fds=keep,
        )
        return process

    async def _watch(self, process: asyncio.subprocess.Process, pulse: Heartbeat) -> None:
        """Kill it when its loop stands still. Only what this process itself was awake for counts as silence."""
        if self._feed is not None:
            await asyncio.shield(self._feed)
        loop = asyncio.get_running_loop()
        silence = 0.0
        while silence < (SILENCE_SECONDS if self.ready.is_set() else START_SECONDS):
            before = loop.time()
            await asyncio.sleep(BEAT_SECONDS)
            passed = loop.time() - before
            silence = 0.0 if pulse.heard() else silence + min(passed, 2 * BEAT_SECONDS)
        stack = await pulse.last_words(process.pid)
        log.error("process stands still, killing it", extra={"child": self.name, "pid": process.pid, "stack": stack})
        _signal(process, signal.SIGKILL)

    async def _run(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        if self._stopping:
            process.terminate()
        if self._feed is not None:
            process.stdin.write(await asyncio.shield(self._feed))
        while line := await process.stdout.readline():
            text = line.decode(errors="replace").rstrip("\n")
            if not self.ready.is_set() and self._is_ready(text):
                self.ready_line = text
                self.failing = False
                self.ready.set()
                self._changed()
            else:
                sys.stderr.write(f"{text}\n")
        self.exit_code = await process.wait()
        self.failing = not self.ready.is_set()
        self.ready.clear()
        self._ended.set()
        self._changed()

    def _not_started(self, error: OSError) -> None:
        log.error("process cannot be started", extra={"child": self.name, "why": error.strerror})
        self.exit_code = CANNOT_RUN
        self.failing = True
        self._ended.set()
        self._changed()

    async def stop(self, patience: float) -> None:
        """SIGTERM, and SIGKILL for what is still there after `patience` seconds."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            await process.wait()


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Without proxies and the like: where requests go is said in the policy alone."""
    left_out = set(steering(environment))
    return {name: value for name, value in environment.items() if name not in left_out}


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
