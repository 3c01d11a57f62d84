"""What Redis can do to the ledger, and what has to be seen then: the table of docs/ledger.md.

`make docs` writes it between its two markers; tests play it against a real gateway.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from msgspec import Struct

BEGIN = "<!-- troubles: begin (made by `make docs`) -->"
END = "<!-- troubles: end -->"

REFUSED = "503 backend_unavailable"
CLOUD, OWN = "200 cloud", "200 own"
FINE = (CLOUD, CLOUD, OWN)


class Expected(Struct, frozen=True):
    """What clients see of models that only the cloud serves, either side, and only own backends."""

    seen: tuple[str, str, str]
    bought: bool
    """Whether the cloud receives something meanwhile."""
    unheld: int
    """Of these three requests, those that went on without a hold."""


KNOWN = Expected(FINE, bought=True, unheld=0)
"""The ledger is there: holds are made as ever."""
REFUSING = Expected((REFUSED, OWN, OWN), bought=False, unheld=2)
ALLOWING = Expected(FINE, bought=True, unheld=3)


class Trouble(Struct, frozen=True):
    name: str
    what: str
    """For people."""
    lost: bool
    """Whether the ledger is unknown meanwhile."""
    waits: bool
    """Whether the first requests wait for the ledger's timeout."""
    after: str
    """What the ledger does once the server is well."""

    def expected(self, on_loss: str) -> Expected:
        if not self.lost:
            return KNOWN
        return ALLOWING if on_loss == "allow" else REFUSING


_CAUGHT_UP = "what was journaled meanwhile is brought in"
TROUBLES = (
    Trouble("down", "the server is down", True, False, _CAUGHT_UP),
    Trouble("frozen", "it accepts, and never answers", True, True, _CAUGHT_UP),
    Trouble("too slow", "its answers take longer than `ledger.timeout`", True, True, _CAUGHT_UP),
    Trouble("slow", "its answers take less than `ledger.timeout`", False, True, "nothing is missing"),
    Trouble("READONLY", "it became a replica", True, False, _CAUGHT_UP),
    Trouble("OOM", "its memory is used up", True, False, _CAUGHT_UP),
    Trouble("NOSCRIPT", "it forgot the scripts", False, False, "nothing is missing; they are loaded again"),
    Trouble("LOADING", "it still reads its file", True, False, _CAUGHT_UP),
    Trouble(
        "failover", "its replica takes over, without the last writes", True, False, "the writes are brought in again"
    ),
    Trouble("FLUSHALL", "everything is deleted", True, False, "the books are brought back from the journals"),
)


def rows() -> str:
    lines = [
        "| event | `on_loss: refuse` | `on_loss: allow` | first wait | the ledger afterwards equals the bill |",
        "|---|---|---|---|---|",
    ]
    for trouble in TROUBLES:
        wait = "`ledger.timeout` at most" if trouble.waits else "none"
        seen = [_cell(trouble.expected(on_loss)) for on_loss in ("refuse", "allow")]
        lines.append(f"| {trouble.name}: {trouble.what} | {seen[0]} | {seen[1]} | {wait} | {trouble.after} |")
    return "\n".join(lines)


def _cell(expected: Expected) -> str:
    if expected == KNOWN:
        return "nothing"
    if expected.bought:
        return "nothing; what goes on is counted as unheld"
    return f"only the cloud: `{REFUSED}`, `Retry-After`; either side: own backends serve it; only own: nothing"


def with_table(document: str) -> str:
    """The document with everything between the markers made anew."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{rows()}\n\n{END}", document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_table(Path(name).read_text()))
