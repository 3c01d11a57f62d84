"""How the adapter is: told by who keeps it, in a file beside its socket, to workers whose requests need it.

off        nobody has needed it yet, or does any more; a worker that does asks for it
starting   it, or the next one in its place, will answer
ready      it answers
failing    it ended before it was ready: it is started again, but nobody waits for that
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from router.system.atomic_file import replace_file

NOTICE_SECONDS = 3.0
"""Within which its keeper has seen that it is gone, that it is asked for, or that the policy wants another one."""
LOOK_SECONDS = 0.05


class AdapterState(StrEnum):
    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"


class Told(NamedTuple):
    """One state, and which one in a row it is: two that read alike may have another between them."""

    state: AdapterState
    number: int


class AdapterStatus:
    """Of the adapter that listens on this socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._state = Path(f"{socket}.state")
        self._asked = Path(f"{socket}.asked")

    # --- for its keeper

    def tell(self, state: AdapterState) -> None:
        """Raises OSError."""
        before = self.told()
        if before is None or before.state is not state:
            number = 0 if before is None else before.number + 1
            replace_file(self._state, f"{state} {number}".encode())

    @property
    def asked(self) -> bool:
        """Whether a request has needed it."""
        return self._asked.exists()

    def clear(self) -> None:
        """Nobody has needed it yet."""
        self._asked.unlink(missing_ok=True)
        self.tell(AdapterState.OFF)

    # --- for workers

    def told(self) -> Told | None:
        """None where nobody keeps an adapter."""
        try:
            state, number = self._state.read_text().split()
            return Told(AdapterState(state), int(number))
        except (OSError, ValueError):
            return None

    @property
    def awaited(self) -> bool:
        """Whether a request that it cannot take now may wait for it."""
        told = self.told()
        return told is not None and told.state is not AdapterState.FAILING

    async def answers(self, until: float, *, refused: bool, unless: Callable[[], bool] = lambda: False) -> bool:
        """Wait until it may answer, at most until that loop time, and ask for it first if nobody has. False when it is
        not to be waited for, or `unless` says so. `refused`: nothing listened, else what did knew no such backend."""
        loop, first = asyncio.get_running_loop(), self.told()
        if first is not None and first.state is AdapterState.OFF:
            self._asked.touch()
        noticed = loop.time() + NOTICE_SECONDS
        while self.awaited and loop.time() < until and not unless():
            await asyncio.sleep(LOOK_SECONDS)
            told = self.told()
            if told is None or told.state in (AdapterState.STARTING, AdapterState.FAILING):
                continue
            if loop.time() >= noticed or (told.state is AdapterState.READY and told != first):
                return True
            if refused and await self._listens():
                return True
        return False

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            return False
        writer.close()
        return True
