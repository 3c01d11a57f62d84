"""How much a hold, and a settlement, is of each measure, in the order of their table.

Every request with limits passes here: the amounts are written out for each basis rather than looked up in the table.
"""

from __future__ import annotations

from router.core.limits.counters import Hold
from router.core.limits.measures import COUNTED, MEASURES
from router.core.values import Settlement

NOTHING: tuple[int, ...] = (0,) * len(MEASURES)
_NOTHING_COUNTED: tuple[int, ...] = (0,) * len(COUNTED)


def held_by(hold: Hold, local: bool) -> tuple[int, ...]:
    """What a hold takes, for own backends alone or for wherever it may go."""
    cost = hold.local_cost if local else hold.cost
    return (cost, hold.input + hold.output, 1, 1, *(hold.counted or _NOTHING_COUNTED))


def at_risk(hold: Hold, local: bool) -> tuple[int, ...]:
    """What its request may take beyond that."""
    cost = hold.local_cost_at_risk if local else hold.cost_at_risk
    return (cost, hold.tokens_at_risk, 0, 0, *_NOTHING_COUNTED)


def used_by(settlement: Settlement) -> tuple[int, ...]:
    """What a settlement adds to counters: nothing to those of what runs at the same time."""
    tokens, counted = settlement.usage.total, settlement.counted or _NOTHING_COUNTED
    return (settlement.cost, tokens, settlement.requests, 0, *counted)
