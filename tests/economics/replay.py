"""The shipped rule in virtual time, on one unit of a rental that bills by steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.core.power.control import Start, Stop, step
from router.core.power.savings import NOTHING_SEEN, Savings, Slot, observe
from router.core.power.states import Phase
from router.core.power.terms import PowerTerms
from router.core.power.units import Observation, UnitsState
from tests.economics.pairs import Pair, Slots
from tests.economics.traffic import SLOT_SECONDS

MONDAY = 1_767_571_200.0
"""A midnight."""
LATER = 10.0
"""Seconds after which a unit that drains is asked for again."""


@dataclass(frozen=True)
class Rental:
    start_seconds: float
    """From the order until the unit answers, billed."""
    billing: float
    """Seconds of a billing step, from the order on."""

    @property
    def name(self) -> str:
        return f"{self.start_seconds / 60:.0f} min, by the {'hour' if self.billing == 3600 else 'minute'}"


RENTALS = tuple(Rental(start, billing) for start in (300.0, 900.0) for billing in (60.0, 3600.0))


@dataclass
class Unit:
    """One rented GPU, off at first."""

    rental: Rental
    since: float | None = None
    """When it was ordered; None while it is off."""
    billed: float = 0.0
    """Seconds."""
    starts: int = 0

    def start(self, now: float) -> None:
        self.since, self.starts = now, self.starts + 1

    def stop(self, now: float) -> None:
        assert self.since is not None
        self.billed += math.ceil((now - self.since) / self.rental.billing) * self.rental.billing
        self.since = None

    def seen(self, now: float) -> tuple[int, int]:
        """Units that are there, and that answer."""
        if self.since is None:
            return 0, 0
        return 1, int(now - self.since >= self.rental.start_seconds)


@dataclass(frozen=True)
class Played:
    usd: float
    starts: int
    hours: float
    """Billed."""


def terms_of(pair: Pair, rental: Rental) -> PowerTerms:
    """The defaults of a policy, with this pair's price and capacity."""
    return PowerTerms(
        usd_per_hour=pair.usd_per_hour,
        tokens_per_second=pair.tokens_per_second,
        billing=rental.billing,
        start_time=rental.start_seconds,
        start_timeout=3 * rental.start_seconds,
        longest_step=SLOT_SECONDS,
    )


def play(slots: Slots, pair: Pair, rental: Rental) -> Played:
    """Rent and cloud together. The rule is asked at the beginning of each slot, and knows those before it."""
    terms, unit = terms_of(pair, rental), Unit(rental)
    state, savings, now, cloud = UnitsState(), NOTHING_SEEN, MONDAY, 0.0
    for tokens_in, tokens_out, usd, spilled in zip(slots.input, slots.output, slots.cloud, slots.spilled, strict=True):
        state = _turn(state, savings, terms, unit, now)
        if state.phase is Phase.DRAINING:
            state = _turn(state, savings, terms, unit, now + LATER)
        cloud += spilled if state.serves else usd
        savings = observe(savings, Slot(tokens_in + tokens_out, usd, SLOT_SECONDS), terms)
        now += SLOT_SECONDS
    if unit.since is not None:
        unit.stop(now)
    hours = unit.billed / 3600
    return Played(cloud + hours * pair.usd_per_hour, unit.starts, hours)


def _turn(state: UnitsState, savings: Savings, terms: PowerTerms, unit: Unit, now: float) -> UnitsState:
    units, ready = unit.seen(now)
    done = step(state, Observation(units=units, ready=ready, savings=savings), terms, now)
    match done.command:
        case Start():
            unit.start(now)
        case Stop():
            unit.stop(now)
    return done.state
