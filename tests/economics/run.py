"""All cases, and the bursts.

Every week is played at every load, with one of the pairs and on two of the rentals, which take turns: the loop that
plays requests takes a quarter of a second for a week, and what it is like matters more than the pair or the rental.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from tests.economics.choices import FIXED, STRATEGIES, all_cloud, all_hours, by_strategy, hindsight
from tests.economics.pairs import PAIRS, Pair, at_load, rent_of_slot, slots
from tests.economics.replay import RENTALS, Rental, in_pieces, play
from tests.economics.traffic import ROUGH, Demand, bursts, generated, recorded

LOADS = (0.05, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0)
WEEKS = range(1, 31)
"""Seeds by which nothing was chosen: the rule's constants were tried on those from 2001 on."""
ROUGH_WEEKS = range(101, 107)
BURSTS = range(1, 301)
STRATEGY_WEEKS = range(1, 2)
"""That are played under other strategies, besides those that are recorded."""
PIECES_WEEKS = range(1, 4)
"""That are played in pieces, too."""


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
    for week, demand in enumerate(demands):
        for step, load in enumerate(LOADS):
            turn = (week + step) % 2
            pair = PAIRS[(week + step) % len(PAIRS)]
            yield from case(demand, pair, load, RENTALS[turn : len(RENTALS) - turn : 3 - 2 * turn])


def case(demand: Demand, pair: Pair, load: float, rentals: Iterable[Rental] = RENTALS) -> Iterator[Case]:
    of = at_load(demand, pair, load)
    fixed = {name: usd(of, pair) for name, usd in FIXED.items()}
    for rental in rentals:
        played, least = play(of, pair, rental), hindsight(of, pair, rental)
        yield Case(demand.name, pair, load, rental, played.usd, least, fixed, starts=played.starts, hours=played.hours)


def burst(seed: int) -> Burst:
    draw = Random(-seed)
    pair, rental, demand = draw.choice(PAIRS), draw.choice(RENTALS), bursts(seed)
    tokens = rent_of_slot(pair) / (0.75 * pair.input + 0.25 * pair.output) * 1e6
    of = slots(demand, pair, tokens)
    return Burst(rental, play(of, pair, rental).usd, min(all_cloud(of, pair), all_hours(of, pair)))


def rough_cases() -> Iterator[Case]:
    """Weeks that are rougher than what is recorded by far, with the first pair."""
    for seed in ROUGH_WEEKS:
        for step, load in enumerate(LOADS):
            yield from case(generated(seed, ROUGH), PAIRS[0], load, [RENTALS[(seed + step) % len(RENTALS)]])


@dataclass(frozen=True)
class OtherStrategies:
    load: float
    ratios: dict[str, float]
    """Of hindsight, by strategy."""


def other_strategies() -> Iterator[OtherStrategies]:
    """A GPU that is on all the time, with the first pair."""
    for demand in [*map(generated, STRATEGY_WEEKS), *recorded()]:
        for load in LOADS:
            of = at_load(demand, PAIRS[0], load)
            best = hindsight(of, PAIRS[0], RENTALS[0])
            yield OtherStrategies(load, {name: by_strategy(of, PAIRS[0], name) / best for name in STRATEGIES})


def furthest_apart() -> float:
    """How far weeks of a request a slot are from the same in pieces, looked at every minute: the largest share."""
    found = []
    for place, seed in enumerate(PIECES_WEEKS):
        for load in (0.3, 1.0):
            rental = RENTALS[place % len(RENTALS)]
            of = at_load(generated(seed), PAIRS[0], load)
            found.append(abs(play(of, PAIRS[0], rental).usd / in_pieces(of, PAIRS[0], rental).usd - 1))
    return max(found)


def example() -> Case:
    """One case, quick to play again."""
    return next(case(generated(WEEKS[0]), PAIRS[0], 1.0))
