"""A request's hold, and what it is held against: the counters of all limits that apply to it, at one moment.

They are the same for all requests of one key for one model within a minute, so they are put together once and used many
times.
"""

from __future__ import annotations

import math

import msgspec
from msgspec import Struct

from router.core.limits.limits import Budgets, Limit, Verdict
from router.core.limits.measures import NUMBERS
from router.core.limits.periods import Periods
from router.core.policy import Policy
from router.core.values import Candidate, Cell, KeyGrant

LOCAL, CLOUD, BOTH = 1, 2, 3
"""Sides of a hold: where its request may go. They add up."""

EXHAUSTED = "budget-exhausted"
"""Reason of a request that goes to an own backend because there is no budget for the cloud."""

_REMEMBERED = 10_000
_SIDES = {"all": 0, "local": LOCAL, "cloud": CLOUD}


class Counter(Struct, frozen=True, eq=False):
    """What one limit has counted."""

    limit: Limit
    key: str
    """The counter's hash, without the ledger's prefix: limit:day:2026-05-20"""
    field: str
    measure: int
    """Its number, see `measures`."""
    side: int
    """0 for all, else LOCAL or CLOUD."""
    warn_at: int
    """Used and held together, from which a warning is given."""

    def holds(self, sides: int) -> bool:
        """Whether a hold for these sides is counted here."""
        return self.side == 0 or sides == BOTH or self.side == sides

    def uses(self, own: bool) -> bool:
        """Whether what was answered on the own side, or on the other one, is counted here."""
        return self.side == 0 or self.side == (LOCAL if own else CLOUD)


class CounterSet(Struct, frozen=True, eq=False):
    """`raw` is the msgpack array of [key, field, measure, side], as it is kept with each hold."""

    all: tuple[Counter, ...]
    until: float
    """Seconds since the epoch from which other counters apply."""
    raw: bytes


def counters_of(limits: tuple[Limit, ...], at: float, periods: Periods) -> CounterSet:
    """The counters of these limits for a request that arrives at `at`."""
    if not limits:
        return NO_COUNTERS
    minute, day, month = periods.ids(at)
    keys = {"minute": f"limit:minute:{minute}", "day": f"limit:day:{day}", "month": f"limit:month:{month}"}
    counters = tuple(
        Counter(
            limit,
            keys.get(limit.period, "limit:running"),
            limit.counter,
            NUMBERS[limit.measure],
            _SIDES[limit.side],
            math.ceil(limit.amount * limit.soft),
        )
        for limit in limits
    )
    raw = msgspec.msgpack.encode([[each.key, each.field, each.measure, each.side] for each in counters])
    return CounterSet(counters, periods.end("minute", at), raw)


NO_COUNTERS = CounterSet((), float("inf"), msgspec.msgpack.encode([]))
"""Of a request without limits."""


class CounterSets:
    """The counters of one policy, remembered by key and model for as long as they hold."""

    def __init__(self, policy: Policy, periods: Periods) -> None:
        self.periods = periods
        self._budgets = Budgets(policy)
        self._known: dict[tuple[str, str], tuple[KeyGrant, CounterSet]] = {}

    def of(self, key: KeyGrant, model: str, at: float) -> CounterSet:
        """The same each time within a minute, as long as the key's grant is the same."""
        found = self._known.get((key.name, model))
        if found is not None and found[0] is key and at < found[1].until:
            return found[1]
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        counters = counters_of(self._budgets.of(key, model), at, self.periods)
        self._known[key.name, model] = key, counters
        return counters


class Hold(Struct, frozen=True, gc=False):
    """The worst case of one request, held before it is sent."""

    id: str
    cell: Cell
    """Where it is charged if it is never settled."""
    at: float
    lease: float
    """Seconds until it is charged as held."""
    input: int
    output: int
    cost: int
    """Nano-USD."""
    eligible: bool
    counters: CounterSet = NO_COUNTERS
    """The counters of limits that it is held against."""
    sides: int = BOTH
    """Where the request may go: LOCAL, CLOUD or BOTH."""
    local_first: bool = False
    """It would go to an own backend anyway."""
    local_cost: int = 0
    """Nano-USD if it goes to own backends only."""
    local_cell: Cell | None = None
    """Where it is charged then."""
    cost_at_risk: int = 0
    """Nano-USD that it may cost beyond `cost`, when that is a learned bound."""
    tokens_at_risk: int = 0
    request: str = ""
    """The `x-request-id` that the client is given."""
    local_cost_at_risk: int = 0
    """As `cost_at_risk`, if it goes to own backends only."""
    counted: tuple[int, ...] = ()
    """What limits count of its request, see `measures.COUNTED`; empty where none does."""
    captive: bool = False
    """It may not leave."""


class Reached(Struct, frozen=True, gc=False):
    """A soft limit that is reached, with its counter."""

    limit: Limit
    used: int
    held: int


class Admission(Struct, frozen=True, gc=False):
    """The ledger's answer to a hold."""

    sides: int
    """Where the request may go; 0 when nothing is held and it is refused."""
    verdict: Verdict | None = None
    """The limit that stands in the way of the rest."""
    warnings: tuple[Reached, ...] = ()
    """Soft limits that are reached."""


def on_own_backends(candidates: tuple[Candidate, ...], verdict: Verdict) -> tuple[Candidate, ...]:
    """The candidates that are left when a limit stands in the way of the cloud, with that as the reason where the
    cloud would have been first."""
    left = tuple([each for each in candidates if each.route.owned])
    if candidates[0].route.owned:
        return left
    why = f"{verdict.limit.name} does not allow the cloud now"
    return tuple([Candidate(each.route, EXHAUSTED, why) for each in left])
