"""What the ledger is told of a request: what it may take before, what really happened after."""

from __future__ import annotations

from msgspec import Struct

from router.core.bill import BOTH, CLOUD, LOCAL, Hold
from router.core.holds import worst_tokens
from router.core.pricing import cost_micro_usd, counterfactual, worst_case
from router.core.usage import estimate, usage_of
from router.core.values import Cell, Course, Decision, KeyGrant, Route, Settlement, Usage
from router.gateway.ask import Ask
from router.gateway.forward import Sent
from router.ledger.records import pack_refused

_NOTHING = Usage()


class Times(Struct, frozen=True, gc=False):
    """Loop times of one request; 0 for what did not happen."""

    sent: float = 0.0
    first_byte: float = 0.0
    ended: float = 0.0


def hold_for(ask: Ask, decision: Decision, id: str) -> Hold:
    """The dearest of all candidates; charged to the first one if nobody ever settles it."""
    serving = ask.serving
    model = serving.plan.models[decision.model]
    routes = [candidate.route for candidate in decision.candidates]
    worst = worst_tokens(ask.reading, model, routes, ask.states)
    bound = serving.bounds.bound(decision.model, ask.facts.input_tokens, worst)
    cost = worst_case(routes, bound.input, bound.output)
    local = [route for route in routes if route.owned]
    sides = BOTH if 0 < len(local) < len(routes) else LOCAL if local else CLOUD
    bill = serving.bills.of(ask.key, decision.model, ask.at)
    local_cost = worst_case(local, bound.input, bound.output) if local else 0
    risky = bill.charges and bound != worst
    return Hold(
        id,
        _cell(routes[0], decision.model, ask.key),
        ask.at,
        serving.plan.policy.ledger.lease,
        bound.input,
        bound.output,
        cost,
        model.eligible,
        bill,
        sides,
        routes[0].owned,
        local_cost,
        _cell(local[0], decision.model, ask.key) if sides == BOTH and not routes[0].owned else None,
        worst_case(routes, worst.input, worst.output) - cost if risky else 0,
        worst.input + worst.output - bound.input - bound.output if risky else 0,
        ask.request.id,
        worst_case(local, worst.input, worst.output) - local_cost if risky and local else 0,
    )


def usage_of_answer(ask: Ask, sent: Sent) -> Usage:
    """As the backend reported it, or else estimated; nothing for an error."""
    exchange = sent.exchange
    if exchange.status >= 400:
        return _NOTHING
    if exchange.streaming:
        return usage_of_rest(ask, sent)
    body = exchange.body
    return usage_of(body) or estimate(ask.facts.input_tokens, text_bytes=len(body))


def usage_of_rest(ask: Ask, sent: Sent) -> Usage:
    """When the client left: what was produced until then, and all of the input."""
    scanner = sent.exchange.scanner
    if scanner is None:
        return estimate(ask.facts.input_tokens)
    return scanner.usage or estimate(ask.facts.input_tokens, events=scanner.events)


def settlement(ask: Ask, hold: Hold, sent: Sent, usage: Usage, course: Course) -> Settlement:
    route = sent.candidate.route
    exchange = sent.exchange
    cost = other = 0
    model = hold.cell.model
    if usage.input or usage.output:
        cost = cost_micro_usd(route.tiers, usage)
        other = counterfactual(ask.serving.plan.models[model], route, usage)
        if not usage.estimated and exchange.broken is None:
            ask.serving.bounds.learn(model, ask.facts.input_tokens, usage.input, usage.output)
    failed = exchange.status >= 400 or exchange.broken is not None
    cell = hold.cell
    if route.backend != cell.backend:
        cell = _cell(route, model, ask.key)
    return Settlement(hold.id, cell, hold.at, usage, cost, other, failed, hold.eligible, route.owned, course)


def settlement_of_failure(hold: Hold, course: Course) -> Settlement:
    """Nobody answered."""
    local = hold.local_first
    return Settlement(hold.id, hold.cell, hold.at, _NOTHING, 0, 0, True, False, local, course)


def course_of(
    ask: Ask, decision: Decision, times: Times, *, reason: str, status: int, attempts: int, detail: str = ""
) -> Course:
    arrived = ask.arrived
    return Course(
        ask.request.id,
        decision.level,
        decision.tags,
        reason,
        status,
        ask.reading.stream,
        attempts,
        _micros(times.sent, arrived),
        _micros(times.first_byte, arrived),
        _micros(times.ended, arrived),
        detail,
    )


def record_of_refusal(ask: Ask, decision: Decision, code: str, status: int, message: str, ended: float) -> bytes:
    """A record of a request that nothing was sent of."""
    return pack_refused(
        at=ask.at,
        key=ask.key.name,
        team=ask.key.team,
        model=decision.model,
        level=decision.level,
        tags=decision.tags,
        reason=code,
        status=status,
        request=ask.request.id,
        detail=message,
        stream=ask.reading.stream,
        duration=_micros(ended, ask.arrived),
    )


def _micros(at: float, since: float) -> int:
    return int((at - since) * 1e6) if at else 0


def _cell(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)
