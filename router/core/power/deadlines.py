"""When a step would decide otherwise although nothing new is seen: what the rule waits for.

A controller that steps every second needs none of this. Who plays it in virtual time makes the next step then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from router.core.power.cards import TURN
from router.core.power.rule import paid_beyond_stop
from router.core.power.states import Phase
from router.core.power.terms import PowerTerms
from router.core.power.units import UnitsState

STEP = 1.0
"""Seconds between two steps of a controller: while units drain, what runs may end with every one of them."""


def seconds_to_deadline(state: UnitsState, terms: PowerTerms) -> float:
    """From `state.at` on, after a step that changed nothing, until time alone may change what another one does.

    Infinite where nothing is waited for.
    """
    return min((wait for wait in _waits(state, terms) if wait > 0), default=math.inf)


def _waits(state: UnitsState, terms: PowerTerms) -> Iterator[float]:
    """Those that are not above 0 are over."""
    yield state.rest
    yield terms.min_on - state.held
    yield terms.min_off - state.held
    yield terms.min_on - state.unneeded
    yield TURN - state.held
    yield paid_beyond_stop(state, terms)
    if state.unconfirmed:
        yield terms.repeat_after - state.commanded
    match state.phase:
        case Phase.STARTING:
            yield _exceeded(state.starting, terms)
        case Phase.STOPPING:
            yield _exceeded(state.commanded, terms)
        case Phase.ON:
            yield _exceeded(state.silent, terms) if state.ready < state.units else 0.0
            yield _exceeded(state.lasted, terms) if state.failures else 0.0
        case Phase.DRAINING:
            yield STEP


def _exceeded(passed: float, terms: PowerTerms) -> float:
    """What takes too long has taken longer than `start_timeout`: just as long is not yet over."""
    return terms.start_timeout - passed or STEP
