"""Where requests wait when everything that they are permitted is full."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import count

from msgspec.structs import replace

from router.core.backend_kinds import Capacity
from router.core.values import BackendState

Waiter = asyncio.Future[None]


class WaitQueue:
    """A queue for each backend: first come, first served, and nobody waits behind one who waits for another backend.

    A request that several backends may take stands in the queue of each. It takes a ticket once and keeps it: whoever
    is woken decides anew, and may wait again in its old place. Until it has decided it keeps that place, and the
    room that it was woken for is promised to it. Whoever stops waiting, for whatever reason, has to let the fleet know,
    so that the next ones look again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tickets = count()
        self._queues: dict[str, dict[int, Waiter]] = {}
        """By backend and ticket; none is empty."""
        self._size = 0
        self._states: Mapping[str, BackendState] = {}
        self._shown: Mapping[str, BackendState] = {}
        self._moved = False
        """Somebody has come or left since `_shown` was made of `_states`."""
        self.ends = math.inf
        """Loop time beyond which nobody waits."""

    def __len__(self) -> int:
        return self._size

    def ticket(self) -> int:
        return next(self._tickets)

    def queued(self, backend: str) -> int:
        """How many wait for it."""
        return len(self._queues.get(backend, ()))

    def for_newcomers(self, states: Mapping[str, BackendState]) -> Mapping[str, BackendState]:
        """States as those see them who come now: what others wait for is full, or they would overtake them."""
        if not self._queues:
            return states
        if states is not self._states or self._moved:
            # The same object for the same answer: decisions are remembered by it, and a start may take minutes.
            self._states, self._moved = states, False
            self._shown = {name: self._for_newcomers(name, state) for name, state in states.items()}
        return self._shown

    def _for_newcomers(self, name: str, state: BackendState) -> BackendState:
        queued = self.queued(name)
        return replace(state, full=True, load=state.load or f"{queued} wait for it") if queued else state

    def wake(self, headroom: Callable[[str], int]) -> None:
        """There may be room: let as many of each backend's queue look again as it would take, the first ones first."""
        for backend, queue in self._queues.items():
            places = headroom(backend)
            for ticket in sorted(queue):
                if places <= 0:
                    break
                waiter = queue[ticket]
                if not waiter.done():
                    waiter.set_result(None)
                places -= not waiter.cancelled()

    def end(self, at: float) -> None:
        """Nobody waits beyond loop time `at`; whoever waits now decides anew whether that is of use."""
        self.ends = at
        self.wake(lambda backend: sys.maxsize)

    async def wait(self, ticket: int, backends: Iterable[str], until: float) -> bool:
        """Wait in these backends' queues until woken, or until loop time `until`: then False."""
        waiter = self._loop.create_future()
        queues = list(backends)
        self._size += 1
        for backend in queues:
            self._queues.setdefault(backend, {})[ticket] = waiter
        self._moved = True
        try:
            async with asyncio.timeout_at(min(until, self.ends)):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._size -= 1
            self._moved = True
            for backend in queues:
                self._leave(backend, ticket)
        return True

    def _leave(self, backend: str, ticket: int) -> None:
        queue = self._queues[backend]
        del queue[ticket]
        if not queue:
            del self._queues[backend]


class Position:
    """One request's position in the queues. However often it waits, it keeps its turn, and its time to wait is one."""

    def __init__(self, room: WaitQueue, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        self._room = room
        self._loop = loop
        self._deadline = self._until = deadline
        self._ticket: int | None = None
        self._allowed = False

    def allow(self, seconds: float) -> None:
        """To wait so long from the first time on that this is called, within the deadline: a start takes longer than
        a turn."""
        if not self._allowed:
            self._allowed = True
            self._ticket = self._room.ticket() if self._ticket is None else self._ticket
            self._until = min(self._deadline, self._loop.time() + seconds)

    async def wait(self, limits: Mapping[str, Capacity]) -> bool:
        """Wait for these backends, in those of their queues that are not full; False when all are, or time is up."""
        if self._ticket is None:
            self._ticket = self._room.ticket()
            patience = max((limit.queue_timeout for limit in limits.values()), default=0.0)
            self._until = min(self._until, self._loop.time() + patience)
        queues = [name for name, limit in limits.items() if self._room.queued(name) < limit.queue]
        return bool(queues) and await self._room.wait(self._ticket, queues, self._until)
