"""How many units are wanted, and why: rent or buy, within the policy's limits.

A unit is started once what it would have saved per hour reaches its rent, and stopped once that is below four fifths of
it. What may only be served at home is no matter of money: one waiting request wakes one unit, and many wake one.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.core.power.cards import CLAIMS, NOTHING, USEFUL
from router.core.power.savings import SLOT, Savings
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order, PowerTerms
from router.core.power.units import Observation, UnitsState

ON_FROM = 1.0
"""Share of its rent that a unit has to save to be started."""
OFF_BELOW = 0.8
"""And that it has to save to stay."""
LEAST_RENT = 0.01
"""USD per hour that a unit without any rent has to save."""


class Wanted(Struct, frozen=True):
    units: int
    reason: str
    """A short code; `REASONS` has them all."""
    explanation: str
    claim: int = 0
    """How much a unit is wanted, whatever keeps it off, see `cards`."""


REASONS = {
    "order": "an administrator ordered it",
    "left": "the policy names other units now, or none",
    "never": "the policy never switches it on",
    "always": "the policy keeps a unit on",
    "schedule": "the schedule keeps a unit on",
    "waiting": "a request waits that only these units may serve",
    "captive": "such a request was served a short while ago",
    "saves": "its units save their rent",
    "hysteresis": "they save a little less, which is no reason to stop them yet",
    "too-little": "they would save less than their rent",
    "starting": "a start is under way",
    "min-on": "they have not been on for `min_on`",
    "min-off": "they have not been off for `min_off`",
    "paid": "they are paid for until the end of the billing step",
    "resting": "it rests after a failure",
    "card": "another model is asked for on the card that they share",
    "card-taken": "another model has the card that they share",
    "address-taken": "what was at its address goes first",
    "ledger-lost": "what was used cannot be read",
}


def wanted(state: UnitsState, seen: Observation, terms: PowerTerms) -> Wanted:
    """What is wanted in the moment of `state.at`, when it has been brought up to what is seen."""
    units = units_of(state)
    chosen = _fixed(state, terms)
    if chosen is None:
        chosen = _chosen(state, seen, terms, units)
    claim = CLAIMS.get(chosen.reason, USEFUL) if chosen.units else NOTHING
    return replace(_within_limits(state, seen, terms, chosen), claim=claim)


def _within_limits(state: UnitsState, seen: Observation, terms: PowerTerms, chosen: Wanted) -> Wanted:
    units = units_of(state)
    if seen.turn.asked_by:
        chosen = Wanted(0, "card", f"{seen.turn.asked_by} is asked for on the card that they share.")
    if chosen.units > units:
        return _unless(_no_start(state, seen, terms, chosen), chosen, units)
    there = state.units if state.phase is Phase.DRAINING else units
    if chosen.units < there:
        return _unless(_no_stop(state, seen, terms, chosen), chosen, there)
    return chosen


def units_of(state: UnitsState) -> int:
    """Units that are there to stay, or are on their way."""
    if state.phase is Phase.STARTING or state.phase is Phase.STOPPING:
        return state.target
    return 0 if state.phase is Phase.DRAINING else state.units


def by_cost(savings: Savings, terms: PowerTerms, units: int) -> Wanted:
    """As many as save their rent, when there are `units`."""
    rent = max(LEAST_RENT, terms.usd_per_hour)
    more = _count(savings, terms, ON_FROM * rent)
    if more > units:
        return Wanted(more, "saves", _terms(savings, terms, more))
    kept = min(units, _count(savings, terms, OFF_BELOW * rent))
    if kept < units:
        return Wanted(kept, "too-little", _terms(savings, terms, kept + 1))
    if units > more:
        return Wanted(units, "hysteresis", _terms(savings, terms, units))
    if units:
        return Wanted(units, "saves", _terms(savings, terms, units))
    return Wanted(0, "too-little", _terms(savings, terms, 1))


def _count(savings: Savings, terms: PowerTerms, usd_per_hour: float) -> int:
    """Units, from the first on, that save at least so much."""
    enough = 0
    while enough < terms.units and savings.of(enough + 1) >= usd_per_hour:
        enough += 1
    return enough


def _terms(savings: Savings, terms: PowerTerms, unit: int) -> str:
    which = "A unit" if terms.units == 1 else f"Unit {unit}"
    return (
        f"{which} would save ${savings.of(unit):.2f} an hour, by the last hour's mean, and its rent is"
        f" ${terms.usd_per_hour:.2f}."
    )


def _fixed(state: UnitsState, terms: PowerTerms) -> Wanted | None:
    """What leaves nothing to the rule."""
    if terms.left:
        return Wanted(0, "left", "The policy names other units now, or none: these are switched off first.")
    if state.order is Order.OFF:
        return Wanted(0, "order", "An administrator ordered it off.")
    if state.order is Order.AUTO and terms.mode is Mode.NEVER:
        return Wanted(0, "never", "The policy never switches it on.")
    return None


def _chosen(state: UnitsState, seen: Observation, terms: PowerTerms, units: int) -> Wanted:
    """By cost, or by what wants one unit whatever it costs."""
    cost = by_cost(seen.savings, terms, units)
    if cost.units > 1:
        return cost
    return _one(state, seen, terms) or cost


def _one(state: UnitsState, seen: Observation, terms: PowerTerms) -> Wanted | None:
    if state.order is Order.ON:
        return Wanted(1, "order", "An administrator ordered it on.")
    if terms.mode is Mode.ALWAYS:
        return Wanted(1, "always", "The policy keeps a unit on.")
    if seen.waiting:
        return Wanted(1, "waiting", "Requests wait that only this backend may serve.")
    if seen.scheduled:
        return Wanted(1, "schedule", "The schedule keeps a unit on.")
    if state.unneeded < terms.min_on and units_of(state):
        return Wanted(
            1,
            "captive",
            f"A request that only this backend may serve was there {span(state.unneeded)} ago; it stays on for"
            f" {span(terms.min_on)} after the last one.",
        )
    return None


def _unless(held_by: tuple[str, str] | None, chosen: Wanted, units: int) -> Wanted:
    if held_by is None:
        return chosen
    reason, clause = held_by
    return Wanted(units, reason, f"{chosen.explanation} {clause}")


def _no_start(state: UnitsState, seen: Observation, terms: PowerTerms, chosen: Wanted) -> tuple[str, str] | None:
    """What keeps more units from being started: its code and a sentence."""
    if seen.turn.taken_by and seen.turn.address:
        return "address-taken", f"{seen.turn.taken_by} is still at its address, and goes first."
    if seen.turn.taken_by:
        return "card-taken", f"{seen.turn.taken_by} has the card that they share, until it sleeps."
    if state.rest:
        return "resting", f"It rests for {span(state.rest)}, since {state.error}."
    if chosen.reason not in ("saves", "schedule"):
        return None
    if chosen.reason == "saves" and not seen.ledger_ok:
        return "ledger-lost", "The ledger is lost, so nothing is started to save money."
    if state.held < terms.min_off:
        return "min-off", f"Nothing is started for {span(terms.min_off - state.held)} after the last change."
    return None


def _no_stop(state: UnitsState, seen: Observation, terms: PowerTerms, chosen: Wanted) -> tuple[str, str] | None:
    """What keeps units from being stopped."""
    if not seen.ledger_ok:
        return "ledger-lost", "The ledger is lost, so nothing is stopped."
    if chosen.reason in ("left", "order", "never", "card"):
        return None
    if state.phase is Phase.STARTING:
        return "starting", "A start is under way."
    if seen.waiting:
        return "waiting", "Nothing is stopped while requests wait that only this backend may serve."
    if state.held < terms.min_on:
        return "min-on", f"It stays on for another {span(terms.min_on - state.held)}."
    if paid_beyond_stop(state, terms) > 0:
        return "paid", f"It is paid for another {span(_paid(state, terms))}."
    return None


def paid_beyond_stop(state: UnitsState, terms: PowerTerms) -> float:
    """Seconds until so little of the billing step is left that a stop may begin; not above 0 where that is so."""
    return _paid(state, terms) - terms.drain - SLOT


def _paid(state: UnitsState, terms: PowerTerms) -> float:
    """Seconds until the next billing step begins."""
    return (state.started_at - state.at) % terms.billing


def span(seconds: float) -> str:
    """For people: 40 s, 5 min, 2 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
