"""What the ledger is told of a request: the worst case before, what really happened after."""

from __future__ import annotations

from router.core.pricing import cost_micro_usd, counterfactual, worst_case
from router.core.usage import estimate, usage_of
from router.core.values import Cell, Decision, Hold, KeyGrant, Route, Settlement, Usage
from router.gateway.ask import Ask
from router.gateway.job import Sent

DEFAULT_OUTPUT_TOKENS = 4096
"""Held for an answer whose length neither the client nor a context length bounds."""

_NOTHING = Usage()


def hold_for(ask: Ask, decision: Decision, id: str) -> Hold:
    """The dearest of all candidates; charged to the first one if nobody ever settles it."""
    output = ask.reading.max_output_tokens
    if output is None:
        output = DEFAULT_OUTPUT_TOKENS
    input_tokens = ask.facts.input_tokens
    return Hold(
        id,
        _cell(decision.candidates[0].route, decision.model, ask.key),
        ask.at,
        ask.serving.plan.policy.ledger.lease,
        input_tokens,
        output,
        worst_case([candidate.route for candidate in decision.candidates], input_tokens, output),
        ask.serving.plan.models[decision.model].eligible,
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


def settlement(ask: Ask, hold: Hold, sent: Sent, usage: Usage) -> Settlement:
    route = sent.candidate.route
    exchange = sent.exchange
    cost = other = 0
    if usage.input or usage.output:
        cost = cost_micro_usd(route.tiers, usage)
        other = counterfactual(ask.serving.plan.models[hold.cell.model], route, usage)
    failed = exchange.status >= 400 or exchange.broken is not None
    cell = hold.cell
    if route.backend != cell.backend:
        cell = _cell(route, cell.model, ask.key)
    return Settlement(hold.id, cell, hold.at, usage, cost, other, failed, hold.eligible)


def settlement_of_failure(hold: Hold) -> Settlement:
    """Nobody answered."""
    return Settlement(hold.id, hold.cell, hold.at, _NOTHING, 0, 0, True, False)


def _cell(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)
