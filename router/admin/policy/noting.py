"""Noting in the audit that a policy is written: by its versions and digests, never by its text."""

from __future__ import annotations

import asyncio
from typing import Any

from router.admin.audit.recorder import Audit
from router.admin.errors import ApiError
from router.core.audit.entry import Actor

_VERSION_DIGITS = 12


class PolicyNoting:
    """Called in the thread that writes, right before it does; made in the event loop's."""

    def __init__(self, audit: Audit, actor: Actor, action: str, path: str, note: str) -> None:
        self._audit = audit
        self._of = actor, action, path
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._noted: tuple[Any, Any] | None = None

    def __call__(self, old: str, new: str) -> None:
        """By their SHA-256. Raises ApiError where it cannot be noted."""
        before, after = identified(old), identified(new)
        work = self._audit.note(*self._of, old=before, new=after, note=self._note)
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
        self._noted = before, after

    async def failed(self, error: ApiError) -> None:
        """It was not written. Where that was noted, this is noted, too."""
        if self._noted is not None:
            before, after = self._noted
            await self._audit.later(*self._of, old=after, new=before, note=f"it was not done: {error}")


def identified(sha256: str) -> dict[str, str]:
    """A policy's text, as the history has it and as any tool makes it of the file."""
    return {"version": sha256[:_VERSION_DIGITS], "sha256": sha256}
