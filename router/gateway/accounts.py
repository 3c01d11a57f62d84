"""What the ledger is told of a request: what it may take before, what really happened after."""

from __future__ import annotations

from router.core.bill import Hold
from router.core.pricing import cost_micro_usd, counterfactual
from router.core.terms import cell_of
from router.core.usage import estimate, usage_of
from router.core.values import Course, Decision, Settlement, Usage
from router.gateway.ask import Ask
from router.gateway.job import Sent
from router.ledger.records import pack_refused

_NOTHING = Usage()


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
        if hold.bill.charges and not usage.estimated and exchange.broken is None:
            ask.serving.holding.bounds.learn(model, ask.facts.input_tokens, usage.input, usage.output)
    failed = exchange.status >= 400 or exchange.broken is not None
    cell = hold.cell
    if route.backend != cell.backend:
        cell = cell_of(route, model, ask.key)
    return Settlement(hold.id, cell, hold.at, usage, cost, other, failed, hold.eligible, course, route.owned)


def settlement_of_failure(hold: Hold, course: Course) -> Settlement:
    """Nobody answered."""
    local = hold.local_first
    return Settlement(hold.id, hold.cell, hold.at, _NOTHING, 0, 0, True, False, course, local)


def course_of(
    ask: Ask,
    decision: Decision,
    *,
    reason: str,
    status: int,
    attempts: int,
    ended: float,
    sent: float = 0.0,
    first_byte: float = 0.0,
    detail: str = "",
) -> Course:
    """Times are of the monotonic clock; 0 for what did not happen."""
    arrived = ask.arrived
    return Course(
        ask.request.id,
        decision.level,
        decision.tags,
        reason,
        status,
        ask.reading.stream,
        attempts,
        _micros(sent, arrived),
        _micros(first_byte, arrived),
        _micros(ended, arrived),
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
