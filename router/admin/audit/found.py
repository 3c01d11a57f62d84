"""What the gateway finds done rather than does: that it began, and that the policy's file was edited on disk.

Who edited the file is not known to it: the file's owner and the machine's own log may say. What was written through the
control plane is in the audit already.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging

from router.admin.audit.recorder import Audit
from router.admin.errors import ApiError
from router.admin.policy.noting import identified
from router.admin.policy.service import PolicyService

PAUSE_SECONDS = 1.0
_NOTED = ("applied", "rolled back")

log = logging.getLogger("breakeven.admin")


class FoundPolicy:
    def __init__(self, desk: PolicyService, audit: Audit, release: str) -> None:
        self._desk = desk
        self._audit = audit
        self._release = release
        self._seen = ""
        """SHA-256 of the policy that the audit knows to be in force here; empty before the first one."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except ApiError as error:  # the next look tries again
                log.error("the audit does not have what was found", extra={"why": str(error)})
            except Exception:  # a defect of ours, after which the next edit must be noted all the same
                log.exception("the policy's edits are not noted")
            await asyncio.sleep(PAUSE_SECONDS)

    async def look(self) -> None:
        """Raises ApiError where it can be noted nowhere."""
        found = hashlib.sha256(self._desk.content).hexdigest()
        undone = self._desk.undone
        if found == self._seen and not undone:
            return
        state = self._desk.state()
        if not self._seen:
            began = {"release": self._release, "policy": identified(found)}
            await self._audit.found("gateway.start", self._audit.gateway, new=began)
        elif undone or self._how(state.version) not in _NOTED:
            old = identified(undone or self._seen)
            await self._audit.found("policy.edit", state.path, old=old, new=identified(found))
        self._seen = found
        self._desk.forget_undone(undone)

    def _how(self, version: str) -> str:
        """How the version in force came to be that."""
        return next((each.how for each in self._desk.history.entries() if each.adopted and each.version == version), "")
