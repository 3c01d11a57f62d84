"""The books on the server: beginning them, and bringing in what they lack.

A writer's batches are numbered, and the server keeps the number of the last one that it applied beside what it
counted. So whatever was lost on the way, or by the server itself (a failover to a replica that had missed the last
writes, an old copy that was restored, FLUSHALL), is found by comparing two numbers, and what is missing is in the
journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import hiredis
import msgspec
from msgspec import Struct

from router.core.volume import DAY_QUARTERS, quarter_of
from router.ledger.batch import Batch, Held, Packer, Sender
from router.ledger.connection import Connection
from router.ledger.journaled import operations_of
from router.ledger.layout import EPOCH_KEY, ID_BUCKET_DIGITS, LEASE_BUCKET_SECONDS, WRITERS_KEY, new_epoch
from router.ledger.log import Reading
from router.ledger.scripts import Script, Scripts
from router.ledger.wire import string

GRACE_SECONDS = 3.0
"""How long books that were begun anew are not trusted, so that every writer can bring in what it has."""
_KEPT_QUARTERS = 4 * DAY_QUARTERS
_encode = msgspec.msgpack.Encoder().encode
_decode_sent = msgspec.msgpack.Decoder(tuple[int, int]).decode
"""A writer's term, and the number of its last batch."""


class LostBooks(Exception):
    """The server lost its books, or another one took its place, while they were being read."""


class Opened(Struct, frozen=True):
    epoch: str
    last: int
    """Number of the writer's last batch that these books have."""
    ready: float
    """Seconds since the epoch from which they may be trusted."""
    new: bool


class Books:
    """One server's books, on one connection. Every method raises `LedgerUnavailable` and `hiredis.ReplyError`."""

    def __init__(self, connection: Connection, scripts: Scripts, packer: Packer, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._scripts = scripts
        self._packer = packer
        self._clock = clock

    async def load_scripts(self) -> None:
        for name in Scripts.__struct_fields__:
            await self._connection.run(getattr(self._scripts, name).load())

    async def stand(self, sender: Sender) -> bool:
        """Whether the server still has these books, and all that the sender knows to be in them."""
        known = sender.last
        epoch = await self._connection.call("GET", EPOCH_KEY)
        sent = await self._connection.call("HGET", WRITERS_KEY, sender.writer)
        return epoch == sender.epoch.encode() and sent is not None and _decode_sent(sent)[1] >= known

    async def open(self, sender: Sender, *, knows_older: bool) -> Opened:
        """Begins a new term of the writer; `sender` knows epoch, term and last batch from then on."""
        fields = (*sender.head(), new_epoch(), int(knows_older), self._clock(), GRACE_SECONDS)
        epoch, term, last, ready, new = await self._run(self._scripts.open, fields)
        sender.epoch, sender.term, sender.last = epoch.decode(), term, last
        return Opened(sender.epoch, last, float(ready), bool(new))

    async def applied(self) -> dict[str, int]:
        """By writer, the number of its last batch that these books have."""
        flat = await self._connection.call("HGETALL", WRITERS_KEY)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return {writer.decode(): _decode_sent(sent)[1] for writer, sent in pairs}

    async def bring(self, sender: Sender, reading: Reading) -> int:
        """Sends what was journaled after the sender's last batch; how many batches that were."""
        brought = 0
        for entry in reading.entries(sender.last):
            operations = operations_of(entry.payload)
            await self._apply(sender, Batch(entry.number, operations))
            brought += 1
        return brought

    async def _apply(self, sender: Sender, batch: Batch) -> None:
        (taken, *_) = await self._call(self._scripts.each, self._packer.one_by_one(batch, sender))
        if taken != 1:
            raise LostBooks("the server's books changed while they were brought up to date")
        sender.last = batch.number

    async def hold_again(self, sender: Sender, process: str, running: Iterable[Held]) -> None:
        """Makes the server hold this worker's running requests and no others; `recount` has to follow.

        `process` is what the worker's ids have in common, see `ReservationIds`.
        """
        holds: list[str | msgspec.Raw] = []
        for each in running:
            id = each.hold.id
            holds += (id[:ID_BUCKET_DIGITS], id, string(self._packer.held(each.hold, each.sides)))
        await self._run(
            self._scripts.again, (*sender.head(), process, holds, int(self._clock() // LEASE_BUCKET_SECONDS))
        )

    async def recount(self, sender: Sender) -> list[str]:
        """Names the counters that were wrong, as place and field in turn."""
        wrong = await self._run(self._scripts.recount, sender.head())
        return [name.decode() for name in wrong]

    async def until_trusted(self, opened: Opened) -> None:
        wait = min(opened.ready - self._clock(), GRACE_SECONDS)
        if wait > 0:
            await asyncio.sleep(wait)

    async def sweep(self, sender: Sender, most_records: int) -> tuple[int, Sequence[int]]:
        """How many holds were charged because their lease is over, and the whole volume, flat."""
        more, charged = 1, 0
        counted: Sequence[int] = ()
        while more:
            now = self._clock()
            bucket, oldest = int(now // LEASE_BUCKET_SECONDS), quarter_of(now) - _KEPT_QUARTERS
            fields = (*sender.head(), bucket, oldest, most_records)
            more, number, counted = await self._run(self._scripts.expire, fields)
            charged += number
        return charged, counted

    async def _run(self, script: Script, fields: tuple[Any, ...]) -> Any:
        return await self._call(script, _encode(fields))

    async def _call(self, script: Script, payload: bytes) -> Any:
        try:
            return await self._connection.run(script.run(payload))
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        await self._connection.run(script.load())
        return await self._connection.run(script.run(payload))
