"""All cases: every week with every pair at every load on every rental, and the bursts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from tests.economics.choices import FIXED, all_cloud, always_on, hindsight
from tests.economics.pairs import PAIRS, Pair, at_load, rent_of_slot, slots
from tests.economics.replay import RENTALS, Rental, play
from tests.economics.traffic import ROUGH, Demand, bursts, generated, recorded

LOADS = (0.05, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0)
WEEKS = range(1, 31)
"""Seeds by which nothing was chosen: the rule's constants were tried on those from 2001 on."""
ROUGH_WEEKS = range(101, 111)
BURSTS = range(1, 2001)


@dataclass(frozen=True)
class Case:
    demand: str
    pair: Pair
    load: float
    rental: Rental
    usd: float
    hindsight: float
    fixed: dict[str, float]
    """USD of the other choices."""
    starts: int
    hours: float

    @property
    def ratio(self) -> float:
        return self.usd / self.hindsight


@dataclass(frozen=True)
class Burst:
    rental: Rental
    usd: float
    better: float
    """USD of the better of all cloud and always on."""

    @property
    def ratio(self) -> float:
        return self.usd / self.better


def demands() -> list[Demand]:
    return [*map(generated, WEEKS), *recorded()]


def cases(demands: Iterable[Demand]) -> Iterator[Case]:
    for demand in demands:
        for pair in PAIRS:
            for load in LOADS:
                yield from case(demand, pair, load)


def case(demand: Demand, pair: Pair, load: float) -> Iterator[Case]:
    """On every rental."""
    of = at_load(demand, pair, load)
    fixed = {name: usd(of, pair) for name, usd in FIXED.items()}
    for rental in RENTALS:
        played, least = play(of, pair, rental), hindsight(of, pair, rental)
        yield Case(demand.name, pair, load, rental, played.usd, least, fixed, starts=played.starts, hours=played.hours)


def burst(seed: int) -> Burst:
    draw = Random(-seed)
    pair, rental, demand = draw.choice(PAIRS), draw.choice(RENTALS), bursts(seed)
    tokens = rent_of_slot(pair) / (0.75 * pair.input + 0.25 * pair.output) * 1e6
    of = slots(demand, pair, tokens)
    return Burst(rental, play(of, pair, rental).usd, min(all_cloud(of, pair), always_on(of, pair)))


def rough_cases() -> Iterator[Case]:
    """Weeks that are rougher than what is recorded by far, with the first pair."""
    for seed in ROUGH_WEEKS:
        for load in LOADS:
            yield from case(generated(seed, ROUGH), PAIRS[0], load)


def example() -> Case:
    """One case, quick to play again."""
    return next(case(generated(WEEKS[0]), PAIRS[0], 1.0))
