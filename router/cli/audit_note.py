"""Noting what a command changes, before it changes it: what cannot be noted is not done."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from router.core.audit.entry import Actor, Note
from router.ledger.audit import open_audit
from router.ledger.errors import LedgerUnavailable


@asynccontextmanager
async def noted(url: str, action: str, subject: str, *, old: Any = None, new: Any = None) -> AsyncIterator[None]:
    """Around a change; where it fails that is noted, too. Who runs the command is who the machine says they are.

    Raises LedgerUnavailable.
    """
    actor = Actor(user(), "", "command", socket.gethostname())
    async with open_audit(url) as chain:
        await chain.append(Note(time.time(), actor, action, subject, old, new))
    try:
        yield
    except Exception as error:
        with suppress(LedgerUnavailable):
            async with open_audit(url) as chain:
                failed = f"it was not done: {error}"
                await chain.append(Note(time.time(), actor, action, subject, old=new, new=old, note=failed))
        raise


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"
