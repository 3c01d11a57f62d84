"""Noting what was done. A change is noted before it is made: what cannot be noted is not done.

Where a change fails after it was noted, that is noted as well, so that the audit does not tell of what never was.
Signing in and out changes nothing, and must be possible while the ledger is lost, which is when somebody has to look:
it waits on this machine's disk until it can be noted. So does what the gateway finds changed, such as the policy's file
edited by hand: at night, with the ledger lost, that is the way that is left, and it is noted when the ledger is back.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router.admin.audit.outbox import Outbox
from router.admin.errors import ApiError
from router.core.audit.entry import Actor, Note
from router.ledger.audit import open_audit
from router.ledger.errors import LedgerUnavailable

PAUSE_SECONDS = 2.0
SOON_SECONDS = 1.0
"""That somebody who signs in waits for a ledger that does not answer."""
_BY_FILE = ": the gateway takes it over, and the audit has it once it can be written"
EMERGENCY = {
    **dict.fromkeys(("policy", "power"), f"In an emergency edit the policy's file on disk{_BY_FILE}"),
    "key": "In an emergency name the key under `keys` in the policy's file on disk, where it counts in place of the "
    f"one of the same name in the ledger, which then works no more{_BY_FILE}",
    "team": "In an emergency give the team its budget under `teams` in the policy's file on disk, where it counts in "
    f"place of the ledger's{_BY_FILE}",
}
"""What to do while nothing can be noted, by what an action is of. An edit of the file ends no key of the ledger by
itself."""

log = logging.getLogger("breakeven.admin")


class Audit:
    def __init__(self, redis: str, folder: Path, clock: Callable[[], float], gateway: str = "") -> None:
        self._redis = redis
        self._clock = clock
        self._outbox = Outbox(folder / "audit-waiting.jsonl")
        self._writing = asyncio.Lock()
        self.gateway = gateway or socket.gethostname()
        """The name of this machine."""

    async def note(
        self, actor: Actor, action: str, subject: str, *, old: Any = None, new: Any = None, note: str = ""
    ) -> None:
        """Before the change is made. Raises ApiError where it cannot be noted, and then must not be made."""
        written = Note(self._clock(), actor, action, subject, old=old, new=new, note=note)
        try:
            async with open_audit(self._redis) as chain:
                await chain.append(written)
        except LedgerUnavailable as error:
            raise ApiError(
                503,
                "audit_unavailable",
                f"this could not be written to the audit ({error}), so nothing was changed. "
                + EMERGENCY.get(action.partition(".")[0], "Try again when the ledger answers"),
                headers={"retry-after": "5"},
            ) from None

    @asynccontextmanager
    async def changing(
        self, actor: Actor, action: str, subject: str, *, old: Any = None, new: Any = None, note: str = ""
    ) -> AsyncIterator[None]:
        """Around a change: noted before, and noted again where it fails. Raises ApiError as `note`."""
        await self.note(actor, action, subject, old=old, new=new, note=note)
        try:
            yield
        except BaseException as error:
            failed = f"it was not done: {error if isinstance(error, ApiError) else 'it failed'}"
            await self.later(actor, action, subject, old=new, new=old, note=failed)
            raise

    async def later(
        self, actor: Actor, action: str, subject: str, *, old: Any = None, new: Any = None, note: str = ""
    ) -> None:
        """Of what is done anyway. Raises ApiError where it can be noted nowhere, not on this machine's disk either."""
        written = Note(self._clock(), actor, action, subject, old=old, new=new, note=note)
        async with self._writing:  # what waits already comes first
            if await asyncio.to_thread(self._outbox.is_empty):
                try:
                    async with open_audit(self._redis, SOON_SECONDS) as chain:
                        await chain.append(written)
                    return
                except LedgerUnavailable as error:
                    log.warning("the audit waits for the ledger", extra={"why": str(error)})
            await self._keep(written)

    async def found(self, action: str, subject: str, *, old: Any = None, new: Any = None) -> None:
        """What this gateway itself found or did; as `later`."""
        await self.later(Actor(self.gateway, "", "gateway", self.gateway), action, subject, old=old, new=new)

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            try:
                async with self._writing:
                    await self._send_waiting()
            except Exception:  # a defect of ours, after which what waits must be sent all the same
                log.exception("the audit was not written")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _keep(self, written: Note) -> None:
        try:
            await asyncio.to_thread(self._outbox.put, written)
        except OSError as error:
            log.error("nothing can be noted in the audit", extra={"why": error.strerror})
            raise ApiError(
                503,
                "audit_unavailable",
                f"this could not be written to the audit: the ledger is lost, and the disk: {error.strerror}",
                headers={"retry-after": "5"},
            ) from None

    async def _send_waiting(self) -> None:
        waiting = await asyncio.to_thread(self._outbox.notes)
        if not waiting:
            return
        sent = 0
        try:
            async with open_audit(self._redis) as chain:
                for each in waiting:
                    await chain.append(each)
                    sent += 1
        except LedgerUnavailable:
            pass
        finally:
            if sent:
                await asyncio.to_thread(self._outbox.keep, waiting[sent:])
                log.info("what waited was written to the audit", extra={"entries": sent})
