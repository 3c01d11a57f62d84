"""A policy file that may be edited while it is served."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path

from router.config.load import plan_of, read_bytes
from router.config.problems import PolicyError
from router.core.values import Plan

_Stamp = tuple[int, int, int, int]
_TOO_FRESH_NS = 2_000_000_000
"""A file written this recently may be written again without its stamp changing."""


class PolicyFile:
    """Tells when the file's content has changed; the caller asks every half second or so.

    Editors that replace the file, symbolic links that are swapped (as Kubernetes does with config maps) and edits
    in place are all seen. A new content counts once two polls in a row have seen it: the first half of a policy may
    well be a valid policy, one without its sensitivity section.
    """

    def __init__(self, path: str | Path, *, with_secrets: bool = False) -> None:
        self.path = Path(path)
        self._with_secrets = with_secrets
        self._stamp: _Stamp | None = None
        self._reported: str | None = None
        self._seen_once = ""

    def poll(self) -> Plan | PolicyError | None:
        """The plan of a new content, or what is wrong with it; None when there is nothing new.

        The first poll always answers. Each content, good or broken, is reported once.
        """
        stamp = self._stamp_now()
        if stamp is not None and stamp == self._stamp:
            return None
        self._stamp = None
        try:
            content = read_bytes(self.path)
        except PolicyError as error:
            return error if self._is_news(str(error)) else None
        digest = hashlib.sha256(content).hexdigest()
        news = self._is_news(digest)
        if digest == self._reported:
            self._stamp = stamp
        return self._plan(content) if news else None

    def _is_news(self, content: str) -> bool:
        known, self._seen_once = self._seen_once, content
        if content == self._reported or (self._reported is not None and content != known):
            return False
        self._reported = content
        return True

    def _plan(self, content: bytes) -> Plan | PolicyError:
        try:
            return plan_of(content, str(self.path), now=datetime.now(UTC), with_secrets=self._with_secrets)
        except PolicyError as error:
            return error

    def _stamp_now(self) -> _Stamp | None:
        """None when it cannot be trusted, so that the content is looked at."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        if abs(time.time_ns() - status.st_mtime_ns) < _TOO_FRESH_NS:
            return None
        return status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino
