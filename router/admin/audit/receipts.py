"""A receipt a minute, of what requests were and where they went. One of all gateways on a ledger makes them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from datetime import UTC, datetime

from router.core.audit.entry import Actor, Note
from router.ledger.audit import AuditChain, open_audit
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.receipts import Made, next_receipt
from router.ledger.reports.record_reader import RecordReader, open_records

PAUSE_SECONDS = 5.0
LEASE_SECONDS = 20.0

log = logging.getLogger("breakeven.admin")


class ReceiptWriter:
    def __init__(self, redis: str, gateway: str = "") -> None:
        self._redis = redis
        name = gateway or socket.gethostname()
        self._actor = Actor(name, "", "gateway", name)
        self._token = secrets.token_hex(8)
        self._lost = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.write_all()
                self._lost = False
            except LedgerUnavailable as error:
                if not self._lost:
                    log.warning("no receipts are written until the ledger is back", extra={"why": str(error)})
                self._lost = True
            except Exception:  # a defect of ours, after which the next minutes need their receipts all the same
                log.exception("a receipt was not written")
            await asyncio.sleep(PAUSE_SECONDS)

    async def write_all(self) -> int:
        """Of all minutes that are over; how many there were. Raises LedgerUnavailable."""
        written = 0
        async with open_audit(self._redis) as chain, open_records(self._redis) as reader:
            while await chain.lead(self._token, LEASE_SECONDS) and await self._write(chain, reader):
                written += 1
        return written

    async def _write(self, chain: AuditChain, reader: RecordReader) -> bool:
        made = await next_receipt(reader, await chain.receipts_made())
        if made is None:
            return False
        if made.lost:
            await chain.append(self._note(made, "egress.gap", {"entries": made.lost}))
        return await chain.append_receipt(self._note(made, "egress.receipt", made.receipt), made.covered) is not None

    def _note(self, made: Made, action: str, new: object) -> Note:
        minute = f"{datetime.fromtimestamp(made.minute, UTC):%Y-%m-%dT%H:%MZ}"
        return Note(made.minute + 60, self._actor, action, minute, new=new)
