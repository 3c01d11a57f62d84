"""What the API says of units that are switched."""

from __future__ import annotations

from msgspec import Struct


class PowerChange(Struct, frozen=True, kw_only=True):
    """A change of a backend's units, or an order."""

    at: float
    before: str
    """Phase; empty for an order."""
    after: str
    units: int
    """There are to be so many."""
    reason: str
    explanation: str
    """With the terms, for people."""
    who: str
    """The host whose gateway did it, or who gave the order."""


class PowerReport(Struct, frozen=True, kw_only=True):
    """The units of a backend, as their controller left them."""

    phase: str
    since: float
    units: int
    ready: int
    """Units that answer."""
    wanted: int
    reason: str
    """Short code of why so many are wanted."""
    explanation: str
    next: str
    """What would change it next."""
    failing: str = ""
    """Why starts fail."""
    order: str = "auto"
    """What an administrator wants: `on`, `off`, or `auto` for what the policy says."""
    ordered_by: str = ""
    controlled: bool = True
    """A gateway controls it now."""
    changes: list[PowerChange] = []
    """Latest first."""


class PowerOrdered(Struct, frozen=True):
    backend: str
    order: str
