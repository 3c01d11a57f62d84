"""What the process of a simulation is told."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import Struct

from router.admin.ledger_session import Days


class SimulationTask(Struct, frozen=True):
    """Handed over on standard input, because it holds a secret, which `repr` leaves out."""

    redis: str
    first: str
    """Local date (YYYY-MM-DD): requests that arrived from its beginning on."""
    last: str
    """And up to the end of this day."""
    timezone: str
    """Of these days: the ledger's."""
    now: float
    """In seconds since the epoch: traffic ends here."""
    draft_name: str
    draft: bytes
    present_name: str
    """The policy's file."""
    present: bytes
    """As it is in force."""
    known: frozenset[str]
    """Versions of policies that the history has."""

    def __repr__(self) -> str:
        return f"SimulationTask({self.first} to {self.last})"

    @property
    def days(self) -> Days:
        return Days(self.first, self.last, ZoneInfo(self.timezone))
