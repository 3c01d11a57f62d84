"""How much a hold, and a settlement, is of each measure, in the order of their table.

Every request with limits passes here, several times: the amounts are written out for each basis rather than looked up
in the table, and nothing is put together where nothing is counted of requests.
"""

from __future__ import annotations

from typing import Final

from router.core.limits.counters import Hold
from router.core.limits.measures import COUNTED, MEASURES
from router.core.values import Settlement

NOTHING: Final[tuple[int, ...]] = (0,) * len(MEASURES)
_NOTHING_COUNTED: Final[tuple[int, ...]] = (0,) * len(COUNTED)


def held_by(hold: Hold, local: bool) -> tuple[int, ...]:
    """What a hold takes, for own backends alone or for wherever it may go."""
    return _with((hold.local_cost if local else hold.cost, hold.input + hold.output, 1, 1), hold.counted)


def at_risk(hold: Hold, local: bool) -> tuple[int, ...]:
    """What its request may take beyond that."""
    return _with((hold.local_cost_at_risk if local else hold.cost_at_risk, hold.tokens_at_risk, 0, 0), ())


def used_by(settlement: Settlement) -> tuple[int, ...]:
    """What a settlement adds to counters: nothing to those of what runs at the same time."""
    usage = settlement.usage
    amounts = (settlement.cost, usage.input + usage.output, settlement.requests, 0)
    return _with(amounts, settlement.counted)


def _with(amounts: tuple[int, ...], counted: tuple[int, ...]) -> tuple[int, ...]:
    return amounts + (counted or _NOTHING_COUNTED) if counted or _NOTHING_COUNTED else amounts
