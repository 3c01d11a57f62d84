"""When a child of the supervisor has to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial


def stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set on SIGTERM, on SIGINT, and when standard input ends, because the supervisor is gone then."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), partial(_supervisor_gone, loop, stop))
    return stop


def _supervisor_gone(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()
