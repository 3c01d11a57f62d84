"""Reading request records: in order, newest first, or as they come. Off the hot path."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import hiredis
from msgspec import Struct

from router.ledger.record import Record, unpack_records
from router.ledger.redis_keys import REQUESTS_KEY
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, connected

CHUNK = 100
"""Entries in one answer; an entry has up to a thousand records."""
FEW = 4
CLOCK_SKEW = 60.0
"""Seconds that a gateway's clock may be ahead of the server's: arrivals carry the one, entries the other."""
_FIRST, _LAST = "-", "+"
_CURSOR = re.compile(r"\d{1,20}-\d{1,20}/\d{1,9}")


class Entry(Struct, frozen=True):
    """One batch of records, as one script call wrote it."""

    id: str
    records: list[Record]

    @property
    def position(self) -> tuple[int, int]:
        return position(self.id)

    @property
    def written(self) -> float:
        """When, in seconds since the epoch, by the server's clock."""
        return self.position[0] / 1000


class Filter(Struct, frozen=True):
    """What is looked for; empty fields match everything."""

    key: str = ""
    teams: frozenset[str] = frozenset()
    """One of these; all without any."""
    model: str = ""
    backend: str = ""
    zone: str = ""
    kind: str = ""
    reason: str = ""
    """A part of the reason, whatever its case."""
    level: str = ""
    endpoint: str = ""
    id: str = ""
    """Of the record or of the request, or how it begins."""
    tag: str = ""
    user: str = ""
    metadata: str = ""
    """An entry and its value, such as "project=apollo"."""
    status: int = 0
    failed: bool = False
    """Only what failed or was refused."""
    since: float = 0.0
    """Arrivals from here on."""
    until: float = float("inf")
    """Arrivals before this."""

    def matches(self, record: Record) -> bool:
        return (
            self.since <= record.at < self.until
            and self.key in ("", record.key)
            and (not self.teams or record.team in self.teams)
            and self.model in ("", record.model)
            and self.backend in ("", record.backend)
            and self.zone in ("", record.zone)
            and self.kind in ("", record.kind)
            and self.level in ("", record.level)
            and self.endpoint in ("", record.endpoint)
            and self.status in (0, record.status)
            and (not self.tag or self.tag in record.tags)
            and (not self.user or f"user={self.user}" in record.dimensions)
            and (not self.metadata or f"metadata.{self.metadata}" in record.dimensions)
            and (not self.id or record.id.startswith(self.id) or record.request.startswith(self.id))
            and (not self.failed or record.error or record.kind == "refused")
            and self.reason.casefold() in record.reason.casefold()
        )


class Page(Struct, frozen=True):
    """Some records, newest first, and what to hand to `newest` for those before them; empty when there are none."""

    records: list[Record]
    before: str = ""
    reached: float = 0.0
    """When the oldest was written that was looked at, in seconds since the epoch; 0 for none."""


