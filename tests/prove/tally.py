"""What happened in any number of worlds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    worlds: int = 0
    requests: int = 0
    restricted: int = 0
    """Requests that may not go everywhere."""
    reloads: int = 0
    rekeys: Counter[str] = field(default_factory=Counter)
    """Edits of keys that are stored in the ledger."""
    powers: Counter[str] = field(default_factory=Counter)
    """What a controller said of own backends."""
    fetches: int = 0
    """Requests by which a machine was told to fetch something from outside."""
    leaks: list[str] = field(default_factory=list)
    """A machine received a request that it must not see."""
    wrongs: list[str] = field(default_factory=list)
    """Everything else that breaks the promise: untrue headers, hangs, crashes, no recovery."""
    crashes: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Answers by where the machine stands; those of restricted requests apart."""
    refused: Counter[str] = field(default_factory=Counter)
    """Codes of the errors that restricted requests got."""
    faults: Counter[str] = field(default_factory=Counter)
    """How often each fault met a connection, a request or a probe."""
    received: Counter[str] = field(default_factory=Counter)
    """Requests whose text a machine received, by where it stands."""
    surfaces: Counter[str] = field(default_factory=Counter)
    """The same by surface, by whether they may go everywhere, and by whose machine it was."""
    free: int = 0
    """Requests that may go everywhere, while things were failing; and how many of them were answered."""
    free_answered: int = 0
    healed: int = 0
    """Requests that were answered after all was well again."""

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)

    @property
    def share_answered(self) -> float:
        return self.free_answered / self.free if self.free else 0.0

    def __str__(self) -> str:
        shown = {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}
        return "\n".join(f"  {name}: {value}" for name, value in shown.items())
