"""The policy's file, as an admin works with it. The file on disk is the source of truth.

The desk follows the file as the workers do, so that what it calls "in force" is what they take over. Drafts are judged
by the same code as `breakeven check`, and are tried as by `breakeven explain`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec import Struct

from router.admin.errors import ApiError
from router.admin.policy.answers import (
    Applied,
    CasesResult,
    CheckAnswer,
    HistoryEntry,
    MergeAnswer,
    PolicyProblem,
    PolicyState,
    PolicyText,
    Reload,
)
from router.admin.policy.file import NotWritten, is_writable, write_policy
from router.admin.policy.history import PolicyHistory
from router.admin.policy.line_ends import ended_as, lines_of, plain
from router.admin.policy.merge import marks_in, merge
from router.config.alert_targets import leads_inward
from router.config.applied_policy import note_applied
from router.config.cases import cases_beside, check_cases
from router.config.load import plan_of, read_bytes, version_of
from router.config.lost_sections import lost_sections
from router.config.problems import PolicyError, Problem, field_name
from router.config.secret_hosts import widened
from router.config.switching_units import acts_otherwise
from router.config.warnings import warnings_of
from router.config.watch import PolicyFile
from router.core.policy import Policy
from router.core.values import Plan

FOLLOW_SECONDS = 0.5
TAKEN_OVER_SECONDS = 2.0
"""After a policy was written here, in which it usually is in force: the file is looked at twice."""
_LOOK_AGAIN_SECONDS = 0.02
GENERATED = (
    "This policy was made from the environment and is made anew at every start: edits last until then. "
    "Copy it to a file of your own and start with --policy to keep them."
)

UNSETTLED = "a merge was not finished here: keep your lines or those of the file, and delete the marks around them"
_OR_APPLY = ", or apply it as it is"

log = logging.getLogger("breakeven.admin")

How = Literal["found", "edited", "applied", "rolled back", "replaced"]
Noting = Callable[[str, str], None]
"""Notes that a policy is written, by the SHA-256 of the text before and of the new one. It runs in the thread that
writes, right before, and what it raises stops it."""
Made = Callable[[bytes], bytes]
"""What is written, from what stands in the file."""
Servable = Callable[[Plan], str]
"""Why a valid policy may not be served here; empty when it may."""


class PolicyLocation(Struct, frozen=True):
    """Where the policy is, and the copy of the last good one that the supervisor keeps."""

    path: Path
    last_good: Path
    generated: bool = False


class Author(Struct, frozen=True):
    """Who writes, and why."""

    who: str
    note: str = ""


class Earlier(Struct, frozen=True):
    """An earlier version that somebody wants back."""

    version: str
    for_admin: bool
    losing: Sequence[str] = ()
    """What protects now and is missing in it, as they have seen."""


class PolicyService:
    def __init__(
        self, place: PolicyLocation, history: PolicyHistory, servable: Servable, clock: Callable[[], float]
    ) -> None:
        self._place = place
        self._history = history
        self._servable = servable
        self._clock = clock
        self._file = PolicyFile(place.path, with_secrets=True, last_good=place.last_good)
        # Of threads: a client that leaves while its draft is written must not let the next one in.
        self._writing = threading.Lock()
        self._plan: Plan | None = None
        self._content = b""
        self._reload = Reload(clock(), "", False, why="not read yet")
        self._written = b""
        """What was written here last, until it is in force or replaced."""
        self._waited_for = 0.0
        """Until when, by the monotonic clock, whoever asks is kept waiting for that."""
        self._undone = ""

    @property
    def plan(self) -> Plan:
        """In force."""
        assert self._plan is not None
        return self._plan

    @property
    def content(self) -> bytes:
        """Of the policy in force."""
        return self._content

    @property
    def undone(self) -> str:
        """SHA-256 of a policy that was written here, and replaced on disk before it was in force; empty if none."""
        return self._undone

    def forget_undone(self, sha256: str) -> None:
        if self._undone == sha256:
            self._undone = ""

    @property
    def history(self) -> PolicyHistory:
        return self._history

    def state(self) -> PolicyState:
        return PolicyState(version=self.plan.version, path=str(self._place.path), reload=self._reload)

    # --- following the file

    def start(self) -> None:
        """Take over the last good copy, which is in force, or the file where there is none. Raises PolicyError when
        neither is good."""
        try:
            self._plan, self._content = self._file.resume()
        except PolicyError:
            self.look()
            if self._plan is None:
                raise
            return
        self._reload = Reload(self._clock(), "", False, why="the file is not what is in force: it is being looked at")
        with contextlib.suppress(PolicyError):
            if read_bytes(self._place.path) == self._content:
                self._reload = Reload(self._clock(), self._plan.version, True)
        self._remember("found", Author("the disk"))

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # the next edit must be seen all the same
                log.exception("policy not followed")

    def look(self) -> None:
        """Whether the file has changed; a new content is taken over once two looks have seen it."""
        with self._writing:
            self._look()
            self._settle()

    def _look(self) -> None:
        found = self._file.poll()
        if found is None:
            return
        if isinstance(found, PolicyError):
            self._reload = Reload(self._clock(), "", False, problems_of(found))
            return
        why = self._servable(found)
        content = read_bytes(self._place.path)
        if why or version_of(content) != found.version:
            self._reload = Reload(self._clock(), found.version, False, why=why or "it was changed while it was read")
            return
        how: How = "found" if self._plan is None else "edited"
        self._plan, self._content = found, content
        self._reload = Reload(self._clock(), found.version, True)
        self._remember(how, Author("the disk"))

    def _settle(self) -> None:
        """What was written may be replaced by what was in force before: then nothing is taken over."""
        if self._written == self._content:
            self._written = b""
        if not self._written:
            return
        with contextlib.suppress(PolicyError):
            if read_bytes(self._place.path) == self._content:
                self._undone, self._written = _sha256(self._written), b""
                self._remember("edited", Author("the disk"))

    def _remember(
        self,
        how: How,
        author: Author,
        content: bytes = b"",
    ) -> None:
        """Unless it is what was remembered last: an applied version is seen again when it is taken over."""
        content = content or self._content
        version = version_of(content)
        if next((each.version for each in self._history.entries() if each.adopted), "") == version:
            return
        entry = HistoryEntry(version=version, at=self._clock(), how=how, who=author.who, note=author.note)
        try:
            self._history.add(entry, content)
        except OSError as error:
            log.error("the policy's history cannot be written", extra={"why": error.strerror})

    # --- looking at it

    async def taken_over(self) -> None:
        """Returns once what was written here is in force, so that whoever wrote it reads it; sooner or later also where
        it never will be, because the file was broken or replaced since."""
        while self._written and time.monotonic() < self._waited_for:  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def text(self) -> PolicyText:
        """Raises ApiError when the file cannot be read."""
        content, path = self._on_disk(), self._place.path
        state = self.state()
        return PolicyText(
            version=state.version,
            path=state.path,
            reload=state.reload,
            text=shown(content),
            text_version=version_of(content),
            file_version=version_of(content),
            refused=not state.reload.adopted and self._file.has_told(content),
            running_text=shown(self._content),
            writable=is_writable(path),
            note=GENERATED if self._place.generated else "",
        )

    def _on_disk(self) -> bytes:
        try:
            return read_bytes(self._place.path)
        except PolicyError as error:
            raise ApiError(503, "policy_unreadable", str(error)) from None

    def _filed(self) -> bytes:
        """The file, or what is in force while there is none."""
        try:
            return read_bytes(self._place.path)
        except PolicyError:
            return self._content

    def plan_of_version(self, version: str) -> Plan | None:
        """A plan as it was in force once; None when it is not known any more."""
        if version == self.plan.version:
            return self.plan
        content = self._history.text(version)
        try:
            return None if content is None else plan_of(content, str(self._place.path), now=_now())
        except PolicyError:
            return None

    def earlier(self, version: str, *, for_admin: bool) -> bytes:
        """The text of a version, for whoever reads it or writes it anew: one that was never in force may hold a secret,
        and is for admins alone. Raises ApiError."""
        was_in_force = any(each.adopted and each.version == version for each in self._history.entries())
        content = self._history.text(version) if for_admin or was_in_force else None
        if content is None:
            raise ApiError(404, "unknown_version", f"the history has no version {version}")
        return content

    def lost_by(self, content: bytes) -> list[PolicyProblem]:
        """What protects now and is missing in a text; nothing of one that is no policy."""
        try:
            return self._lost(plan_of(content, str(self._place.path), now=_now()), "")
        except PolicyError:
            return []

    def diff(self, old: bytes, new: bytes, old_name: str, new_name: str) -> str:
        before, after = (lines_of(shown(content)) for content in (old, new))
        return "".join(
            line if line.endswith("\n") else f"{line}\n" for line in unified_diff(before, after, old_name, new_name)
        )

    def diff_to_running(self, old: bytes, version: str) -> str:
        return self.diff(old, self._content, version, f"{self.plan.version} (in force)")

    # --- judging drafts

    def draft(self, text: str, *, with_secrets: bool = False) -> Plan:
        """Raises PolicyError."""
        return plan_of(text.encode(), str(self._place.path), now=_now(), with_secrets=with_secrets)

    def check(self, text: str, *, with_secrets: bool) -> CheckAnswer:
        """`with_secrets` asks whether they can be resolved, as taking it over needs."""
        content = ended_as(text, shown(self._filed())).encode()
        problems: list[PolicyProblem] = []
        warnings: list[PolicyProblem] = []
        cases = None
        try:
            raise_for_marks(content, self._place.path.name)
            plan = self.draft(content.decode(), with_secrets=with_secrets)
            why = self._servable(plan)
            problems = [PolicyProblem(0, 0, "", why)] if why else []
            warnings = [
                *self._lost(plan, _OR_APPLY),
                *map(_shown_problem, warnings_of(content, str(self._place.path), plan)),
            ]
            cases = self._cases(plan)
        except PolicyError as error:
            problems = problems_of(error)
        return CheckAnswer(
            ok=not problems and (cases is None or cases.passed),
            version=version_of(content),
            problems=problems,
            warnings=warnings,
            diff=self.diff(self._content, content, f"{self.plan.version} (in force)", "draft"),
            cases=cases,
        )

    def _lost(self, plan: Plan, or_else: str) -> list[PolicyProblem]:
        lost = lost_sections(self.plan.policy, plan.policy)
        return [PolicyProblem(0, 0, field_name(each.path), each.message + or_else) for each in lost]

    def _cases(self, plan: Plan) -> CasesResult | None:
        path = cases_beside(self._place.path)
        if not path.exists():
            return None
        try:
            return CasesResult(path.name, check_cases(path, plan), True)
        except PolicyError as error:
            return CasesResult(path.name, 0, False, problems_of(error))

    def merge(self, base: str, mine: str, theirs: PolicyText) -> MergeAnswer:
        """A draft that was begun from `base`, with the text that is in its place now."""
        merged = merge(plain(base), plain(mine), plain(theirs.text))
        before, found = base.encode(), version_of(theirs.text.encode())
        named = f"{found} (in force)" if found == theirs.version else f"{found} (the file)"
        return MergeAnswer(
            text=merged.text,
            conflicts=len(merged.conflicts),
            text_version=theirs.text_version,
            theirs=self.diff(before, theirs.text.encode(), "where you began", named),
            mine=self.diff(before, mine.encode(), "where you began", "your draft"),
        )

    # --- writing

    async def apply(self, text: str, expected: str, author: Author, noting: Noting) -> Applied:
        """Write a draft to the file, if that still is the `expected` version; its lines end as those of the file do.
        Raises ApiError."""

        def made(before: bytes) -> bytes:
            return ended_as(text, shown(before)).encode()

        return await self._write(made, expected, "applied", author, noting)

    async def roll_back(self, wanted: Earlier, expected: str, author: Author, noting: Noting) -> Applied:
        """The same with an earlier version. Raises ApiError."""
        content = self.earlier(wanted.version, for_admin=wanted.for_admin)
        unsaid = [each for each in self.lost_by(content) if each.field not in wanted.losing]
        if unsaid:
            fields = ", ".join(f'"{each.field}"' for each in unsaid)
            raise ApiError(
                409,
                "sections_lost",
                f"version {wanted.version} does not have all that protects now; nothing was written. If that is meant, "
                f"send `losing: [{fields}]` with it",
                problems=unsaid,
            )
        return await self._write(lambda _: content, expected, "rolled back", author, noting)

    async def _write(self, made: Made, expected: str, how: How, author: Author, noting: Noting) -> Applied:
        return await asyncio.to_thread(self._locked, partial(self._write_now, made, expected, how, author, noting))

    def _locked(self, work: Callable[[], Applied]) -> Applied:
        with self._writing:
            return work()

    def _write_now(self, made: Made, expected: str, how: How, author: Author, noting: Noting) -> Applied:
        before = self._on_disk()
        previous = version_of(before)
        if previous != expected:
            raise ApiError(
                412,
                "changed_meanwhile",
                f"the policy was changed meanwhile: it is version {previous} now, not {expected}; "
                "look at what changed, then apply again",
                version=previous,
            )
        content = made(before)
        self._refuse_unusable(content, before)
        version = version_of(content)
        # What was refused of the file is taken over once it is applied, as it is.
        if version != previous or content != self._content:
            self._keep_what_is_replaced(before)
            noting(_sha256(before), _sha256(content))
            self._write_applied(content)
            self._written, self._waited_for = content, time.monotonic() + TAKEN_OVER_SECONDS
            self._remember(how, author, content)
            log.info("policy written", extra={"policy": version, "previous": previous, "who": author.who, "how": how})
        note = GENERATED if self._place.generated else ""
        return Applied(version=version, previous=previous, at=self._clock(), changed=version != previous, note=note)

    def _write_applied(self, content: bytes) -> None:
        try:
            note_applied(self._place.last_good, content)
            write_policy(self._place.path, content)
        except NotWritten as error:
            raise ApiError(409, "policy_not_writable", str(error)) from None
        except OSError as error:
            raise ApiError(
                409, "policy_not_writable", f"{error.filename} cannot be written: {error.strerror}"
            ) from None

    def rehearse(self, content: bytes) -> None:
        """All the work of judging a draft, and nothing of what it finds: whether it comes to an end is what counts."""
        with contextlib.suppress(PolicyError):
            self._servable(plan_of(content, str(self._place.path), now=_now(), with_secrets=True))

    def _refuse_unusable(self, content: bytes, before: bytes) -> None:
        try:
            raise_for_marks(content, self._place.path.name)
            plan = plan_of(content, str(self._place.path), now=_now(), with_secrets=True)
            filed = self._policy_of(before)
            why = self._servable(plan) or self._only_by_hand(filed, plan.policy)
            problems: Sequence[PolicyProblem] = [PolicyProblem(0, 0, "", why)] if why else []
        except PolicyError as error:
            problems = problems_of(error)
        if problems:
            raise ApiError(422, "policy_broken", "the policy has problems; nothing was written", problems=problems)

    def _only_by_hand(self, filed: Policy, draft: Policy) -> str:
        """Which change of a draft only the file itself can make; empty when there is none."""
        return widened(filed, draft) or acts_otherwise(filed, draft) or leads_inward(filed, draft)

    def _policy_of(self, content: bytes) -> Policy:
        """The policy that says what only the file may change: its own, or while that is broken the one in force."""
        try:
            return plan_of(content, str(self._place.path), now=_now()).policy
        except PolicyError:
            return self.plan.policy

    def _keep_what_is_replaced(self, content: bytes) -> None:
        """An edit on disk that was too broken to be taken over is somebody's work all the same."""
        if version_of(content) != self.plan.version and self._history.text(version_of(content)) is None:
            self._remember("replaced", Author("the disk"), content)


def raise_for_marks(content: bytes, name: str) -> None:
    """Raises PolicyError while a merge is not done: within a long string YAML would take its marks for text."""
    lines = marks_in(shown(content))
    if lines:
        raise PolicyError([Problem(name, line, 1, "", UNSETTLED) for line in lines])


def problems_of(error: PolicyError) -> list[PolicyProblem]:
    return list(map(_shown_problem, error.problems))


def _shown_problem(problem: Problem) -> PolicyProblem:
    file = Path(problem.path_of_file).name
    return PolicyProblem(problem.line, problem.column, problem.field, problem.message, file)


def shown(content: bytes) -> str:
    return content.decode(errors="replace")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
