"""What cost answers: a side, why, and the terms of a break-even. Lower than any policy, which names strategies."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Side(StrEnum):
    LOCAL = "local"
    CLOUD = "cloud"


class Preference(Struct, frozen=True, gc=False):
    """What a cost strategy answers."""

    side: Side
    reason: str
    explanation: str


class BreakEven(Struct, frozen=True):
    """The terms of N* = F / (c - v), in tokens per day; see `core.cost.breakeven`."""

    fixed_usd_per_day: float
    cloud_usd_per_million: float
    local_usd_per_million: float
    tokens_per_day: float | None
    """None when it never breaks even: the cloud is no dearer per token."""
    capacity_tokens_per_day: float | None
    reachable: bool
    """False when it never breaks even, or only above what the GPU can serve."""
