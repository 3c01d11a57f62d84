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
    waits: int
    """How many of the ledger's timeouts the first requests may wait."""
    after: str
    """What the ledger does once the server is well."""

    def expected(self, on_loss: str) -> Expected:
        if not self.lost:
            return KNOWN
        return ALLOWING if on_loss == "allow" else REFUSING


_CAUGHT_UP = "what was journaled meanwhile is brought in"
TROUBLES = (
    Trouble("down", "the server is down", True, 0, _CAUGHT_UP),
    Trouble("frozen", "it accepts, and never answers", True, 1, _CAUGHT_UP),
    Trouble("too slow", "its answers take longer than `ledger.timeout`", True, 1, _CAUGHT_UP),
    Trouble("slow", "its answers take less than `ledger.timeout`", False, 2, "nothing is missing"),
    Trouble("READONLY", "it became a replica", True, 0, _CAUGHT_UP),
    Trouble("OOM", "its memory is used up", True, 0, _CAUGHT_UP),
    Trouble("NOSCRIPT", "it forgot the scripts", False, 0, "nothing is missing; they are loaded again"),
    Trouble("LOADING", "it still reads its file", True, 0, _CAUGHT_UP),
    Trouble("failover", "its replica takes over, without the last writes", True, 0, "the writes are brought in again"),
    Trouble("FLUSHALL", "everything is deleted", True, 0, "the books are brought back from the journals"),
)


_WAITS = ("none", "`ledger.timeout`", "less than twice `ledger.timeout`")


def rows() -> str:
    lines = [
        "| event | clients see | longest wait | the cloud receives | with `on_loss: allow` | the ledger afterwards |",
        "|---|---|---|---|---|---|",
    ]
    for trouble in TROUBLES:
        refusing, allowing = trouble.expected("refuse"), trouble.expected("allow")
        columns = (
            f"{trouble.name}: {trouble.what}",
            _seen(refusing),
            _WAITS[trouble.waits],
            _bought(refusing),
            f"clients see {_seen(allowing)}; the cloud receives {_bought(allowing)}",
            f"what was billed: {trouble.after}" + (f"; without a hold: {_unheld(trouble)}" if trouble.lost else ""),
        )
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def _seen(expected: Expected) -> str:
    if expected.seen == FINE:
        return "nothing of it"
    models = zip(("cloud only", "either side", "own only"), expected.seen, strict=True)
    return "; ".join(f"{model}: {seen}" for model, seen in models)


def _bought(expected: Expected) -> str:
    return "what is asked" if expected.bought else "nothing"


def _unheld(trouble: Trouble) -> str:
    refusing, allowing = trouble.expected("refuse"), trouble.expected("allow")
    return f"{refusing.unheld} of 3, or {allowing.unheld} with `allow`"


def with_table(document: str) -> str:
    """The document with everything between the markers made anew."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{rows()}\n\n{END}", document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_table(Path(name).read_text()))
