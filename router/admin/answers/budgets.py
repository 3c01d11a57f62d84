"""What the API says of limits and how they stand."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from router.core.limits.measures import MeasureName, Period


class BudgetUse(Struct, frozen=True, kw_only=True):
    """One limit and its counter. `measure` gives the unit: micro-USD, tokens, requests."""

    scope: str
    """`global`, `team:NAME` or `key:NAME`."""
    side: Literal["all", "local", "cloud"] = "all"
    model: str = ""
    """Empty for all."""
    measure: MeasureName
    period: Period
    amount: float
    used: float
    held: float
    """By requests under way."""
    risk: float = 0
    """What running requests may exceed their holds by."""
    left: float
    soft: float | None = None
    """Share of the amount from which clients are warned."""
    resets: float | None = None
    name: str = ""
    """For people: "key search-app: usd_per_month (cloud)"."""
    warned: bool = False
    """Whether answers carry a warning: used and held together have reached `soft`."""
    spare_local: bool = False
    """Whether own backends may still be used when the cloud's share is used up."""
    charged: float = 0
    """Of what is used: lent to workers whose machine is lost, which may have used it."""
    note: str = ""
    """Why more is used than requests come to, where it is."""


class Budgets(Struct, frozen=True):
    budgets: list[BudgetUse]
    available: bool
    """False when this gateway keeps no budgets."""
