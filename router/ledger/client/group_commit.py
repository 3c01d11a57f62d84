"""A worker's ledger: the batches, and the server that they go to, which is lost and found again.

Whenever it is found, it is brought everything that it lacks before a batch goes to it: what own batches and those of
workers that are gone have journaled, holds whose fate is unknown, and, where it has lost its books, these.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import hiredis

from router.core.field_names import escape_name
from router.core.resilience.backoff import backoff
from router.ledger.client.batch import Packer
from router.ledger.client.batches import Batches
from router.ledger.client.other_journals import OtherJournals
from router.ledger.client.recovery import Books, LostBooks
from router.ledger.errors import JournalError, LedgerUnavailable
from router.ledger.journal.log import Log, MemoryLog
from router.ledger.pins import Pins
from router.ledger.redis_keys import TIMEZONE_KEY, Calendar
from router.ledger.server.address import parse_address
from router.ledger.server.connection import Connection, connect
from router.ledger.server.wire import pack

WATCH_SECONDS = 1.0
"""Between two looks at whether the server still has our books."""
SWEEPS = 15
"""Looks for each sweep."""
TIDIES = 3600
"""Looks for each time that the journal is tidied."""
LENT_SECONDS = 3.0
"""Beyond `timeout`, that the server lends slices for: of a worker that is gone they are charged after that, until what
it admitted was brought in."""
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 2.0

_log = logging.getLogger(__name__)


class GroupCommitLedger(Batches):
    """Reserve, settle, release, on one connection."""

    def __init__(
        self,
        url: str,
        *,
        timezone: ZoneInfo,
        timeout: float = 1.0,
        retain_days: int = 400,
        retain_requests: int = 200_000,
        owned: Iterable[str] = (),
        log: Log | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ValueError for a URL that cannot be used; the text has no secrets."""
        super().__init__(timezone, log or MemoryLog(), int(1000 * (LENT_SECONDS + timeout)))
        self.pins = Pins(self._transact)
        self._address = parse_address(url)
        self._timeout = timeout
        self._clock = clock
        self._adopt(retain_days, retain_requests, owned)
        self._others = OtherJournals(self._logged, self._sender)
        self._books_lost = False
        """Whether they remain to be brought back, whichever attempt to connect finds the time for it."""
        self._tried = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Connects, or gives up at first: then `available` is False and connecting goes on in the background."""
        self._loop = asyncio.get_running_loop()
        self._tasks = (asyncio.create_task(self._stay_connected()), asyncio.create_task(self._watch_on()))
        await self._tried.wait()

    async def close(self) -> None:
        """Writes what is queued, to the journal at least, and disconnects."""
        self._closing = True
        self._early.slices.end()
        await self.flush()
        self._journal_waiting()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            self._connection.lose("closed")
        known = not self._early.noted and not self._early.uncertain
        self._logged.close(applied=known and self._sender.last >= self._logged.last)

    def retime(
        self, timezone: ZoneInfo, retain_days: int, *, retain_requests: int = 200_000, owned: Iterable[str] = ()
    ) -> None:
        """A new policy: days begin and end elsewhere, totals are kept for another time, other zones are owned."""
        self._calendar = Calendar(timezone)
        self._packer = Packer(self._calendar)
        self._adopt(retain_days, retain_requests, owned)
        self.volume.retime(timezone)
        if self._connection is not None:
            self._connection.send(self._name_timezone(), _ignore)

    def _adopt(self, retain_days: int, retain_requests: int, owned: Iterable[str]) -> None:
        self._retain_requests = retain_requests
        self._sender.retained = retain_days * 86_400
        self._sender.owned = tuple(sorted(map(escape_name, owned)))

    # --- the connection

    async def _stay_connected(self) -> None:
        while True:
            self._lost.clear()
            try:
                await self._connect()
                self._tried.set()
                await self._lost.wait()
            except LedgerUnavailable as error:
                self._still_lost(str(error))
                self._tried.set()
            self._failures += 1
            await asyncio.sleep(backoff(self._failures, _FIRST_BACKOFF, _LONGEST_BACKOFF, random.random()))

    def _still_lost(self, why: str) -> None:
        """Said again only when the reason is another one."""
        if self.available or why != self.why:
            _log.error("ledger not reached: %s", why)
        self.available, self.why = False, why

    async def _connect(self) -> None:
        connection = await connect(self._address, self._timeout, self._on_lost)
        books = Books(connection, self._scripts, self._packer, self._clock)
        try:
            await self._prepare(connection, books)
        except (hiredis.ReplyError, LostBooks, JournalError, ValueError) as error:
            connection.lose(str(error))
            raise LedgerUnavailable(f"{self._address.name}: {error}") from None
        self.available, self.why = True, ""
        self._early.answered_at = self._loop.time()
        _log.info("ledger reached: %s", self._address.name)
        self._send_soon()

    async def _prepare(self, connection: Connection, books: Books) -> None:
        """Writes before anything else, so that a server that cannot is not taken for available."""
        await connection.run(self._name_timezone())
        await books.load_scripts()
        acknowledged, epoch = self._sender.last, self._sender.epoch
        opened = await books.open(self._sender, knows_older=bool(epoch) or self._logged.has_entries)
        if opened.new or (epoch and (opened.epoch != epoch or opened.last < acknowledged)):
            self._books_lost = True
        if opened.former:
            _log.warning("ledger: the books are of an earlier version, and are brought to this one")
            await books.upgrade(self._sender)
        await books.hold(self._sender, [self._live[id] for id in self._early.uncertain if id in self._live])
        await self._bring_own(books)
        await self._others.bring(books)
        if self._books_lost and epoch:
            _log.error("ledger: the server had lost its books; they were brought back from the journal")
            await books.hold_again(self._sender, self._ids, self._live.values())
        await books.until_trusted(opened)
        await books.end_slices({self._sender.writer: self._sender.term})
        await self._sweep(books)
        await self._bring_own(books)
        self._books_lost = False
        self._resume(connection)
        for commands in self.pins.take_waiting():
            connection.send(_transaction(commands), _ignore, ignore=len(commands) + 1)

    async def _bring_own(self, books: Books) -> None:
        """Until nothing is left, for more is journaled meanwhile."""
        self._journal_waiting()
        while self._sender.last < self._logged.last:
            await books.bring(self._sender, self._logged)
            self._journal_waiting()

    async def _transact(self, commands: Sequence[bytes]) -> list[Any]:
        """Commands beside the batches. Raises `LedgerUnavailable`, also when the server refuses them."""
        connection = self._connection
        if connection is None:
            raise LedgerUnavailable(self.why)
        try:
            replies: list[Any] = await connection.run(_transaction(commands), ignore=len(commands) + 1)
        except hiredis.ReplyError as error:
            raise LedgerUnavailable(str(error)) from None
        for reply in replies:
            if type(reply) is hiredis.ReplyError:
                raise LedgerUnavailable(str(reply))
        return replies

    def _name_timezone(self) -> bytes:
        return pack("SET", TIMEZONE_KEY, self._calendar.timezone.key)

    async def _watch_on(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            looks += 1
            self._logged.catch_up()
            if self._connection is not None:
                await self._look(self._connection)
            if looks % SWEEPS == 0:
                await self.sweep()
            if looks % TIDIES == 0:
                await asyncio.to_thread(self._logged.tidy)

    async def _look(self, connection: Connection) -> None:
        try:
            if not await Books(connection, self._scripts, self._packer, self._clock).stand(self._sender):
                connection.lose("the server's books are not the ones that were written to last")
        except LedgerUnavailable:
            pass  # `_on_lost` has seen it
        except hiredis.ReplyError as error:
            connection.lose(str(error))

    async def sweep(self) -> None:
        """Charges the holds of past leases as held, and takes over what all workers have counted."""
        connection = self._connection
        if connection is not None:
            try:
                await self._sweep(Books(connection, self._scripts, self._packer, self._clock))
            except LedgerUnavailable:
                pass  # `_on_lost` has seen it
            except hiredis.ReplyError as error:
                connection.lose(str(error))

    async def _sweep(self, books: Books) -> None:
        charged, counted = await books.sweep(self._sender, self._retain_requests)
        if charged:
            _log.warning("%d reservations were not settled by their lease and were charged as held", charged)
        self.volume.load(counted)


def _transaction(commands: Sequence[bytes]) -> bytes:
    return b"".join((pack("MULTI"), *commands, pack("EXEC")))


def _ignore(reply: object) -> None:
    pass
