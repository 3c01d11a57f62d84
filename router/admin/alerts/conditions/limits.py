"""Limits that fill up: of all keys, teams and keys, as the page of budgets has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from router.admin.answers.budgets import BudgetUse
from router.admin.sources.interface import BudgetBook
from router.core.alerts.limits import PERIODS, LimitUse, observed
from router.core.alerts.observation import ConditionName, Observation
from router.core.alerts.policy import Alerts
from router.core.field_names import escape_name
from router.core.limits.measures import BY_NAME
from router.core.values import Plan

_USD = 1e6
"""Micro-USD."""


REST = 50
"""Times as long as a look took until the next one: with ten thousand limits it takes a while."""
LONGEST_REST = 60.0


class LimitsFillUp:
    name: ConditionName = "limit"
    every = 5.0

    def __init__(self, budgets: BudgetBook) -> None:
        self._budgets = budgets
        self._rests_until = 0.0

    async def look(self, plan: Plan, alerts: Alerts, now: float) -> Sequence[Observation] | None:
        began = time.monotonic()
        if began < self._rests_until:
            return None
        zone = ZoneInfo(plan.policy.cost.timezone)
        uses = (each for each in await self._budgets.uses(now) if each.period in PERIODS)
        seen = list(observed((use_of(each, now, zone) for each in uses), alerts.limits.shares))
        self._rests_until = began + min(LONGEST_REST, REST * (time.monotonic() - began))
        return seen


def use_of(use: BudgetUse, now: float, zone: ZoneInfo) -> LimitUse:
    measure = BY_NAME[use.measure]
    scale = _USD if measure.basis == "money" else 1.0
    local = datetime.fromtimestamp(now, zone)
    return LimitUse(
        counter="|".join((escape_name(use.scope), use.side, escape_name(use.model), use.measure)),
        name=use.name,
        period=use.period,
        begun=f"{local:%Y-%m}" if use.period == "month" else f"{local:%Y-%m-%d}",
        amount=use.amount / scale,
        used=use.used / scale,
        held=use.held / scale,
        unit="USD" if measure.basis == "money" else measure.unit,
    )
