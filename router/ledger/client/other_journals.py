"""Journals of workers that are gone: what they have written down and the server has not is brought in."""

from __future__ import annotations

import logging

from router.ledger.client.batch import Sender
from router.ledger.client.recovery import Books
from router.ledger.journal.entries import noted_of
from router.ledger.journal.log import Log, Orphan, Reading
from router.ledger.redis_keys import NO_LATER_TERM

_log = logging.getLogger(__name__)


class OtherJournals:
    def __init__(self, logged: Log, own: Sender) -> None:
        """`own` says how long totals are kept and which zones are owned."""
        self._logged = logged
        self._own = own
        self._former: dict[str, int] = {}
        """By retired writer, the last of its batches that these books were seen to have: they never become more."""

    async def bring(self, books: Books) -> None:
        """What workers that are gone have journaled, and the server has not."""
        brought = 0
        ended: list[str] = []
        for orphan in self._logged.orphans():
            try:
                brought += await self._bring_orphan(books, orphan)
                ended.append(orphan.writer)
                orphan.retire()
            finally:
                orphan.close()
        retired = list(self._logged.retired())
        applied = await books.applied([former.writer for former in retired])
        for former in retired:
            ended.append(former.writer)
            last = applied.get(former.writer, 0)
            if last < self._former.get(former.writer, last + 1):
                if any(True for _ in former.entries(last)):
                    brought += await self._bring_other(books, former)
                else:
                    self._former[former.writer] = last
        # Each time of all: books that lost their last writes do not know it any more.
        await books.end_slices(dict.fromkeys(ended, NO_LATER_TERM))
        if brought:
            _log.warning("ledger: %d batches of workers that are gone were brought in", brought)

    async def _bring_orphan(self, books: Books, orphan: Orphan) -> int:
        sender = await self._opened(books, orphan)
        # Before a batch goes in parts, its holds are made, or noted for the next one: those that are left have ended.
        last = sender.last + 1 if sender.part else sender.last
        await books.make_holds(sender, [noted_of(payload) for payload in orphan.holds(last)])
        return await books.bring(sender, orphan)

    async def _bring_other(self, books: Books, reading: Reading) -> int:
        return await books.bring(await self._opened(books, reading), reading)

    async def _opened(self, books: Books, reading: Reading) -> Sender:
        sender = Sender(reading.writer, self._own.retained, self._own.owned)
        await books.open(sender, knows_older=True)
        return sender
