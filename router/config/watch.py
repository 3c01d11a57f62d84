"""A policy file that may be edited while it is served."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path

from router.config.load import plan_of, read_bytes
from router.config.problems import PolicyError, Problem
from router.core.values import Plan
from router.system.open_files import has_writer

_Stamp = tuple[int, int, int, int]
_TOO_FRESH_NS = 2_000_000_000
"""A file written this recently may be written again without its stamp changing."""
_LONG_OPEN = 20
"""Polls after which it is told that whoever writes the file has not closed it."""

_STILL_OPEN = "another program has it open for writing: it is adopted once that closes it"
_CUT_SHORT = (
    "this is the beginning of the policy in force and ends within a line, as if its writing had been cut short: save "
    "it whole, with a line end after its last line"
)


class PolicyFile:
    """Tells when the file's content has changed; the caller asks every half second or so.

    Editors that replace the file, symbolic links that are swapped (as Kubernetes does with config maps) and edits
    in place are all seen. The first half of a policy may well be a valid policy, one without its sensitivity section.
    So a new content counts once two polls in a row have seen it, and nobody has the file open for writing, where the
    system tells; and one that was written over the policy in force, and ends within one of its lines, counts as broken.
    """

    def __init__(self, path: str | Path, *, with_secrets: bool = False) -> None:
        self.path = Path(path)
        self._with_secrets = with_secrets
        self._stamp: _Stamp | None = None
        self._reported: str | None = None
        self._seen_once = ""
        self._open_for = 0
        """Polls in a row at which somebody had a new content open for writing."""
        self._in_force = b""
        self._written_in = 0
        """The file's number, which stays when it is written over and not when it is replaced."""

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
        written_in = self._number()
        cut_short = self._is_cut_short(content, written_in)
        # Put there whole, the same content is another one.
        digest = hashlib.sha256(content).hexdigest() + (":cut short" if cut_short else "")
        if self._reported is not None and digest != self._reported and has_writer(self.path):
            return self._still_open()
        self._open_for = 0
        news = self._is_news(digest)
        if digest == self._reported:
            self._stamp = stamp
        if not news:
            return None
        return self._error(_CUT_SHORT) if cut_short else self._plan(content, written_in)

    def _is_cut_short(self, content: bytes, written_in: int) -> bool:
        if written_in != self._written_in or content.endswith(b"\n"):
            return False
        return len(content) < len(self._in_force) and self._in_force.startswith(content)

    def _still_open(self) -> PolicyError | None:
        self._open_for += 1
        self._seen_once = ""
        return self._error(_STILL_OPEN) if self._open_for == _LONG_OPEN else None

    def _error(self, message: str) -> PolicyError:
        return PolicyError([Problem(str(self.path), 0, 0, "", message)])

    def _is_news(self, content: str) -> bool:
        known, self._seen_once = self._seen_once, content
        if content == self._reported or (self._reported is not None and content != known):
            return False
        self._reported = content
        return True

    def _plan(self, content: bytes, written_in: int) -> Plan | PolicyError:
        try:
            plan = plan_of(content, str(self.path), now=datetime.now(UTC), with_secrets=self._with_secrets)
        except PolicyError as error:
            return error
        self._in_force, self._written_in = content, written_in
        return plan

    def _number(self) -> int:
        try:
            return self.path.stat().st_ino
        except OSError:
            return 0

    def _stamp_now(self) -> _Stamp | None:
        """None when it cannot be trusted, so that the content is looked at."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        if abs(time.time_ns() - status.st_mtime_ns) < _TOO_FRESH_NS:
            return None
        return status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino
