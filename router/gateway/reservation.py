"""One request's hold in the ledger, from the moment it was asked for.

Nothing is sent before the ledger has answered, which it does at once where there are no limits. When it is lost, own
backends serve on, since their tokens are not bought; whoever is about to spend money asks for the `admission` once
more. Settling waits for the answer by itself, for the case that the client leaves before it has come.
"""

from __future__ import annotations

import asyncio

from router.core.limits.counters import Admission, Hold
from router.core.values import Settlement
from router.ledger.errors import LedgerUnavailable
from router.ledger.interface import Ledger


class Reservation:
    """`hold` is held, about to be, or, when the ledger is lost, only written down here."""

    __slots__ = ("_asked", "_ledger", "confirmed", "hold")

    def __init__(self, ledger: Ledger, hold: Hold) -> None:
        self.hold = hold
        self.confirmed = False
        """The ledger has answered `admission`."""
        self._ledger = ledger
        self._asked: asyncio.Future[Admission] | None
        try:
            self._asked = ledger.reserve(hold)
        except LedgerUnavailable:
            self._asked = None

    async def admission(self) -> Admission | None:
        """Wait for the ledger's answer. None when it is lost and nothing is held."""
        if self._asked is None:
            return None
        try:
            admission = await self._asked
        except LedgerUnavailable:
            self._asked = None
            return None
        self.confirmed = True
        return admission

    def settle(self, settlement: Settlement) -> None:
        """What really happened replaces the hold; it is recorded by itself when there is none."""
        asked = self._asked
        if asked is None:
            self._ledger.record(settlement, self.hold.counters)
        elif not asked.done():
            asked.add_done_callback(lambda _: self.settle(settlement))
        elif asked.cancelled() or asked.exception() is not None:
            self._ledger.record(settlement, self.hold.counters)
        else:
            self._ledger.settle(settlement)

    def release(self) -> None:
        """Nothing was sent."""
        asked = self._asked
        if asked is None:
            return
        if not asked.done():
            asked.cancel()  # the ledger releases a hold that was made all the same
        elif not asked.cancelled() and asked.exception() is None:
            self._ledger.release(self.hold.id)
