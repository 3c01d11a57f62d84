"""What the rule is compared with: two fixed choices, two strategies that leave the GPU on, and hindsight."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from router.core.cost.breakeven import break_even, shares
from router.core.cost.preference import Side
from router.core.cost.strategies import Band, band
from router.core.policy import Cost
from router.core.values import GpuFigures, Mixture, Rates
from router.simulate.slots import least
from tests.economics.pairs import Pair, Slots, rent_of_slot
from tests.economics.replay import Rental
from tests.economics.traffic import SLOTS_PER_DAY

DEFAULTS = Cost()


def all_cloud(slots: Slots, pair: Pair) -> float:
    """USD, as of all others here."""
    return sum(slots.cloud)


def always_on(slots: Slots, pair: Pair) -> float:
    return _rent(slots, pair) + sum(slots.spilled)


def threshold(slots: Slots, pair: Pair) -> float:
    """The default policy: 500,000 tokens in 24 hours; below that, requests pass by a GPU that is on."""
    return _by_volume(slots, pair, lambda mixture: DEFAULTS.threshold_tokens_per_day)


def breakeven(slots: Slots, pair: Pair) -> float:
    """`strategy: breakeven` without `power`."""
    gpu = GpuFigures(24 * pair.usd_per_hour, 0.0, pair.tokens_per_second * 86_400)
    cloud = Rates(input=pair.input, output=pair.output, cached_input=pair.input, cache_write=pair.input)

    def needed(mixture: Mixture) -> float | None:
        terms = break_even(gpu, cloud, shares(mixture, DEFAULTS.mix))
        return terms.tokens_per_day if terms.reachable else None

    return _by_volume(slots, pair, needed)


def _by_volume(slots: Slots, pair: Pair, needed: Callable[[Mixture], float | None]) -> float:
    """A GPU that is on all the time, and a side for each slot by the 24 hours before it."""
    before_in, before_out = [0, *accumulate(slots.input)], [0, *accumulate(slots.output)]
    usd, side = _rent(slots, pair), Side.CLOUD
    for slot, (cloud, spilled) in enumerate(zip(slots.cloud, slots.spilled, strict=True)):
        first = max(0, slot - SLOTS_PER_DAY)
        seen = Mixture(before_in[slot] - before_in[first], 0, before_out[slot] - before_out[first])
        least = needed(seen)
        above = least is not None and band(seen.total, least, DEFAULTS.hysteresis, side) is not Band.BELOW
        side = Side.LOCAL if above else Side.CLOUD
        usd += spilled if above else cloud
    return usd


def _rent(slots: Slots, pair: Pair) -> float:
    return len(slots.cloud) * rent_of_slot(pair)


FIXED: dict[str, Callable[[Slots, Pair], float]] = {
    "all cloud": all_cloud,
    "always on": always_on,
    "`threshold`": threshold,
    "`breakeven`": breakeven,
}


def hindsight(slots: Slots, pair: Pair, rental: Rental) -> float:
    """The least that it could have cost, for one who knew it all beforehand, as `breakeven simulate` has it."""
    return least(slots.cloud, slots.spilled, rent_of_slot(pair), rental.start_seconds, rental.billing)
