"""What each further unit would have saved, in USD per hour.

The k-th unit serves the demand above what the first k - 1 can, up to what one can. So each unit is a rent-or-buy
problem of its own, and they need not be planned together (Lin, Wierman, Andrew, Thereska: Dynamic right-sizing for
power-proportional data centers, INFOCOM 2011; Lu, Chen, Andrew: Simple and effective dynamic provisioning, 2013).

What a unit saves is an exponential mean with a memory of an hour. It starts from nothing, so that a unit is started for
what was seen, and never for what may have been.
"""

from __future__ import annotations

import math

from msgspec import Struct

from router.core.power.terms import PowerTerms

SLOT = 300.0
"""Seconds over which demand is usually added up."""
MEMORY = 3600.0
"""Seconds after which 1/e of what was seen still counts. A start takes time, so no rule is within twice the hindsight
optimum; with this memory bursts cost within 2.5 times the better of always on and always off."""


class Slot(Struct, frozen=True):
    """What own units may serve of some seconds' traffic, whoever served it."""

    tokens: int
    cloud_usd: float
    """What the cloud charges for it, or would have charged."""
    seconds: float = SLOT


class Savings(Struct, frozen=True):
    usd_per_hour: tuple[float, ...] = ()
    """Of each unit, from the first on, before its rent; units beyond these save nothing."""

    def of(self, unit: int) -> float:
        """USD per hour that unit number `unit` saves, from 1 on."""
        return self.usd_per_hour[unit - 1] if unit <= len(self.usd_per_hour) else 0.0


NOTHING_SEEN = Savings()


def observe(savings: Savings, slot: Slot, terms: PowerTerms) -> Savings:
    """The savings after one more slot."""
    kept, saved = math.exp(-slot.seconds / MEMORY), _saved(slot, terms)
    return Savings(tuple(kept * savings.of(unit) + (1.0 - kept) * usd for unit, usd in enumerate(saved, 1)))


def _saved(slot: Slot, terms: PowerTerms) -> list[float]:
    """USD per hour of each unit that the policy allows."""
    if not slot.tokens:
        return [0.0] * terms.units
    margin = max(0.0, slot.cloud_usd - slot.tokens * terms.usd_per_million_tokens / 1_000_000)
    per_token = margin * 3600.0 / slot.seconds / slot.tokens
    each = math.inf if terms.tokens_per_second is None else terms.tokens_per_second * slot.seconds
    return [per_token * served for served in _served(slot.tokens, each, terms.units)]


def _served(tokens: float, each: float, units: int) -> list[float]:
    """Tokens of each unit."""
    served = []
    for _ in range(units):
        served.append(min(tokens, each))
        tokens -= served[-1]
    return served
