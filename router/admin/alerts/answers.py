"""What the API says of alerts and of the week. Money is in USD here; times are seconds since the epoch."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from router.admin.request_types import Text


class FiringAlert(Struct, frozen=True, kw_only=True):
    condition: str
    subject: str
    severity: str
    title: str
    text: str
    since: float
    settling: bool
    """It is well again, but not for long enough to say so."""


class ToldAlert(Struct, frozen=True, kw_only=True):
    at: float
    state: str
    condition: str
    subject: str
    severity: str
    title: str
    text: str


class TargetReport(Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    conditions: list[str]
    """That it is told of."""
    quiet: str | None
    delivered: float | None
    failed: float | None
    failures: int
    """Since the last delivery."""
    why: str
    """The last one failed."""
    waiting: int
    dropped: int
    """Given up, since the ledger was made."""
    dropped_why: str
    """The last time."""


class AlertsAnswer(Struct, frozen=True, kw_only=True):
    on: bool
    """The policy has alerts."""
    ledger: str
    """Why the ledger cannot be read; then only what concerns this gateway alone is shown."""
    firing: list[FiringAlert]
    history: list[ToldAlert]
    """Latest first."""
    targets: list[TargetReport]


class TestAlert(Struct, frozen=True):
    target: Text


class Tested(Struct, frozen=True):
    target: str
    delivered: bool
    why: str = ""
    """It was not."""


class TeamReport(Struct, frozen=True, kw_only=True):
    team: str
    requests: int
    bought_usd: float
    rent_usd: float
    bought_before_usd: float


class WeekAnswer(Struct, frozen=True, kw_only=True):
    first: str
    last: str
    sentence: str
    compared: str
    requests: int
    cloud_alone_usd: float | None
    bought_usd: float
    rent_usd: float
    net_usd: float | None
    teams: list[TeamReport]
    hours_on: list[BackendHours]
    decide: list[str]
    sent: Literal["", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] = ""
    """The day on which it is sent; empty when it is not."""


class BackendHours(Struct, frozen=True):
    backend: str
    hours: float
