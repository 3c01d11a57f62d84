"""Demand by slots of five minutes, and the least that it could have cost for one who knew it all beforehand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from router.core.money import in_usd
from router.core.power.savings import SLOT
from router.core.power.terms import PowerTerms


class Slots:
    """Eligible tokens and what the cloud charges for them (nano-USD), from the first slot on."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.tokens: list[int] = []
        self.cloud: list[int] = []

    def add(self, at: float, tokens: int, cloud: int) -> None:
        slot = int(at // SLOT)
        if self.first is None:
            self.first = slot
        place = max(0, slot - self.first)
        while len(self.tokens) <= place:
            self.tokens.append(0)
            self.cloud.append(0)
        self.tokens[place] += tokens
        self.cloud[place] += cloud


def least_of_units(slots: Slots, terms: PowerTerms, start_seconds: float) -> float:
    """USD for all of the slots' tokens, in the cloud or on units of these terms.

    The k-th unit serves what the first k - 1 cannot, up to what one can, so each is a choice of its own.
    """
    most = math.inf if terms.tokens_per_second is None else terms.tokens_per_second * SLOT
    rent = terms.usd_per_hour * SLOT / 3600
    variable = terms.usd_per_million_tokens / 1e6
    left = [float(tokens) for tokens in slots.tokens]
    prices = [in_usd(usd) / tokens if tokens else 0.0 for usd, tokens in zip(slots.cloud, slots.tokens, strict=True)]
    usd = 0.0
    for _ in range(terms.units):
        served = [min(tokens, most) for tokens in left]
        away = [tokens * price for tokens, price in zip(served, prices, strict=True)]
        home = [tokens * variable for tokens in served]
        usd += least(away, home, rent, start_seconds, terms.billing)
        left = [tokens - each for tokens, each in zip(left, served, strict=True)]
    return usd + sum(tokens * price for tokens, price in zip(left, prices, strict=True))


def least(
    cloud: Sequence[float], own: Sequence[float], rent: float, start_seconds: float, billing: float, slot: float = SLOT
) -> float:
    """The least for one unit: `cloud` is what each slot costs while it is off, `own` while it is on, `rent` what it
    costs by the slot. The same starts and the same billing, and no other limit.

    A dynamic programme over the edges of slots. `off[t]` is the least cost of all before t with nothing rented at t,
    and `paid[t]` that with a billing step that ends at t, whether another follows or not. Whatever would stop between
    two edges could have stayed to the end of its step for nothing, so whole steps are all that there is to choose.
    """
    start = round(start_seconds / slot)
    step = max(1, round(billing / slot))
    first = -(-(start + 1) // step) * step  # slots of the least steps in which a unit serves at all
    rest = [0.0] * step  # the last step may end after the last slot
    away = [0.0, *accumulate([*cloud, *rest])]
    home = [0.0, *accumulate([*own, *rest])]
    off, paid = [0.0] * len(away), [math.inf] * len(away)
    for end in range(1, len(away)):
        if end >= step:
            paid[end] = paid[end - step] + home[end] - home[end - step] + step * rent
        if end >= first:
            begin, up = end - first, end - first + start
            paid[end] = min(paid[end], off[begin] + away[up] - away[begin] + home[end] - home[up] + first * rent)
        off[end] = min(off[end - 1] + away[end] - away[end - 1], paid[end])
    return off[-1]
