"""Making the receipt of the next minute from the stream of request records; see `core.audit.receipts`.

The minute is that of an entry's id, which the server gives by its own clock, always behind the ids before: once its
clock shows the next minute, nothing is added to this one any more. The ledger keeps how far receipts are, and how many
entries of the stream they cover: so entries that were dropped before a receipt was made of them do not go unnoticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from router.core.audit.receipts import LEAF, Receipt, ReceiptMaker
from router.ledger.audit import ReceiptRange
from router.ledger.redis_keys import REQUESTS_KEY
from router.ledger.reports.export import COLUMNS, line_of
from router.ledger.reports.record_reader import Entry, RecordReader, position

MINUTE_MILLISECONDS = 60_000
LEAF_COLUMNS = tuple(column for column in COLUMNS if column.name in LEAF)


class Made(Struct, frozen=True):
    minute: float
    """When it began, in seconds since the epoch."""
    receipt: Receipt
    covered: ReceiptRange
    lost: int
    """Entries that were gone before this minute's were read."""


class Covered(Struct, frozen=True):
    """How far receipts are."""

    id: str = ""
    """Of the last entry that one covers; empty before the first."""
    entries: int = 0
    """From the beginning of the stream, with those that were lost."""

    def __str__(self) -> str:
        return f"{self.id}/{self.entries}" if self.id else ""


def read_covered(text: str) -> Covered:
    id, _, entries = text.partition("/")
    return Covered(id, int(entries)) if id else Covered()


async def next_receipt(reader: RecordReader, made: str) -> Made | None:
    """Of the first minute that is over and has records behind those that receipts are `made` of; None where there is
    none. Raises LedgerUnavailable."""
    covered = read_covered(made)
    now = int((await reader.ask("TIME"))[0]) * 1000
    gone = await _dropped(reader)
    maker, last, entries, minute = ReceiptMaker(), "", 0, 0
    skipped = reader.skipped
    async for entry in _behind(reader, covered.id):
        if not last:
            minute = entry.position[0] // MINUTE_MILLISECONDS
            if (minute + 1) * MINUTE_MILLISECONDS > now:
                return None
        elif entry.position[0] // MINUTE_MILLISECONDS != minute:
            break
        for record in entry.records:
            maker.take(line_of(record, LEAF_COLUMNS))
        last, entries = entry.id, entries + 1
        await asyncio.sleep(0)  # a busy minute takes a while, and others have a turn in between
    if not last:
        return None
    skipped = reader.skipped - skipped
    lost = max(0, gone - covered.entries) if covered.id else 0
    before = covered.entries if covered.id else gone
    after = Covered(last, before + lost + entries + skipped)
    receipt = maker.receipt(skipped)
    return Made(minute * MINUTE_MILLISECONDS / 1000, receipt, ReceiptRange(made, str(after)), lost)


async def minute_of(reader: RecordReader, id: str) -> AsyncIterator[Entry]:
    """All entries of the minute of an entry."""
    minute = position(id)[0] // MINUTE_MILLISECONDS
    async for entry in reader.entries(f"{minute * MINUTE_MILLISECONDS}-0"):
        if entry.position[0] // MINUTE_MILLISECONDS != minute:
            return
        yield entry


async def _dropped(reader: RecordReader) -> int:
    """Entries that the stream had and has no more; 0 where there is no stream, or a server does not tell."""
    if not await reader.ask("EXISTS", REQUESTS_KEY):
        return 0
    flat = await reader.ask("XINFO", "STREAM", REQUESTS_KEY)
    facts: dict[bytes, Any] = dict(zip(flat[::2], flat[1::2], strict=True))
    length = int(facts[b"length"])
    return int(facts.get(b"entries-added", length)) - length


def _behind(reader: RecordReader, id: str) -> AsyncIterator[Entry]:
    return reader.entries(f"({id}") if id else reader.entries()
