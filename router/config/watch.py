"""A policy file that may be edited while it is served."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from router.config.applied_policy import is_copy_of, was_applied
from router.config.cut_short import is_cut_short, may_go_on
from router.config.load import plan_of, read_bytes, version_of
from router.config.lost_sections import lost_sections, protects_less
from router.config.problems import PolicyError, Problem, field_name
from router.core.policy import Policy
from router.core.values import Plan
from router.system.open_files import has_writer

_Stamp = tuple[int, int, int, int]
_TOO_FRESH_NS = 2_000_000_000
"""A file written this recently may be written again without its stamp changing."""
_LONG_OPEN = 20
"""Polls after which it is told that whoever writes the file has not closed it."""
QUIET_SECONDS = 3.0
"""How long a new content must have stood unchanged where the system does not tell whether somebody writes the file."""
LONG_QUIET_SECONDS = 30.0
"""The same for one that ends where the policy in force goes on: a copy over a slow network may only have paused."""

_STILL_OPEN = "another program has it open for writing: it is adopted once that closes it"
_CUT_SHORT = (
    "ends within a line, as if its writing had been cut short: save it whole, with a line end after its last line"
)
_MAY_GO_ON = (
    "ends where the policy in force goes on, and whether it is still being written cannot be known here: "
    f"it is adopted once it has not changed for {LONG_QUIET_SECONDS:.0f} s, or at once when it ends otherwise"
)
_ENDS_EARLY = (
    "ends where the policy in force goes on, which says more at `{}`, as if the rest had not been written: "
    "if that is meant, end it with a line `...`"
)
_HOW_TO_LOSE = ", apply it on the dashboard's page Policy, or start the gateway with --accept-policy"


def damage(path: Path, content: bytes, after: Policy, before: bytes, in_force: Policy) -> PolicyError | None:
    """What looks as if it had happened to the file, rather than been done by somebody. `before` is the text of the
    policy in force."""
    if is_cut_short(content, before):
        return _error(path, _CUT_SHORT)
    if lost := tuple(lost_sections(in_force, after)):
        return PolicyError(
            Problem(str(path), 0, 0, field_name(each.path), each.message + _HOW_TO_LOSE) for each in lost
        )
    if may_go_on(content, before) and (place := protects_less(in_force, after)):
        return _error(path, _ENDS_EARLY.format(place) + _HOW_TO_LOSE)
    return None


def refusal(path: str | Path, after: Plan, last_good: Path) -> PolicyError | None:
    """Why a gateway that serves the file at this path, and keeps a copy of what was last in force, would refuse what
    the file says by now; None where it would not, and where there is no copy of this file's, or none to be read."""
    try:
        if not is_copy_of(last_good, path):
            return None
        content, before = read_bytes(path), read_bytes(last_good)
        if version_of(content) != after.version or was_applied(last_good, content):
            return None
        in_force = plan_of(before, str(last_good), now=datetime.now(UTC)).policy
    except (PolicyError, OSError):
        return None
    return damage(Path(path), content, after.policy, before, in_force)


def _error(path: Path, message: str) -> PolicyError:
    return PolicyError([Problem(str(path), 0, 0, "", message)])


