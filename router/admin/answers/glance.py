"""What the API says of spend at a glance: the last days one by one, and this month."""

from __future__ import annotations

from msgspec import Struct

from router.admin.answers.spend import Forecast


class GlanceDay(Struct, frozen=True, kw_only=True):
    at: float
    """When it begins."""
    day: str
    requests: int
    cost_micro_usd: float
    rent_micro_usd: float


class GlanceMonth(Struct, frozen=True, kw_only=True):
    """So far."""

    requests: int
    cost_micro_usd: float
    rent_micro_usd: float
    forecast: Forecast | None


class Glance(Struct, frozen=True, kw_only=True):
    days: list[GlanceDay]
    """Today is the last of them; those without traffic are there too, with zeros."""
    month: GlanceMonth
