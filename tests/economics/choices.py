"""What the rule is compared with: two fixed choices, which are sums, two strategies that leave the GPU on, which are
played, and hindsight."""

from __future__ import annotations

from collections.abc import Callable

from router.simulate.slots import least
from tests.economics.pairs import Pair, Slots, rent_of_slot
from tests.economics.replay import Rental, always_on, played


def all_cloud(slots: Slots, pair: Pair) -> float:
    """USD, as of all others here."""
    return sum(slots.cloud)


def all_hours(slots: Slots, pair: Pair) -> float:
    """A unit that is on all the time, and the cloud for what it cannot serve."""
    return len(slots.cloud) * rent_of_slot(pair) + sum(slots.spilled)


FIXED: dict[str, Callable[[Slots, Pair], float]] = {"all cloud": all_cloud, "always on": all_hours}
STRATEGIES = ("local_first", "threshold", "breakeven")


def by_strategy(slots: Slots, pair: Pair, strategy: str) -> float:
    """With a unit that is on all the time. `threshold` is the default policy: 500,000 tokens in 24 hours; below that,
    requests pass by a GPU that is on."""
    return played(slots, pair, always_on(pair, strategy)).usd


def hindsight(slots: Slots, pair: Pair, rental: Rental) -> float:
    """The least that it could have cost, for one who knew it all beforehand, as `breakeven simulate` has it."""
    return least(slots.cloud, slots.spilled, rent_of_slot(pair), rental.start_seconds, rental.billing)
