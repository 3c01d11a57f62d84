"""Keeps the process that looks for entities as a policy wants it: the next one starts beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from router.app.child_process import ChildProcess
from router.app.presidio_settings import PresidioSettings
from router.config.presidio_environment import ONE_THREAD, presidio_python
from router.core.sensitivity.entities import EntitySearch

OVERLAP_SECONDS = 60.0
"""How long the one before goes on at most for requests of the policy before, while the next one starts."""


class PresidioKeeper:
    """Each process listens on a socket that is called by what it looks for, so that workers find the one of the policy
    that a request came under. `spawn` runs work until serving ends."""

    def __init__(
        self, folder: Path, package_root: str, spawn: Callable[[Coroutine[Any, Any, None]], None], patience: float
    ) -> None:
        self.latest: ChildProcess | None = None
        self._socket = ""
        self._folder = folder
        self._package_root = package_root
        self._spawn = spawn
        self._patience = patience
        self._ending: set[ChildProcess] = set()
        for left in folder.glob("presidio-*.sock"):
            left.unlink(missing_ok=True)

    def renew(self, search: EntitySearch | None) -> None:
        """Start what this search needs, unless it runs already, and end what the one before needed."""
        socket = "" if search is None else search.socket
        if socket == self._socket:
            return
        before, self._socket = self.latest, socket
        self.latest = None if search is None else self._started(search)
        if before is not None:
            self._ending.add(before)
            self._spawn(self._end(before, self.latest))

    def _started(self, search: EntitySearch) -> ChildProcess:
        presidio = search.presidio
        path = str(self._folder / search.socket)
        settings = PresidioSettings(path, presidio.model, presidio.language, search.entities)
        feed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        feed.set_result(msgspec.json.encode(settings) + b"\n")
        child = ChildProcess(
            "presidio",
            [presidio_python(), "-P", "-m", "router.app.presidio_process"],
            feed=feed,
            environment={"PYTHONPATH": self._package_root, **ONE_THREAD},
            beats=True,
        )
        self._spawn(child.run_forever())
        return child

    async def _end(self, before: ChildProcess, after: ChildProcess | None) -> None:
        try:
            async with asyncio.timeout(OVERLAP_SECONDS):
                if after is not None:
                    await after.ready.wait()
        except TimeoutError:
            pass
        finally:
            await before.stop(self._patience)
            self._ending.discard(before)

    async def stop(self) -> None:
        ending = {*self._ending, *(each for each in (self.latest,) if each is not None)}
        self.latest, self._socket = None, ""
        await asyncio.gather(*(child.stop(self._patience) for child in ending))