class PolicyFile:
    """Tells when the file's content has changed; the caller asks every half second or so.

    Editors that replace the file, symbolic links that are swapped (as Kubernetes does with config maps) and edits
    in place are all seen. The first half of a policy may well be a valid policy, one without its sensitivity section.
    So a new content counts once two polls in a row have seen it and nobody has the file open for writing; where the
    system does not tell that, once it has stood unchanged for some seconds. One that was cut short counts as broken;
    so does one that lost a section of the policy in force which protects, or ends where that goes on to protect more,
    unless somebody applied it on purpose.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        with_secrets: bool = False,
        last_good: Path | None = None,
        writer: Callable[[Path], bool | None] = has_writer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`last_good`: where the copy of the policy in force is kept.

        `writer`: whether somebody has a file open for writing, None where that cannot be known.
        """
        self.path = Path(path)
        self._with_secrets = with_secrets
        self._last_good = last_good
        self._writer = writer
        self._clock = clock
        self._stamp: _Stamp | None = None
        self._reported: str | None = None
        self._seen_once = ""
        self._open_for = 0
        """Polls in a row at which somebody had a new content open for writing."""
        self._quiet_as: tuple[str, _Stamp | None] = ("", None)
        self._quiet_since = 0.0
        self._told_to_go_on = ""
        self._in_force = b""
        self._policy: Policy | None = None
        """In force."""

    def resume(self, *, with_secrets: bool = False) -> tuple[Plan, bytes]:
        """What was in force before this process began, by the copy of it, and its text: the file is judged against it.

        Raises PolicyError when there is no copy, or none that can be used.
        """
        content = read_bytes(self._last_good or "")
        plan = plan_of(content, str(self._last_good), now=datetime.now(UTC), with_secrets=with_secrets)
        self._in_force, self._policy = content, plan.policy
        self._reported = self._digest(content)
        return plan, content

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
        digest = self._digest(content)
        if self._reported is not None and digest != self._reported and not self._was_applied(content):
            written = self._writer(self.path)
            if written:
                return self._still_open()
            self._open_for = 0
            if written is None and not self._is_quiet(digest, self._needed(content)):
                return self._may_go_on(digest, content)
        self._open_for = 0
        news = self._is_news(digest)
        if digest == self._reported:
            self._stamp = stamp
        return self._plan(content) if news else None

    def has_told(self, content: bytes) -> bool:
        """Whether a poll has told what this content is, or that it is not known whether it is written to its end."""
        digest = hashlib.sha256(content).hexdigest()
        return self._open_for >= _LONG_OPEN or digest in (self._reported, self._told_to_go_on)

    def _still_open(self) -> PolicyError | None:
        self._open_for += 1
        self._seen_once = ""
        return _error(self.path, _STILL_OPEN) if self._open_for == _LONG_OPEN else None

    def _needed(self, content: bytes) -> float:
        return LONG_QUIET_SECONDS if may_go_on(content, self._in_force) else QUIET_SECONDS

    def _is_quiet(self, digest: str, seconds: float) -> bool:
        """Whether neither the content nor the time at which it was written has changed for so long."""
        now, seen = self._clock(), (digest, self._written())
        if seen != self._quiet_as:
            self._quiet_as, self._quiet_since = seen, now
        return now - self._quiet_since >= seconds

    def _may_go_on(self, digest: str, content: bytes) -> PolicyError | None:
        self._seen_once = digest
        if digest == self._told_to_go_on or not self._is_quiet(digest, QUIET_SECONDS):
            return None
        self._told_to_go_on = digest
        return _error(self.path, _MAY_GO_ON)

    def _is_news(self, content: str) -> bool:
        known, self._seen_once = self._seen_once, content
        if content == self._reported or (self._reported is not None and content != known):
            return False
        self._reported = content
        return True

    def _plan(self, content: bytes) -> Plan | PolicyError:
        try:
            plan = plan_of(content, str(self.path), now=datetime.now(UTC), with_secrets=self._with_secrets)
        except PolicyError as error:
            return error
        if self._policy is not None and not self._was_applied(content):
            refused = damage(self.path, content, plan.policy, self._in_force, self._policy)
            if refused is not None:
                return refused
        self._in_force, self._policy = content, plan.policy
        return plan

    def _was_applied(self, content: bytes) -> bool:
        return self._last_good is not None and was_applied(self._last_good, content)

    def _digest(self, content: bytes) -> str:
        """What was refused, and is applied then, is another content."""
        return hashlib.sha256(content).hexdigest() + (":applied" if self._was_applied(content) else "")

    def _stamp_now(self) -> _Stamp | None:
        """None when it cannot be trusted, so that the content is looked at."""
        stamp = self._written()
        if stamp is None or abs(time.time_ns() - stamp[0]) < _TOO_FRESH_NS:
            return None
        return stamp

    def _written(self) -> _Stamp | None:
        """None when it cannot be known."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino
