"""What the rule and the bill take of a backend's sections in a policy."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from router.core.backend_kinds import Backend, GpuCost
from router.core.cost.rent import UnitPrice
from router.core.cost.volume import QUARTER_SECONDS
from router.core.power.policy import Power
from router.core.power.schedule import parse_schedule
from router.core.power.terms import Mode, PowerTerms

_HOURS_PER_DAY = 24


def power_of(backend: Backend) -> Power:
    if backend.power is None:
        raise ValueError("this backend has no power section")
    return backend.power


def terms_of(backend: Backend) -> PowerTerms:
    """What the rule takes of a backend with a power section."""
    power, cost = power_of(backend), backend.cost
    saved = 0.0 if cost is None or power.driver == "sleep" else cost.saved_usd_per_hour
    return PowerTerms(
        usd_per_hour=saved,
        units=power.units,
        mode=Mode(power.mode),
        tokens_per_second=backend.capacity.tokens_per_second,
        usd_per_million_tokens=0.0 if cost is None else cost.usd_per_million_tokens,
        billing=1.0 if cost is None else cost.billing,
        start_time=power.start_time,
        start_timeout=power.start_timeout,
        drain=power.drain,
        min_on=power.min_on,
        min_off=power.min_off,
    )


def price_of(backend: Backend) -> UnitPrice:
    """Of one unit, with the people who run it, on or off."""
    cost = backend.cost or GpuCost(usd_per_hour=0.0)
    people = cost.ops_usd_per_day / _HOURS_PER_DAY
    return UnitPrice(cost.hourly_usd + people, cost.kept_usd_per_hour + people, cost.billing)


class Hours:
    """A schedule, such as "08-20 Mon-Fri", by the clocks of a time zone; None for no hours at all."""

    def __init__(self, schedule: str | None, timezone: ZoneInfo) -> None:
        self.timezone = timezone
        self._schedule = None if schedule is None else parse_schedule(schedule)

    def wanted(self, now: float, start: float) -> bool:
        """Whether a unit is wanted now, or will be when one that is started now is ready, `start` seconds later."""
        return self._schedule is not None and any(self._holds(at) for at in (now, now + start))

    def changes_in(self, now: float, start: float) -> float:
        """Seconds until `wanted` may say otherwise, at the earliest; infinite without hours. In every time zone an hour
        begins with a quarter of an hour."""
        if self._schedule is None:
            return math.inf
        return min(QUARTER_SECONDS - at % QUARTER_SECONDS for at in (now, now + start))

    def _holds(self, at: float) -> bool:
        local = datetime.fromtimestamp(at, self.timezone)
        return self._schedule is not None and self._schedule.holds(local.weekday(), local.hour)
