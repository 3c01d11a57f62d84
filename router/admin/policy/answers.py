"""What the API says of the policy: its text, what is wrong with it, what became of an edit."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from router.admin.answers.requests import Explanation


class PolicyProblem(Struct, frozen=True):
    line: int
    """From 1; 0 when it concerns the file as a whole."""
    column: int
    field: str
    message: str
    file: str = ""
    """The policy's, or that of its cases."""


class Reload(Struct, frozen=True):
    """The last time that the file was read anew."""

    at: float
    version: str
    """Of what was read; empty when it could not be read."""
    adopted: bool
    problems: list[PolicyProblem] = []
    why: str = ""


class PolicyState(Struct, frozen=True, kw_only=True):
    version: str
    """In force."""
    path: str
    reload: Reload


class PolicyText(PolicyState, frozen=True, kw_only=True):
    text: str
    """The file as it is on disk; for whoever is no admin the one in force."""
    text_version: str
    """Of what applying replaces, to send as If-Match; it differs from `version` while the file is broken."""
    file_version: str
    """Of the file as it is on disk."""
    refused: bool
    """Whether the file as it is on disk was read, and not taken over."""
    running_text: str
    writable: bool
    note: str = ""
    """What to know before editing."""


class CasesResult(Struct, frozen=True):
    file: str
    count: int
    passed: bool
    problems: list[PolicyProblem] = []


class CheckAnswer(Struct, frozen=True, kw_only=True):
    ok: bool
    version: str
    problems: list[PolicyProblem]
    warnings: list[PolicyProblem]
    """What is valid, and probably not what was meant; none while there are problems."""
    diff: str
    """Unified, from the running policy to the draft; empty when they are the same."""
    cases: CasesResult | None
    """None when there are none, or the policy cannot be used."""


class MergeAnswer(Struct, frozen=True, kw_only=True):
    """A draft and what the file has become since it was begun, in one text."""

    text: str
    """Where both changed the same lines, both stand, between lines of marks; such a text cannot be applied. Its lines
    end with line feeds, and as those of the file once it is applied."""
    conflicts: int
    text_version: str
    """Of the file's text, to send as If-Match."""
    theirs: str
    """Unified diff, from what the draft was begun from to the text of `policy`."""
    mine: str
    """The same to the draft."""


class ExplainAnswer(Struct, frozen=True, kw_only=True):
    ok: bool
    version: str
    problems: list[PolicyProblem] = []
    explanation: Explanation | None = None


class Applied(Struct, frozen=True, kw_only=True):
    version: str
    previous: str
    at: float
    changed: bool
    note: str = ""


class HistoryEntry(Struct, frozen=True, kw_only=True):
    version: str
    at: float
    how: Literal["found", "edited", "applied", "rolled back", "replaced"]
    """`found` at a start; `edited` on disk; `replaced`: stood in the file, was never in force, and was written over."""
    who: str
    note: str = ""

    @property
    def adopted(self) -> bool:
        return self.how != "replaced"


class History(Struct, frozen=True):
    entries: list[HistoryEntry] = field(default_factory=list)
    """Latest first."""


class HistoryText(Struct, frozen=True):
    version: str
    text: str
    diff: str
    """From this version to the one in force."""
    lost: list[PolicyProblem]
    """What protects now and is missing in this version: whoever rolls back to it says so."""
