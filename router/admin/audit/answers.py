"""What is asked of the audit over HTTP, and what it answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from router.core.audit.entry import Entry

Text = Annotated[str, Meta(max_length=200)]


class AuditQuery(Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[int, Meta(ge=0)] | None = None
    """From the answer before."""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    who: Text = ""
    """A part of the user, the role, the way or the address."""
    action: Text = ""
    """Such as `key.revoke`, or all of its kind: `key`."""
    subject: Text = ""
    text: Text = ""
    """A part of anything."""
    receipts: bool = False
    """Receipts of requests, too."""


class AuditEntry(Struct, frozen=True):
    entry: Entry
    summary: str
    """What changed, in one line."""


class AuditEntries(Struct, frozen=True):
    entries: list[AuditEntry]
    """Latest first."""
    before: int | None
    """To ask for the next page with; None at the end. A page may be empty and still have one before it."""
    total: int
    """Entries of the whole chain, receipts included."""
    anchor: str
    """Of the last entry; empty without one."""
    actions: dict[str, str]
    """All that are noted, and what they mean."""
    unreadable: int = 0
    """Lines that were looked at and are no entries."""
