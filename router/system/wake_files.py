"""What one gateway's workers ask its controller for while the ledger is lost: a file for each backend that is wanted.

Its time says when it was last asked for. Nothing of it is needed again, so nothing is synced.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import quote, unquote

FRESH_SECONDS = 15.0
"""A request that has said for so long nothing of its waiting waits no more."""


class WakeFiles:
    """What cannot be written or read is nobody's wish."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, backend: str) -> None:
        """A request waits that only this backend may serve, and it is off."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / quote(backend, safe="")).touch(mode=0o600)
        except OSError:
            return

    def take(self) -> frozenset[str]:
        """Backends that were asked for just now."""
        oldest = time.time() - FRESH_SECONDS
        try:
            with os.scandir(self._folder) as entries:
                return frozenset(unquote(each.name) for each in entries if each.stat().st_mtime >= oldest)
        except OSError:
            return frozenset()
