"""What is told: one change of one alert, and messages of several."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Notice(Struct, frozen=True, kw_only=True):
    """Names of keys, teams and backends come from outside: they are text. New fields need a default."""

    id: str
    """The same whenever and however often it is sent."""
    at: float
    """Seconds since the epoch, as all times here."""
    state: str
    """`firing`, `resolved`, `report` or `test`."""
    condition: str
    severity: str
    subject: str
    title: str
    text: str
    since: float
    """When it began to fire."""
    html: str = ""
    """Of a report, for mail."""


class Message(Struct, frozen=True):
    """What one target gets at once. It is the same each time that it is sent: only its signature's time is not."""

    id: str
    created: float
    notices: Sequence[Notice]
    attempts: int = 0
    """That failed."""
    refusals: int = 0
    """Of these, or of a message that this was part of: for what it says."""

    @property
    def subject(self) -> str:
        """One line for people."""
        first, others = self.notices[0], len(self.notices) - 1
        state = {"firing": "", "resolved": "Resolved: ", "test": "", "report": ""}.get(first.state, "")
        return f"{state}{first.title}" + (f" (and {others} more)" if others else "")

    @property
    def lines(self) -> list[str]:
        """For people, in plain text."""
        return [
            f"{'[resolved] ' if each.state == 'resolved' else ''}{each.title}\n{each.text}".strip()
            for each in self.notices
        ]
