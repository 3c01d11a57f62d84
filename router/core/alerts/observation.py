"""What a look at something has found."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from msgspec import Struct

ConditionName = Literal["limit", "backend_down", "gpu_loses", "policy_refused", "ledger_lost", "unusual_spend"]
Severity = Literal["warning", "critical"]
CONDITIONS: tuple[ConditionName, ...] = get_args(ConditionName)


class Seen(StrEnum):
    GOOD = "good"
    BAD = "bad"
    BETWEEN = "between"
    """Neither: whatever it was before, it stays. So what hovers at a threshold does not flap."""


class Observation(Struct, frozen=True, kw_only=True):
    """Of one alert, which `key` names: the same for all gateways of a ledger."""

    key: str
    condition: str
    """One of `CONDITIONS`."""
    seen: Seen
    subject: str
    """What it is about: a limit, a backend."""
    severity: Severity = "warning"
    title: str = ""
    """One line for people."""
    text: str = ""
    """A sentence or two, with figures."""
    hold: float = 0.0
    """Seconds that it has to be bad before it is told."""
    clear: float = 0.0
    """Seconds that it has to be good before that is told."""
