"""Holds that are admitted here, before the server has them.

Nothing can stand in the way of a hold without limits, nor of one that fits the slices of its limits that this worker
was lent, see `core.limits.slices`. So it is admitted while the server answers, written to the journal's holds, and goes
with the next batch; one that ends before that is never sent::

    admits -> journaled -> forget                           it ended before it was sent
                        -> gone, with a batch  -> answered  the server has it
                                               -> put_back  that batch could not take holds: they go with the next one
                        -> lose                             its fate is unknown: it is made again, if it still runs
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from router.core.limits.counters import Hold
from router.core.limits.slices import Share, Slices
from router.ledger.client.batch import Packer
from router.ledger.journal.entries import pack_noted
from router.ledger.journal.log import Log

UNSENT_LIMIT = 80
"""Holds in one call that nobody waits for: room is left for others."""
LATELY = 0.1
"""Seconds since the server answered: longer ago, and whether it still does is not known."""


class EarlyHolds:
    """`unsent` are those that go with the next batch, by id, as the server keeps them."""

    def __init__(self, log: Log) -> None:
        self.unsent: dict[str, bytes] = {}
        self.noted = False
        """Whether the journal has holds under the number of the next batch, so that there has to be one."""
        self.uncertain: Final[set[str]] = set()
        """Ids of those of a batch whose answer never came."""
        self.answered_at = float("-inf")
        """When the server last answered a batch, by the loop's clock."""
        self.slices: Final = Slices()
        self._log = log

    @property
    def due(self) -> bool:
        """Whether there has to be a batch."""
        return self.noted or self.slices.due

    @property
    def is_full(self) -> bool:
        return len(self.unsent) >= UNSENT_LIMIT

    def admits(self, hold: Hold, now: float, packer: Packer, number: int) -> bool:
        """Whether it need not wait for the server: then the journal has it, for the batch of this number."""
        limited = bool(hold.counters.all)
        if limited and not (self._log.takes_holds and self.slices.fits(hold, now)):
            return False
        if now - self.answered_at > LATELY or self.is_full:
            return False
        kept = packer.held(hold, hold.sides)
        if not self._log.hold(number, pack_noted(hold.id, kept)):
            return False
        self.unsent[hold.id] = kept
        self.noted = True
        if limited:
            self.slices.take(hold)
        return True

    def forget(self, hold: Hold) -> bool:
        """It has ended; whether that was before it was sent."""
        if self.unsent.pop(hold.id, None) is None:
            return False
        if hold.counters.all:
            self.slices.undo(hold)
        return True

    def gone(self, now: float) -> list[Share]:
        """A batch has taken all of them; what it says of their slices."""
        self.unsent = {}
        self.noted = False
        return self.slices.ask(now)

    def put_back(self, admitted: dict[str, bytes], shares: Sequence[Share], number: int) -> None:
        """They go with the batch of this number instead."""
        self.slices.put_back(shares)
        for id, kept in admitted.items():
            self._log.hold(number, pack_noted(id, kept), moved=True)
            self.noted = True
        self.unsent = admitted | self.unsent

    def lose(self, on_their_way: Iterable[str] | None) -> None:
        """The server is lost; None when no batch was on its way. Nobody may take what the journal has under the number
        of one that was for what is missing, so there has to be another one."""
        self.uncertain.update(self.unsent)
        self.unsent = {}
        self.slices.lose()
        if on_their_way is not None:
            self.uncertain.update(on_their_way)
            self.noted = True
