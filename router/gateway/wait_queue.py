"""Where requests wait when everything that they are permitted is full."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterable, Mapping

from router.core.backend_kinds import Capacity
from router.core.values import BackendState
from router.core.waiting import Place, Queues

Waiter = asyncio.Future[None]


class WaitQueue:
    """The queues of `core.waiting`, on an event loop.

    Until whoever is woken has decided it keeps its place, and the room that it was woken for is promised to it. Whoever
    stops waiting, for whatever reason, has to let the fleet know, so that the next ones look again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.queues = Queues[Waiter]()
        self.ends = math.inf
        """Loop time beyond which nobody waits."""
        self._judged_again: Waiter = loop.create_future()

    def __len__(self) -> int:
        return len(self.queues)

    def ticket(self) -> int:
        return self.queues.ticket()

    def queued(self, backend: str) -> int:
        """How many wait for it."""
        return self.queues.queued(backend)

    def for_newcomers(self, states: Mapping[str, BackendState]) -> Mapping[str, BackendState]:
        """See `Queues.for_newcomers`."""
        return self.queues.for_newcomers(states)

    def wake(self, headroom: Callable[[str], int]) -> None:
        """There may be room: let as many of each backend's queue look again as it would take, the first ones first."""
        for waiter in self.queues.first(headroom, _is_there):
            if not waiter.done():
                waiter.set_result(None)

    def end(self, at: float) -> None:
        """Nobody waits beyond loop time `at`; whoever waits now decides anew whether that is of use."""
        self.ends = at
        self.wake(lambda backend: sys.maxsize)

    def judge_again(self) -> None:
        """Something else is in force: whoever waits, here or for a rest to end, looks at once whether it still may."""
        self.wake(lambda backend: sys.maxsize)
        waited, self._judged_again = self._judged_again, self._loop.create_future()
        waited.set_result(None)

    async def rest(self, seconds: float) -> None:
        """Wait so long for nobody's room, or until something else is in force."""
        await asyncio.wait([self._judged_again], timeout=seconds)

    async def wait(self, ticket: int, backends: Iterable[str], until: float) -> bool:
        """Wait in these backends' queues until woken, or until loop time `until`: then False."""
        waiter = self._loop.create_future()
        queues = list(backends)
        self.queues.join(ticket, queues, waiter)
        try:
            async with asyncio.timeout_at(min(until, self.ends)):
                await waiter
        except TimeoutError:
            return False
        finally:
            self.queues.leave(ticket, queues)
        return True


def _is_there(waiter: Waiter) -> bool:
    return not waiter.cancelled()


class Position:
    """One request's position in the queues, see `core.waiting.Place`."""

    def __init__(self, room: WaitQueue, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        self._room = room
        self._loop = loop
        self._place = Place(room.queues, deadline)

    def allow(self, seconds: float) -> None:
        """To wait so long from the first time on that this is called, within the deadline."""
        self._place.allow(self._loop.time(), seconds)

    async def wait(self, limits: Mapping[str, Capacity]) -> bool:
        """Wait for these backends, in those of their queues that are not full; False when all are, or time is up."""
        queues = self._place.open_to(self._loop.time(), limits)
        return bool(queues) and await self._room.wait(self._place.ticket, queues, self._place.until)
