"""The chain of the audit, in the ledger: one for all gateways, and for commands on any machine.

    be:{ledger}:audit            list of lines, the oldest first; see `core.audit.entry`
    be:{ledger}:audit:receipts   how far receipts of request records are, see `reports.receipts`
    be:{ledger}:audit:lease      the token of the one gateway that makes them; expires

It is in the ledger because that is the one place which all that change something can reach, and which outlives every
machine. Whoever adds an entry reads the last one, makes the line, and has a script put it behind that very line; where
somebody else was quicker it is made again. Nothing here changes or removes a line.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources

from msgspec import Struct

from router.core.audit.chain import Anchor
from router.core.audit.entry import FIRST, Entry, Note, read_entry, sealed
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import AUDIT_KEY, AUDIT_LEASE_KEY, AUDIT_RECEIPTS_KEY
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, connected

CHUNK = 500
_TRIES = 100


class ReceiptRange(Struct, frozen=True):
    """From where to where a receipt goes. `after` is empty for the first one."""

    after: str
    last: str


class AuditChain:
    """On a connection that may be anybody's. Every method raises `LedgerUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        folder = resources.files("router.ledger.scripts")
        self._script, self._lease = ((folder / name).read_text() for name in ("audit.lua", "lease.lua"))

    async def append(self, note: Note) -> Entry:
        """Raises ValueError for an action that is none."""
        for _ in range(_TRIES):
            line, last = await self._next(note)
            if await self._add(last, [line]):
                return read_entry(line)
        raise LedgerUnavailable("others keep writing to the audit at the same time")

    async def append_receipt(self, note: Note, covered: ReceiptRange) -> Entry | None:
        """None where another gateway has made the receipt meanwhile."""
        for _ in range(_TRIES):
            line, last = await self._next(note)
            if await self._add(last, [line], covered):
                return read_entry(line)
            if await self.receipts_made() != covered.after:
                return None
        raise LedgerUnavailable("others keep writing to the audit at the same time")

    async def lead(self, token: str, seconds: float) -> bool:
        """Whether this is the one gateway that makes receipts, for so long; False while another one is."""
        return bool(await ask(self._connection, "EVAL", self._lease, 1, AUDIT_LEASE_KEY, token, int(seconds * 1000)))

    async def give_back(self, last: bytes, lines: Sequence[bytes]) -> bool:
        """Lines that were lost, behind the one that it ends with, empty for none; False where it ends otherwise."""
        return await self._add(last, lines)

    async def receipts_made(self) -> str:
        return (await ask(self._connection, "GET", AUDIT_RECEIPTS_KEY) or b"").decode()

    async def length(self) -> int:
        return int(await ask(self._connection, "LLEN", AUDIT_KEY))

    async def line(self, place: int) -> bytes:
        """The first one is at 0, the last one at -1; empty where there is none."""
        return await ask(self._connection, "LINDEX", AUDIT_KEY, place) or b""

    async def part(self, first: int, last: int) -> list[bytes]:
        """Lines by their places, both included."""
        return list(await ask(self._connection, "LRANGE", AUDIT_KEY, first, last))

    async def lines(self, start: int = 0) -> AsyncIterator[bytes]:
        """From a place on, those that are written meanwhile, too."""
        while found := await self.part(start, start + CHUNK - 1):
            for line in found:
                yield line
            start += len(found)

    async def anchor(self) -> Anchor | None:
        """Of the last entry; None without one. Raises ValueError where that cannot be read."""
        last = await self.line(-1)
        if not last:
            return None
        entry = read_entry(last)
        return Anchor(entry.seq, entry.hash)

    async def _next(self, note: Note) -> tuple[bytes, bytes]:
        """The line, and the one that it goes behind."""
        last = await self.line(-1)
        if not last:
            return sealed(note, 1, FIRST), last
        try:
            entry = read_entry(last)
        except ValueError:  # it is found by whoever verifies, and keeps nobody from ending a key that leaked
            return sealed(note, await self.length() + 1, hashlib.sha256(last).hexdigest()), last
        return sealed(note, entry.seq + 1, entry.hash), last

    async def _add(self, last: bytes, lines: Sequence[bytes], covered: ReceiptRange | None = None) -> bool:
        expected = hashlib.sha1(last, usedforsecurity=False).hexdigest() if last else ""
        receipts = ("", "") if covered is None else (covered.after, covered.last)
        keys = AUDIT_KEY, AUDIT_RECEIPTS_KEY
        return bool(await ask(self._connection, "EVAL", self._script, 2, *keys, expected, *receipts, *lines))


@asynccontextmanager
async def open_audit(url: str, timeout: float = 5.0) -> AsyncIterator[AuditChain]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield AuditChain(connection)
