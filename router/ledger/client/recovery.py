"""The books on the server: beginning them, and bringing in what they lack.

A writer's batches are numbered, and the server keeps the number of the last one that it applied beside what it
counted. So whatever was lost on the way, or by the server itself (a failover to a replica that had missed the last
writes, an old copy that was restored, FLUSHALL), is found by comparing two numbers, and what is missing is in the
journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import hiredis
import msgspec
from msgspec import Struct

from router.core.cost.volume import DAY_QUARTERS, quarter_of
from router.ledger.client.batch import Batch, Held, Packer, Sender
from router.ledger.journal.entries import operations_of
from router.ledger.journal.log import Reading
from router.ledger.redis_keys import (
    EPOCH_KEY,
    ID_BUCKET_DIGITS,
    LAYOUT,
    LEASE_BUCKET_SECONDS,
    PREFIX,
    SLICED_KEY,
    WRITERS_KEY,
    ReservationIds,
    new_epoch,
)
from router.ledger.scripts import Script, Scripts
from router.ledger.server.connection import Connection
from router.ledger.server.scan import scan_hash
from router.ledger.server.wire import string

T = TypeVar("T")

GRACE_SECONDS = 3.0
"""How long books that were begun anew are not trusted, so that every writer can bring in what it has."""
PATIENCE = 10.0
"""Seconds that one step of catching up may take: nobody waits for it, and giving up would only begin it anew.

A step is small, so it takes long only where the server is busy with others.
"""
PART = 3
"""Operations that are applied one by one in one call."""
HELD_AGAIN = 20
"""Holds that are made or ended in one call."""
CHARGED = 4
"""Holds that are charged in one call."""
CELLS = 50
"""Cells that are brought to this layout in one call."""
_ENTRIES = 16
"""Of the stream, that one call of a sweep looks at."""
_BUCKETS_AT_ONCE = 200
_UPGRADED_DAYS = 33
"""No limit counts longer than a month."""
_KEPT_QUARTERS = 4 * DAY_QUARTERS
LAYOUT_KEY, UPGRADE_KEY = PREFIX + "layout", PREFIX + "upgrade"
_HELD_MINUTES = 4 * 24 * 60
"""How far back a worker looks for what it held: charges are kept for two days, and so are copies of the books."""
_encode = msgspec.msgpack.Encoder().encode
_decode_sent = msgspec.msgpack.Decoder(tuple[int, ...]).decode
"""A writer's term, the number of its last batch, and how much of the next one was applied, if it came in parts."""


class LostBooks(Exception):
    """The server lost its books, or another one took its place, while they were being read."""


