"""Serving in a copy of a process that has imported litellm, so that another one is there at once when it ends.

Importing takes seconds, forking none. When the process that holds the import ends, the copy goes on until the
supervisor has started the adapter anew and the socket is another's.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

LOOK_SECONDS = 0.05
SHORTEST_RUN = 1.0
"""A copy that ended sooner is not the first of its kind: the next one waits as long."""

log = logging.getLogger("breakeven.adapter")


def keep_serving(serve: Callable[[], None], supervisor: int) -> None:
    """Run `serve` in a copy, and again whenever that ends, until SIGTERM, SIGINT or the end of `supervisor`, which is
    our parent, or was and has ended already."""
    ending: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        ending.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    while not ending and os.getppid() == supervisor:
        began = time.monotonic()
        copy = os.fork()
        if copy == 0:
            _serve(serve)
        status = _until_ended(copy, lambda: bool(ending) or os.getppid() != supervisor)
        if status is None:
            return
        log.error("the serving process ended with %d, another one serves", os.waitstatus_to_exitcode(status))
        if time.monotonic() - began < SHORTEST_RUN:
            time.sleep(SHORTEST_RUN)


def _serve(serve: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        serve()
    finally:
        logging.shutdown()
        os._exit(0)


def _until_ended(copy: int, wanted: Callable[[], bool]) -> int | None:
    """Its exit status; None once it was told to end and has."""
    while not wanted():
        pid, status = os.waitpid(copy, os.WNOHANG)
        if pid:
            return status
        time.sleep(LOOK_SECONDS)
    os.kill(copy, signal.SIGTERM)
    os.waitpid(copy, 0)
    return None