class RecordReader:
    """Reads the stream on one connection. Every method raises `LedgerUnavailable`.

    Entries of a form that is not known are passed over, and counted in `skipped`.
    """

    def __init__(self, connection: Connection) -> None:
        self.skipped = 0
        self._connection = connection

    async def entries(self, start: str = _FIRST, chunk: int = CHUNK) -> AsyncIterator[Entry]:
        """Entries from an id on, oldest first. Those that are written meanwhile come too."""
        while found := await self.ask("XRANGE", REQUESTS_KEY, start, _LAST, "COUNT", chunk):
            for entry in self._readable(found):
                yield entry
            start = f"({found[-1][0].decode()}"

    async def entries_back(self, start: str = _LAST, chunk: int = CHUNK) -> AsyncGenerator[Entry]:
        """Entries from an id backwards, newest first: a few at first, because a page seldom needs more."""
        count = min(FEW, chunk)
        while found := await self.ask("XREVRANGE", REQUESTS_KEY, start, _FIRST, "COUNT", count):
            for entry in self._readable(found):
                yield entry
            start, count = f"({found[-1][0].decode()}", min(2 * count, chunk)

    async def records(self, wanted: Filter) -> AsyncIterator[Record]:
        """Matching records in the order of their settlement.

        Begins where arrivals from `wanted.since` on can stand, and goes to the entry that is the last one now, since a
        settlement may come late.
        """
        last = position(await self.last_id())
        start = str(max(0, int((wanted.since - CLOCK_SKEW) * 1000)))
        async for entry in self.entries(start):
            if entry.position > last:
                return
            for record in entry.records:
                if wanted.matches(record):
                    yield record

    async def newest(self, wanted: Filter, limit: int = 100, before: str = "", look_at: int = 100_000) -> Page:
        """At most `limit` matching records, newest first, from the first `look_at` records that are looked at.

        `before` is an earlier page's, or ValueError. A page may be empty and still name what comes before it. What was
        written before `wanted.since` cannot have arrived later, and is not looked at.
        """
        if before and not _CURSOR.fullmatch(before):
            raise ValueError("this page is not one of the list's")
        id, _, taken = before.partition("/")
        records: list[Record] = []
        reached = 0.0
        async for entry in self.entries_back(id or _LAST):
            if entry.written < wanted.since - CLOCK_SKEW:
                return Page(records, reached=entry.written)
            passed = int(taken) if entry.id == id else 0
            for n, record in islice(enumerate(reversed(entry.records)), passed, None):
                if len(records) == limit or look_at == 0:
                    return Page(records, f"{entry.id}/{n}", entry.written)
                look_at -= 1
                if wanted.matches(record):
                    records.append(record)
            reached = entry.written
        return Page(records, reached=reached)

    async def last_id(self) -> str:
        """Id of the newest entry, for `follow`; "0-0" without one."""
        found = await self.ask("XREVRANGE", REQUESTS_KEY, _LAST, _FIRST, "COUNT", 1)
        return found[0][0].decode() if found else "0-0"

    async def follow(
        self, after: str = "", wait: float = 1.0, chunk: int = CHUNK, pause: float = 0.0
    ) -> AsyncIterator[Entry]:
        """Entries as they are written, without end; those after an id, or from now on.

        It blocks its connection, which nothing else may use meanwhile, for `wait` seconds at a time. That has to be
        shorter than the connection's timeout. Where there is not much to read, `pause` seconds between two looks let
        some gather.
        """
        after = after or await self.last_id()
        block = max(1, int(wait * 1000))
        while True:
            answer = await self.ask("XREAD", "COUNT", chunk, "BLOCK", block, "STREAMS", REQUESTS_KEY, after)
            if not answer:
                continue
            found = answer[0][1]
            after = found[-1][0].decode()
            for entry in self._readable(found):
                yield entry
            if pause and len(found) < chunk:
                await asyncio.sleep(pause)

    async def complete(self) -> bool:
        """Whether the stream still has every entry that was ever written to it."""
        try:
            flat = await self._connection.call("XINFO", "STREAM", REQUESTS_KEY)
        except hiredis.ReplyError:
            return False
        facts = dict(zip(flat[::2], flat[1::2], strict=True))
        return bool(facts[b"length"] == facts.get(b"entries-added"))

    def _readable(self, found: list[Any]) -> list[Entry]:
        entries = []
        for id, fields in found:
            try:
                blob = fields[fields.index(b"b") + 1]
                entries.append(Entry(id.decode(), unpack_records(blob)))
            except ValueError:
                self.skipped += 1
        return entries

    async def ask(self, *words: str | int) -> Any:
        """One command that only reads."""
        return await ask(self._connection, *words)


def position(id: str) -> tuple[int, int]:
    """An entry's id as numbers that can be compared."""
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds), int(sequence or 0)


@asynccontextmanager
async def open_records(
    url: str, timeout: float = 5.0, on_lost: Callable[[str], None] = lambda why: None
) -> AsyncIterator[RecordReader]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout, on_lost) as connection:
        yield RecordReader(connection)
