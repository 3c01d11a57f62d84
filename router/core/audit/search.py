"""Finding entries, and one line of what each of them changed."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from router.core.audit.entry import Entry

RECEIPTS = frozenset({"egress.receipt"})
"""Of which there is one a minute, so that they would hide everything else."""
_DIGITS = 12


class Search(Struct, frozen=True):
    """What is looked for; empty fields match everything. Texts are parts, whatever their case."""

    who: str = ""
    """Of the name, the role, the way or the address."""
    action: str = ""
    """The whole of it, or what it begins with before its dot."""
    subject: str = ""
    text: str = ""
    """Of anything."""
    receipts: bool = False

    def matches(self, entry: Entry) -> bool:
        if entry.action in RECEIPTS and not self.receipts and self.action != entry.action:
            return False
        who = f"{entry.who} {entry.role} {entry.via} {entry.address}"
        return (
            self.action in ("", entry.action, entry.action.partition(".")[0])
            and self.who.casefold() in who.casefold()
            and self.subject.casefold() in entry.subject.casefold()
            and self.text.casefold() in f"{who} {entry.action} {entry.subject} {_told(entry)}".casefold()
        )


def summary(entry: Entry) -> str:
    """What changed, for people: members that differ, as `name: old -> new`."""
    if isinstance(entry.old, dict) and isinstance(entry.new, dict):
        names = [name for name in {**entry.old, **entry.new} if entry.old.get(name) != entry.new.get(name)]
        said = ", ".join(f"{name}: {_short(entry.old.get(name))} -> {_short(entry.new.get(name))}" for name in names)
    elif isinstance(entry.new, dict) and entry.old is None:
        said = ", ".join(f"{name}: {_short(value)}" for name, value in entry.new.items())
    else:
        said = " -> ".join(_short(value) for value in (entry.old, entry.new) if value is not None)
    return "; ".join(filter(None, (said, entry.note)))


def _told(entry: Entry) -> str:
    return json.dumps([entry.old, entry.new, entry.note], ensure_ascii=False)


def _short(value: Any) -> str:
    """Digests by their first digits."""
    if isinstance(value, str):
        is_digest = len(value) == 64 and all(digit in "0123456789abcdef" for digit in value)
        return value[:_DIGITS] if is_digest else value
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
