"""From a decision to the hold that the ledger is asked for.

Theory of operation: a request is admitted while `used + held`, with its own hold, stays within every limit that is not
soft; when it is settled, its hold goes in the same step in which what it used is added. So no limit is overrun, however
many run at once, as long as no request uses more than it holds. Where holds are learned and not worst cases, counters
have beside them what running requests may take beyond that: the risk. A hold ends once: settled, released since nothing
was sent, or, when its lease is over, charged as held.

What all requests with one decision have in common is worked out once and remembered, as decisions are.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from router.core.cost.pricing import Remainders, worst_case, worst_units
from router.core.decision.cache import MOST
from router.core.limits.counters import CounterSet, CounterSets, Hold
from router.core.limits.estimate import Bounds, Tokens, WorstCase, worst_tokens
from router.core.limits.measures import counted_in
from router.core.limits.terms import Terms, cell_of, terms_of
from router.core.reading import Reading
from router.core.units import NO_UNITS, Units
from router.core.values import BackendState, Decision, KeyGrant, Plan

_WORST = WorstCase()


class HoldMaker:
    """Makes the holds of one policy."""

    def __init__(self, plan: Plan, counter_sets: CounterSets, bounds: Bounds) -> None:
        self.counter_sets = counter_sets
        self.bounds = bounds
        self.costs, self.others = Remainders(), Remainders()
        """Of what requests cost, and of what the other side would have charged."""
        self._models = plan.models
        self._lease = plan.policy.ledger.lease
        self._longest = plan.policy.retry.deadline
        self._known: dict[int, Terms] = {}
        """By the decision's id, which is its own for as long as the terms are here."""

    def terms(self, decision: Decision, now: float, service: str = "") -> Terms:
        if service:  # few requests ask for one, and clients may call it as they like
            return terms_of(decision, self._models[decision.model], now, self._longest, service)
        found = self._known.get(id(decision))
        if found is not None and found.decision is decision and now < found.until:
            return found
        if len(self._known) >= MOST:
            self._known.clear()
        terms = self._known[id(decision)] = terms_of(decision, self._models[decision.model], now, self._longest)
        return terms

    def hold(
        self,
        id: str,
        at: float,
        request: str,
        decision: Decision,
        key: KeyGrant,
        reading: Reading,
        states: Mapping[str, BackendState],
    ) -> Hold:
        """What the dearest candidate may take, charged to the first one if nobody ever settles it.

        `at` is seconds since the epoch; `states` what backends report of their context lengths.
        """
        terms = self.terms(decision, at, reading.service)
        counters = self.counter_sets.of(key, decision.model, at)
        worst = worst_tokens(reading, terms.model, terms.routes, states)
        if counters.all:
            held = self._limited(
                id=id, at=at, request=request, terms=terms, key=key, counters=counters, reading=reading, worst=worst
            )
            return held if reading.units is NO_UNITS else self._with_units(held, terms, reading.units)
        input, output = self.bounds.unlimited(reading.input_tokens, worst)
        cost = worst_case(terms.steps, input, output)
        others = terms.decision.alternatives
        held = Hold(
            id=id,
            cell=cell_of(terms.routes[0], terms.model.name, key),
            at=at,
            lease=self._lease,
            input=input,
            output=output,
            cost=cost,
            eligible=others.eligible,
            request=request,
            captive=others.captive,
        )
        return held if reading.units is NO_UNITS else self._with_units(held, terms, reading.units)

    def _with_units(self, hold: Hold, terms: Terms, units: Units) -> Hold:
        """With what units cost at most: they are counted in the request, so there is nothing to learn."""
        later = hold.at + self._longest
        own = [route for route in terms.routes if route.owned]
        cost = hold.cost + worst_units(terms.routes, units, hold.at, later)
        return replace(hold, cost=cost, local_cost=hold.local_cost + worst_units(own, units, hold.at, later))

    def _limited(
        self,
        id: str,
        at: float,
        request: str,
        terms: Terms,
        key: KeyGrant,
        counters: CounterSet,
        reading: Reading,
        worst: Tokens,
    ) -> Hold:
        # What goes on in the background is booked with all that was asked for until somebody sees what it took.
        bounds = _WORST if reading.background else self.bounds
        input, output = bound = bounds.bound(terms.model.name, reading.input_tokens, worst)
        cost = worst_case(terms.steps, input, output)
        local_cost = worst_case(terms.local_steps, input, output)
        risky = bound != worst
        others = terms.decision.alternatives
        return Hold(  # some by their places, because Python makes a dictionary of more than 15 names
            id,
            cell_of(terms.routes[0], terms.model.name, key),
            at,
            self._lease,
            input,
            output=output,
            cost=cost,
            eligible=others.eligible,
            counters=counters,
            sides=terms.sides,
            local_first=terms.routes[0].owned,
            local_cost=local_cost,
            local_cell=None if terms.local is None else cell_of(terms.local, terms.model.name, key),
            cost_at_risk=worst_case(terms.steps, worst.input, worst.output) - cost if risky else 0,
            tokens_at_risk=worst.input + worst.output - input - output if risky else 0,
            request=request,
            local_cost_at_risk=worst_case(terms.local_steps, worst.input, worst.output) - local_cost if risky else 0,
            counted=counted_in(reading),
            captive=others.captive,
        )
