"""What own units could have served lately, from totals by hour and by model, whoever served it.

What was added to the hours since somebody looked is the demand of that time: a request counts in the hour in which it
arrived, and is added when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from router.core.money import NANO_PER_USD
from router.core.power.savings import Slot
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order, PowerTerms
from router.core.power.units import UnitsState

Figures = tuple[int, int, int]
"""Eligible tokens, nano-USD that the cloud charges for them, and requests that may not leave."""
Totals = Mapping[str, Figures]
"""By model."""
DEMAND_SECONDS = 60.0
"""Between two looks at what was used."""
Counted = Mapping[int, Figures]
"""By hour since the epoch, of all models of a backend."""
NOTHING: Figures = (0, 0, 0)


class Demand(Struct, frozen=True):
    slot: Slot | None
    """None before there is a time to speak of."""
    captive: int
    """Requests that came and may not leave."""
    counted: dict[int, Figures]
    """What the next look begins with."""


def demand_of(
    before: Counted | None, totals: Mapping[int, Totals], models: Iterable[str], seconds: float, share: float = 1.0
) -> Demand:
    """Of the backend that serves these models, in the `seconds` since it was counted last as `before`; None when it
    never was. `share` is what others leave to it, see `share_left`."""
    names = set(models)
    counted = {hour: _sum(each for name, each in found.items() if name in names) for hour, found in totals.items()}
    if before is None or seconds <= 0:
        return Demand(None, 0, counted)
    more = _sum(_more(each, before.get(hour, NOTHING)) for hour, each in counted.items())
    return Demand(Slot(round(share * more[0]), share * more[1] / NANO_PER_USD, seconds), more[2], counted)


def share_left(totals: Mapping[int, Totals], models: Iterable[str], left: Mapping[str, float]) -> float:
    """Share of these models' tokens that is left to a backend by those that come before it; `left` is that share by
    model. Two backends that serve one model must not both be started for the same tokens."""
    tokens = {name: sum(found.get(name, NOTHING)[0] for found in totals.values()) for name in models}
    seen = sum(tokens.values())
    return sum(each * left.get(name, 1.0) for name, each in tokens.items()) / seen if seen else 1.0


def left_by(slot: Slot, terms: PowerTerms) -> float:
    """Share of a backend's demand that all of its units together cannot serve."""
    if terms.tokens_per_second is None or not slot.tokens:
        return 0.0
    return max(0.0, 1.0 - terms.units * terms.tokens_per_second * slot.seconds / slot.tokens)


def leaves(state: UnitsState, terms: PowerTerms, slot: Slot | None, before: float) -> float:
    """Share of a backend's demand that it leaves to others of the same models; as `before` where nobody has looked.
    Units that may not be switched on, or cannot be, serve nothing."""
    kept_off = terms.mode is Mode.NEVER and state.order is Order.AUTO
    if terms.left or kept_off or state.order is Order.OFF or state.phase is Phase.FAILED:
        return 1.0
    return before if slot is None else left_by(slot, terms)


def _more(now: Figures, before: Figures) -> Figures:
    """Books that were lost begin anew, with less than before."""
    return (max(0, now[0] - before[0]), max(0, now[1] - before[1]), max(0, now[2] - before[2]))


def plus(one: Figures, other: Figures) -> Figures:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def _sum(each: Iterable[Figures]) -> Figures:
    total = NOTHING
    for one in each:
        total = plus(total, one)
    return total
