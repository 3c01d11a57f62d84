"""What one request is held against: the counters of all limits that apply to it, at one moment.

A bill holds for all requests of one key for one model within a minute, so it is made once and used many times.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from router.core.budget import Limit
from router.core.periods import Periods

LOCAL, CLOUD, BOTH = 1, 2, 3
"""Sides of a hold: where its request may go. They add up."""

USD, TOKENS, REQUESTS, CONCURRENT = 1, 2, 3, 4
"""Measures, as the ledger numbers them."""

_MEASURES = {"usd": USD, "tokens": TOKENS, "requests": REQUESTS, "concurrent": CONCURRENT}
_SIDES = {"all": 0, "local": LOCAL, "cloud": CLOUD}


class Charge(Struct, frozen=True, eq=False):
    """One counter of a bill."""

    limit: Limit
    place: str
    """The counter's hash, without the ledger's prefix: limit:day:2026-05-20"""
    field: str
    measure: int
    side: int
    """0 for all, else LOCAL or CLOUD."""

    def holds(self, sides: int) -> bool:
        """Whether a hold for these sides is counted here."""
        return self.side == 0 or sides == BOTH or self.side == sides

    def uses(self, own: bool) -> bool:
        """Whether what was answered on the own side, or on the other one, is counted here."""
        return self.side == 0 or self.side == (LOCAL if own else CLOUD)


class Bill(Struct, frozen=True, eq=False):
    """`raw` is the msgpack array of [place, field, measure, side], as it is kept with each hold."""

    charges: tuple[Charge, ...]
    until: float
    """Seconds since the epoch from which other counters apply."""
    raw: bytes


def bill_of(limits: tuple[Limit, ...], at: float, periods: Periods) -> Bill:
    """The counters of these limits for a request that arrives at `at`."""
    if not limits:
        return NO_BILL
    minute, day, month = periods.ids(at)
    places = {"minute": f"limit:minute:{minute}", "day": f"limit:day:{day}", "month": f"limit:month:{month}"}
    charges = tuple(
        Charge(
            limit,
            places.get(limit.period, "limit:running"),
            limit.counter,
            _MEASURES[limit.measure],
            _SIDES[limit.side],
        )
        for limit in limits
    )
    raw = msgspec.msgpack.encode([[each.place, each.field, each.measure, each.side] for each in charges])
    return Bill(charges, periods.end("minute", at), raw)


NO_BILL = Bill((), float("inf"), msgspec.msgpack.encode([]))
"""Of a request without limits."""
