"""Work on what somebody sent, which may take for ever, in a process of its own that is ended after a while.

A thread would not do: it cannot be stopped, and holds up everything else meanwhile.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import multiprocessing
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from router.admin.errors import ApiError

T = TypeVar("T")

SECONDS = 10.0
AT_ONCE = 2
MOST_WAITING = 16
MOST_MEMORY = 2 * 1024**3
"""Bytes of address space beyond what this process has mapped when it forks."""
_PR_SET_PDEATHSIG = 1

log = logging.getLogger("breakeven.admin")


class TimeLimited:
    """Runs functions in forks of this process, so that they may use whatever is here; what they return is copied back.

    They may not wait for locks that a thread here may have held at the fork.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._fork = multiprocessing.get_context("fork")

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, or the ApiError that it raises. Raises ApiError 503 when there is no end to it."""
        if self._waiting >= MOST_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        try:
            return await self._run(work)
        finally:
            self._places.release()

    async def _run(self, work: Callable[[], T]) -> T:
        mine, its = self._fork.Pipe(duplex=False)
        process = self._fork.Process(target=_do, args=(its, work), daemon=True)
        process.start()
        its.close()
        try:
            told = await asyncio.to_thread(_received, mine, SECONDS)
        finally:
            process.kill()
            await asyncio.to_thread(process.join)
            process.close()
            mine.close()
        result: T = _result(told)
        return result


def _received(mine: Connection, seconds: float) -> bytes:
    """Empty when nothing comes in time, or the process ends without a word."""
    try:
        return mine.recv_bytes() if mine.poll(seconds) else b""
    except (EOFError, OSError):
        return b""


def _result(told: bytes) -> Any:
    if not told:
        message = f"this took longer than {SECONDS:g} seconds, or more memory than there is for it, and was stopped"
        raise ApiError(503, "took_too_long", message)
    result = pickle.loads(told)  # noqa: S301 - from a fork of this process
    if isinstance(result, ApiError):
        raise result
    if isinstance(result, _Defect):
        log.error("work failed", extra={"error": result.error, "trace": result.trace})
        raise RuntimeError(result.error)
    return result


class _Defect:
    """An error of ours: its type and its place, never its message, which may hold what was sent."""

    def __init__(self, error: BaseException) -> None:
        self.error = type(error).__name__
        self.trace = "".join(traceback.format_tb(error.__traceback__))


def _do(its: Connection, work: Callable[[], object]) -> None:
    """In the fork."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _limit_memory()
    result: object
    try:
        result = work()
    except (MemoryError, RecursionError):
        return
    except ApiError as error:
        result = error
    except Exception as error:
        result = _Defect(error)
    its.send_bytes(pickle.dumps(result))


def _limit_memory() -> None:
    """What is mapped counts too, stacks and arenas: an absolute limit would leave a large process nothing."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = _mapped() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _mapped() -> int:
    """Bytes of address space; 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[0]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


def _busy() -> ApiError:
    message = "too much is being worked out at the same time: try again"
    return ApiError(503, "busy", message, headers={"retry-after": "2"})
