"""What some hours of traffic would have cost with another rent, another volume or another number of units.

Each hour's demand is what both sides could have served, and what the cloud charged or would have charged for it. Units
serve it up to what they can; the rest is bought. Units that are not switched cost their rent all the time; of others
there are as many as the rule of `core.power` wants, by what it had seen until then:

    net = cloud alone - bought - rent
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from router.core.power.rule import by_cost
from router.core.power.savings import NOTHING_SEEN, Slot, observe
from router.core.power.terms import PowerTerms

HOUR = 3600.0


class Hour(Struct, frozen=True):
    """The demand of one hour."""

    tokens: int
    cloud_usd: float


class Setup(Struct, frozen=True):
    """What own units there are."""

    usd_per_hour: float
    """Rent of one."""
    units: int
    tokens_per_second: float | None
    """That one serves; None: the first one serves all."""
    usd_per_million_tokens: float = 0.0
    """Variable cost of what they serve."""
    switched: bool = False
    """By the rule of power; else they are always on."""


class Outcome(Struct, frozen=True):
    """USD, and hours of units."""

    cloud_alone: float
    bought: float
    """From the cloud, and the variable cost of what units served."""
    rent: float
    unit_hours: float

    @property
    def net(self) -> float:
        return self.cloud_alone - self.bought - self.rent


def what_if(hours: Sequence[Hour], setup: Setup, volume: float = 1.0) -> Outcome:
    """`hours` follow each other; `volume` is a factor on their demand."""
    terms = PowerTerms(
        usd_per_hour=setup.usd_per_hour,
        units=setup.units,
        tokens_per_second=setup.tokens_per_second,
        usd_per_million_tokens=setup.usd_per_million_tokens,
    )
    savings, on = NOTHING_SEEN, 0
    alone = bought = unit_hours = 0.0
    for hour in hours:
        tokens, worth = hour.tokens * volume, hour.cloud_usd * volume
        if setup.switched and setup.units:
            on = by_cost(savings, terms, on).units
            savings = observe(savings, Slot(round(tokens), worth, HOUR), terms)
        else:
            on = setup.units
        served = _served(tokens, on, setup.tokens_per_second)
        alone += worth
        bought += (worth * (1 - served / tokens) if tokens else 0.0) + served * setup.usd_per_million_tokens / 1e6
        unit_hours += on
    return Outcome(alone, bought, unit_hours * setup.usd_per_hour, unit_hours)


def _served(tokens: float, units: int, tokens_per_second: float | None) -> float:
    """Of an hour's tokens, by so many units."""
    if not units:
        return 0.0
    return tokens if tokens_per_second is None else min(tokens, units * tokens_per_second * HOUR)