class Opened(Struct, frozen=True):
    epoch: str
    last: int
    """Number of the writer's last batch that these books have."""
    ready: float
    """Seconds since the epoch from which they may be trusted."""
    new: bool
    former: bool
    """Whether they are in an earlier layout."""


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
        fields = (*sender.head(), new_epoch(), int(knows_older), self._clock(), GRACE_SECONDS, LAYOUT)
        epoch, term, last, ready, new, part, current = await self._run(self._scripts.open, fields)
        sender.epoch, sender.term, sender.last, sender.part = epoch.decode(), term, last, part
        return Opened(sender.epoch, last, float(ready), bool(new), not current)

    async def upgrade(self, sender: Sender) -> None:
        """Brings books of an earlier layout to this one, as far as limits need it, in small pieces.

        Others may do the same, and count in these books, meanwhile.
        """
        now = self._clock()
        for ago in range(-1, _UPGRADED_DAYS):
            day = datetime.fromtimestamp(now - ago * 86_400, UTC).date().isoformat()
            while await self._run(self._scripts.upgrade, (*sender.head(), day, CELLS)):
                pass
        await self._connection.call("SET", LAYOUT_KEY, LAYOUT)
        await self._connection.call("DEL", UPGRADE_KEY)

    async def applied(self, writers: Sequence[str]) -> dict[str, int]:
        """By writer, the number of its last batch that these books have; of these alone, for there may be many more."""
        found: dict[str, int] = {}
        for some in _chunks(writers, _BUCKETS_AT_ONCE):
            values = await self._connection.call("HMGET", WRITERS_KEY, *some)
            known = zip(some, values, strict=True)
            found |= {writer: _decode_sent(sent)[1] for writer, sent in known if sent is not None}
        return found

    async def bring(self, sender: Sender, reading: Reading) -> int:
        """Sends what was journaled after the sender's last batch; how many batches that were."""
        brought = 0
        for entry in reading.entries(sender.last):
            operations = operations_of(entry.payload)
            await self._apply(sender, Batch(entry.number, operations))
            brought += 1
        return brought

    async def _apply(self, sender: Sender, batch: Batch) -> None:
        for payload, part in self._packer.in_parts(batch, sender, PART):
            (taken, *_) = await self._call(self._scripts.each, payload)
            if taken != 1:
                raise LostBooks("the server's books changed while they were brought up to date")
            sender.part = part
        sender.last = batch.number

    async def end_slices(self, terms: Mapping[str, int]) -> None:
        """All that these writers admitted out of slices before these terms is here: what is left of them is free, and
        charged no more."""
        for some in _chunks(list(terms.items()), _BUCKETS_AT_ONCE):
            await self._connection.call("HSET", SLICED_KEY, *(word for each in some for word in each))

    async def hold_again(self, sender: Sender, ids: ReservationIds, running: Iterable[Held]) -> None:
        """Makes the server hold this worker's running requests and no others of its ids."""
        again = {each.hold.id: each for each in running}
        await self.hold(sender, list(again.values()))
        async for bucket, found in self._held(ids):
            ended = [id for id in found if id not in again]
            for some_ids in _chunks(ended, CHARGED):
                await self._correct_holds(sender, [], [part for id in some_ids for part in (bucket, id)])

    async def hold(self, sender: Sender, running: Sequence[Held]) -> None:
        """Makes the server hold these requests, unless it does, or has charged them."""
        await self.make_holds(sender, [(each.hold.id, self._packer.held(each.hold, each.sides)) for each in running])

    async def make_holds(self, sender: Sender, kept: Sequence[tuple[str, bytes]]) -> None:
        """The same, from ids and holds as the server keeps them."""
        for some in _chunks(kept, HELD_AGAIN):
            holds: list[str | msgspec.Raw] = []
            for id, hold in some:
                holds += (id[:ID_BUCKET_DIGITS], id, string(hold))
            await self._correct_holds(sender, holds, [])

    async def _correct_holds(self, sender: Sender, holds: list[str | msgspec.Raw], ended: list[str]) -> None:
        now = int(self._clock() // LEASE_BUCKET_SECONDS)
        await self._run(self._scripts.again, (*sender.head(), holds, ended, now))

    async def _held(self, ids: ReservationIds) -> AsyncIterator[tuple[str, list[str]]]:
        """What the server holds of these ids, or has charged, by lease bucket, a few at a time."""
        first = max(ids.first_bucket, ids.last_bucket - _HELD_MINUTES)
        buckets = [f"{bucket:0{ID_BUCKET_DIGITS}d}" for bucket in range(first, ids.last_bucket + 1)]
        keys = [(bucket, f"{PREFIX}{kind}:{bucket}") for bucket in buckets for kind in ("hold", "charged")]
        for some in _chunks(keys, _BUCKETS_AT_ONCE):
            sizes = await asyncio.gather(*(self._connection.call("HLEN", key) for _, key in some))
            for bucket, key in [each for each, size in zip(some, sizes, strict=True) if size]:
                async for flat in scan_hash(self._connection, key):
                    found = [field.decode() for field in flat[::2]]
                    yield bucket, [id for id in found if id[ID_BUCKET_DIGITS:].startswith(ids.process)]

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
            fields = (*sender.head(), bucket, oldest, most_records, CHARGED, _ENTRIES)
            more, number, counted = await self._run(self._scripts.expire, fields)
            charged += number
        return charged, counted

    async def _run(self, script: Script, fields: tuple[Any, ...]) -> Any:
        return await self._call(script, _encode(fields))

    async def _call(self, script: Script, payload: bytes) -> Any:
        try:
            return await self._connection.run(script.run(payload), PATIENCE)
        except hiredis.ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        # At once, for between two calls the script may be forgotten again.
        return await self._connection.run(script.load() + script.run(payload), PATIENCE, ignore=1)


def _chunks(every: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for first in range(0, len(every), size):
        yield every[first : first + size]
