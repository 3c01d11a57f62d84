"""Serving in a copy of a process that has imported litellm, so that another one is there at once when it ends.

Importing takes seconds, forking none. When the process that holds the import ends, the copy goes on until the
supervisor has started the adapter anew and the socket is another's.

A copy writes beats to a pipe from its event loop. When that stands still it shows its stacks, if it can, and is killed,
so that its requests go elsewhere instead of waiting.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

LOOK_SECONDS = 0.05
SHORTEST_RUN = 1.0
"""A copy that ended sooner is not the first of its kind: the next one waits as long."""

START_SECONDS = 60.0
"""What a copy may be silent for before its first beat."""
SILENCE_SECONDS = 10.0
"""And after it: longer than what litellm imports when a provider is first asked."""
STACK_SECONDS = 0.5
"""What it gets to write its stacks."""

log = logging.getLogger("breakeven.adapter")

Beat = Callable[[], None]


def keep_serving(serve: Callable[[Beat], None], supervisor: int) -> None:
    """Run `serve` in a copy, and again whenever that ends, until SIGTERM, SIGINT or the end of `supervisor`, which is
    our parent, or was and has ended already. `serve` calls what it is given from its loop, every second at least."""
    ending: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        ending.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=True)
    while not ending and os.getppid() == supervisor:
        began = time.monotonic()
        beats, beat = os.pipe()
        copy = os.fork()
        if copy == 0:
            os.close(beats)
            _serve(partial(serve, partial(_beat, beat)))
        os.close(beat)
        status = _until_ended(copy, Pulse(beats), lambda: bool(ending) or os.getppid() != supervisor)
        os.close(beats)
        if status is None:
            return
        log.error("the serving process ended with %d, another one serves", os.waitstatus_to_exitcode(status))
        if time.monotonic() - began < SHORTEST_RUN:
            time.sleep(SHORTEST_RUN)


def _beat(pipe: int) -> None:
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(pipe, b".")


class Pulse:
    """Listens at the reading end of a copy's pipe. Only what this process itself was awake for counts as silence."""

    def __init__(self, beats: int) -> None:
        os.set_blocking(beats, False)
        self._beats = beats
        self._looked = time.monotonic()
        self._silence = 0.0
        self._most = START_SECONDS

    def stands_still(self) -> bool:
        now = time.monotonic()
        self._silence += min(now - self._looked, 2 * LOOK_SECONDS)
        self._looked = now
        with contextlib.suppress(BlockingIOError):
            if os.read(self._beats, 4096):
                self._silence, self._most = 0.0, SILENCE_SECONDS
        return self._silence > self._most


def _serve(serve: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        serve()
    finally:
        logging.shutdown()
        os._exit(0)


def _until_ended(copy: int, pulse: Pulse, wanted: Callable[[], bool]) -> int | None:
    """Its exit status; None once it was told to end and has."""
    while not wanted():
        pid, status = os.waitpid(copy, os.WNOHANG)
        if pid:
            return status
        if pulse.stands_still():
            _kill(copy)
            return os.waitpid(copy, 0)[1]
        time.sleep(LOOK_SECONDS)
    os.kill(copy, signal.SIGTERM)
    os.kill(copy, signal.SIGCONT)  # one that the system has stopped would never hear of it
    os.waitpid(copy, 0)
    return None


def _kill(copy: int) -> None:
    log.error("the serving process stands still, killing it")
    os.kill(copy, signal.SIGUSR1)
    time.sleep(STACK_SECONDS)
    os.kill(copy, signal.SIGKILL)
