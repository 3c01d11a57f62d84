"""Keeps one adapter answering: the next one starts beside it, and takes its place once it answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

from router.app.child_process import ChildProcess

LINK = "adapter.sock"


class AdapterKeeper:
    """`started` makes the process that will listen on a path; `spawn` runs work until serving ends.

    Each adapter has a socket of its own. Workers know a link alone, which leads to the one that answers.
    """

    def __init__(
        self,
        folder: Path,
        started: Callable[[str], ChildProcess],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        patience: float,
    ) -> None:
        self.latest: ChildProcess | None = None
        """The one that is wanted; it may not answer yet."""
        self._answering: ChildProcess | None = None
        self._link = folder / LINK
        self._numbers = count()
        self._started = started
        self._spawn = spawn
        self._patience = patience

    async def renew(self, *, wanted: bool) -> None:
        """Start one for backends that have changed; without need of any, end all."""
        if not wanted:
            await self.stop()
            return
        before = self.latest
        path = self._link.with_name(f"adapter-{next(self._numbers)}.sock")
        self.latest = child = self._started(str(path))
        self._spawn(child.run_forever())
        self._spawn(self._take_place(child, path))
        if before is not None and before is not self._answering:
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
        if before is not None:
            await before.stop(self._patience)

    async def stop(self) -> None:
        ending = {each for each in (self.latest, self._answering) if each is not None}
        self.latest = self._answering = None
        for child in ending:
            await child.stop(self._patience)
