"""Where requests wait when everything that they are permitted is full."""

from __future__ import annotations

import asyncio
from itertools import count


class Room:
    """First come, first served, over all backends of a worker.

    A request takes a ticket once and keeps it: whoever is woken decides anew, and may wait again in its old place.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tickets = count()
        self._waiters: dict[int, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def ticket(self) -> int:
        return next(self._tickets)

    def wake(self, places: int) -> None:
        """There seems to be room for so many: let the first ones look again."""
        for ticket in sorted(self._waiters)[:places]:
            waiter = self._waiters.pop(ticket)
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, ticket: int, until: float) -> bool:
        """Wait until woken, or until loop time `until`: then False."""
        waiter = self._waiters[ticket] = self._loop.create_future()
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters.pop(ticket, None)
        return True
