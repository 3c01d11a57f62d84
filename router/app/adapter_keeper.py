"""Keeps one adapter answering: the next one starts beside it, and takes its place once it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

from router.app.child_process import ChildProcess
from router.upstream.adapter_status import AdapterState, AdapterStatus

LINK = "adapter.sock"


class AdapterKeeper:
    """`started` makes the process that will listen on a path, and that calls what it is given whenever it is ready or
    is so no more; `spawn` runs work until serving ends.

    Each adapter has a socket of its own. Workers know a link alone, which leads to the one that answers, and read
    beside it whether to wait for the next one. One whose place was taken has `drain` seconds to end its answers; when
    serving ends nobody has an answer any more, and each has `patience` seconds.
    """

    def __init__(
        self,
        folder: Path,
        started: Callable[[str, Callable[[], None]], ChildProcess],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        *,
        drain: float,
        patience: float,
    ) -> None:
        self.latest: ChildProcess | None = None
        """The one that is wanted; it may not answer yet."""
        self.status = AdapterStatus(str(folder / LINK))
        self._answering: ChildProcess | None = None
        self._draining: set[ChildProcess] = set()
        self._link = folder / LINK
        self._numbers = count()
        self._started = started
        self._spawn = spawn
        self._drain = drain
        self._patience = patience
        self.status.clear()

    async def renew(self, *, wanted: bool) -> None:
        """Start one for backends that have changed; without need of any, end all."""
        before, answering = self.latest, self._answering
        if not wanted:
            self.latest = self._answering = None
            self._link.unlink(missing_ok=True)
            self._let_go(answering)
        else:
            path = self._link.with_name(f"adapter-{next(self._numbers)}.sock")
            self.latest = child = self._started(str(path), self._tell)
            self._spawn(child.run_forever())
            self._spawn(self._take_place(child, path))
        self._tell()
        if before is not None and before is not answering:
            await before.stop(self._patience)

    async def _take_place(self, child: ChildProcess, path: Path) -> None:
        await child.ready.wait()
        if child is not self.latest:
            return
        fresh = self._link.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(path.name)
        fresh.replace(self._link)
        before, self._answering = self._answering, child
        self._tell()
        self._let_go(before)

    def _let_go(self, child: ChildProcess | None) -> None:
        if child is not None:
            self._draining.add(child)
            self._spawn(self._end(child))

    async def _end(self, child: ChildProcess) -> None:
        try:
            await child.stop(self._drain + self._patience)
        finally:
            self._draining.discard(child)

    def _tell(self) -> None:
        child = self.latest
        if child is None:
            self.status.tell(AdapterState.OFF)
        elif child.failing:
            self.status.tell(AdapterState.FAILING)
        elif child is self._answering and child.ready.is_set():
            self.status.tell(AdapterState.READY)
        else:
            self.status.tell(AdapterState.STARTING)

    async def stop(self) -> None:
        ending = {each for each in (self.latest, self._answering, *self._draining) if each is not None}
        self.latest = self._answering = None
        await asyncio.gather(*(child.stop(self._patience) for child in ending))
