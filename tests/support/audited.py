"""Chains to test with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from router.core.audit.chain import Anchor, ChainChecker, Finding
from router.core.audit.entry import FIRST, Actor, Note, read_entry, sealed
from router.core.audit.receipts import ReceiptMaker

NOON = 1_779_271_200.0
ANN = Actor("ann", "admin", "page", "10.0.0.9")


def note(subject: str = "gpu", action: str = "power.order", at: float = NOON, **fields: Any) -> Note:
    return Note(at, fields.pop("actor", ANN), action, subject, **fields)


def chain(notes: Iterable[Note]) -> list[bytes]:
    """The lines."""
    return list(_lines(notes))


def _lines(notes: Iterable[Note]) -> Iterator[bytes]:
    prev = FIRST
    for seq, each in enumerate(notes, 1):
        line = sealed(each, seq, prev)
        prev = read_entry(line).hash
        yield line


def checked(lines: Iterable[bytes], *anchors: Anchor) -> list[Finding]:
    checker = ChainChecker(anchors)
    for line in lines:
        checker.take(line)
    return checker.end()


def anchor_of(lines: list[bytes]) -> Anchor:
    entry = read_entry(lines[-1])
    return Anchor(entry.seq, entry.hash)


def record_line(**fields: Any) -> dict[str, Any]:
    """The columns of an export's line that a receipt is made of."""
    line = {"time": "2026-05-20T10:00:00.000000Z", "kind": "settled", "request_id": "r1", "reservation_id": "h1"}
    line |= {
        "key": "app",
        "team": "search",
        "model": "chat",
        "backend": "gpu",
        "zone": "local",
        "sensitivity": "restricted",
    }
    line |= {"tags": ["phi"], "reason": "gate", "status": 200, "policy_version": "v1"}
    return line | {"captive": True, "local": True} | fields


def receipt_note(*lines: dict[str, Any], minute: str = "2026-05-20T10:00Z") -> Note:
    maker = ReceiptMaker()
    for line in lines:
        maker.take(line)
    return note(minute, "egress.receipt", new=maker.receipt())
