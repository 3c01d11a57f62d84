"""What the ledger is told of a request: what it may take before, what really happened after."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from msgspec.structs import replace

from router.core.bookings import Booking, priced, used
from router.core.cost.pricing import STANDARD, compared, is_priced
from router.core.estimated_usage import (
    BYTES_PER_TOKEN,
    MOST_BYTES_PER_TOKEN,
    as_asked,
    bounded,
    counted_within,
    estimate,
    not_below,
    with_input,
)
from router.core.limits.counters import Hold
from router.core.limits.estimate import DEFAULT_OUTPUT_TOKENS, most_tokens
from router.core.limits.terms import cell_of
from router.core.resilience.retry import Fault, Outcome
from router.core.units import NO_UNITS
from router.core.values import Cell, Decision, RequestOutcome, Route, Settlement, Usage
from router.gateway.context import RequestContext
from router.gateway.forward_request import Attempt, FailedAttempt
from router.ledger.record import pack_refused

_NOTHING = Usage()
_MAY_BE_BILLED = (
    Fault.RESET_BEFORE_HEAD,
    Fault.FIRST_BYTE_TIMEOUT,
    Fault.BAD_RESPONSE,
    Fault.TOO_LARGE,
    Fault.NO_ROOM,
    Fault.MID_STREAM,
)
"""How an attempt ends whose backend may have worked on it. An error that came as an answer is not billed, unless the
adapter says that its provider may do so."""

_log = logging.getLogger("breakeven.usage")


def usage_of_answer(context: RequestContext, hold: Hold, sent: Attempt) -> Usage:
    """As the backend reported it, or else estimated; nothing for an error, see `_MAY_BE_BILLED`. What goes on in the
    background has hardly begun: it may take all that was asked for."""
    exchange = sent.exchange
    if exchange.status >= 400:
        return _of_error(context, hold, sent)
    if exchange.streaming:
        return usage_of_rest(context, hold, sent)
    reported = exchange.usage
    if reported is None:
        events = _asked(context, hold, sent.candidate.route) if context.reading.background else 0
        text_bytes = context.surface.text_bytes_of(exchange.body)
        return _guess(context, events=events, text_bytes=text_bytes)
    return _believed(context, sent, reported, _produced(context, exchange.body, reported))


def usage_of_rest(context: RequestContext, hold: Hold, sent: Attempt) -> Usage:
    """When the client left: what was produced until then, and all of the input. What a provider makes of an answer in
    one piece is not seen before its end: it may charge all that was asked for."""
    exchange = sent.exchange
    scanner, route = exchange.scanner, sent.candidate.route
    if exchange.status >= 400:
        return _of_error(context, hold, sent)
    if scanner is None:
        return _guess(context, events=_hidden(context, hold, route) if exchange.hides_its_work else 0)
    unknown = exchange.unread or scanner.unread or context.reading.background
    asked = _asked(context, hold, route, scanner.unread_bytes) if unknown else 0
    if scanner.usage is None:
        return _guess(context, events=max(scanner.produced, asked))
    usage = scanner.usage
    if scanner.unread and usage.output < asked:
        usage = replace(usage, output=asked, estimated=True)
    return _believed(context, sent, usage, scanner.produced)


def _produced(context: RequestContext, body: bytes, reported: Usage) -> int:
    """About the tokens of text in an answer, looked for where it is long for what it reports."""
    if len(body) <= reported.output * MOST_BYTES_PER_TOKEN:
        return 0
    return context.surface.text_bytes_of(body) // BYTES_PER_TOKEN


def _of_error(context: RequestContext, hold: Hold, sent: Attempt) -> Usage:
    """Of one that is the client's answer."""
    failed = sent.failed(Outcome(status=sent.exchange.status))
    if not _may_be_billed(failed):
        return _NOTHING
    return _estimated(context, hold, failed) if failed.usage is None else _believed(context, sent, failed.usage)


def _believed(context: RequestContext, sent: Attempt, reported: Usage, produced: int = 0) -> Usage:
    """No more than the request can have taken, and no less than the tokens that its answer has been seen to hold: a
    report beyond that is the backend's mistake, and said."""
    route, reading = sent.candidate.route, context.reading
    usage = reported = with_input(reported, context.facts.input_tokens)
    if reported.units is NO_UNITS:
        most = reading.max_output_tokens
        usage = not_below(reported, produced if most is None else min(produced, most))
    if usage.input > reading.input_bound or usage.output > (reading.max_output_tokens or 0):
        usage = bounded(usage, *most_tokens(reading, route))
    if usage.units is not NO_UNITS:
        usage = counted_within(usage, reading.units)
    if usage is not reported:
        _log.warning(
            "the backend reported what the request cannot have taken: what it can have is counted",
            extra={
                "backend": route.backend,
                "input": reported.input,
                "output": reported.output,
                "milliseconds": reported.units.milliseconds,
                "images": reported.units.images,
                "searches": reported.units.searches,
            },
        )
    return usage


def attempts_of(
    context: RequestContext, decision: Decision, hold: Hold, attempts: Iterable[FailedAttempt], ended: float
) -> list[Settlement]:
    """What failed attempts may have cost, as estimates: of those that a backend may bill.

    That is one that got the whole request and did not answer with an error. Its input was read, and what it produced
    is known by its events. What an own backend failed at saved nothing: its request is compared, wherever it ends.
    """
    found = []
    for number, attempt in enumerate(attempts, 1):
        if not _may_be_billed(attempt):
            continue
        route, model = attempt.candidate.route, hold.cell.model
        told = attempt.usage or _estimated(context, hold, attempt)
        usage = replace(bounded(told, *most_tokens(context.reading, route)), estimated=True)
        if usage.units is not NO_UNITS:
            usage = counted_within(usage, context.reading.units)
        usage = _as_served(context, route, usage, attempt.asked_at)
        course = RequestOutcome(
            request=context.request.id,
            reason="attempt-failed",
            stream=context.reading.stream,
            attempts=number,
            duration=_micros(ended, context.arrived),
            detail=attempt.outcome.why,
            endpoint=context.facts.endpoint,
            dimensions=context.dimensions,
            via=context.key.via,
        )
        cell = cell_of(route, model, context.key)
        exact, exact_other = _prices(context, decision, route, usage, attempt.asked_at)
        cost, other = _whole(context, cell, exact, 0.0 if route.owned else exact_other)
        found.append(
            Settlement(
                id="",
                cell=cell,
                at=hold.at,
                usage=usage,
                cost=cost,
                counterfactual=other,
                error=False,
                eligible=False,
                course=course,
                local=route.owned,
                requests=0,
                captive=hold.captive,
            )
        )
    return found


def _estimated(context: RequestContext, hold: Hold, attempt: FailedAttempt) -> Usage:
    """What can be seen of it: events of a stream, or all bytes as text. Where its end could not be read, it may have
    been as long as was asked for."""
    error = attempt.began or attempt.outcome.status >= 400
    text = 0 if attempt.events or error else attempt.size
    asked = _asked(context, hold, attempt.candidate.route) if attempt.unread else 0
    return _guess(context, events=max(attempt.events, asked), text_bytes=text)


def _guess(context: RequestContext, *, events: int = 0, text_bytes: int = 0) -> Usage:
    """Of an answer that does not tell, or did not come to its end."""
    units = context.reading.likely
    return estimate(context.facts.input_tokens + units.audio_input, events=events, text_bytes=text_bytes, units=units)


def _asked(context: RequestContext, hold: Hold, route: Route, unread: int = 0) -> int:
    """Tokens of output that were asked for. Where the client did not say, as many as can have been: those that are held
    for it, which other answers were within, are none that this one had to keep to; nor is it shorter than what came of
    it that nobody could read, in bytes."""
    asked = context.reading.max_output_tokens
    if asked is not None:
        return asked
    seen = max(DEFAULT_OUTPUT_TOKENS, -(-unread // BYTES_PER_TOKEN))
    return max(hold.output, min(seen, most_tokens(context.reading, route).output))


def _hidden(context: RequestContext, hold: Hold, route: Route) -> int:
    """The same of an answer that nobody saw anything of, as its client left: with what is held less than it can take,
    or who always leaves would never come to a limit."""
    asked = _asked(context, hold, route)
    if context.reading.max_output_tokens is not None:
        return asked
    return max(asked, min(hold.output + hold.tokens_at_risk, most_tokens(context.reading, route).output))


def _may_be_billed(attempt: FailedAttempt) -> bool:
    worked = attempt.usage is not None or attempt.began or attempt.unread or attempt.outcome.fault in _MAY_BE_BILLED
    return attempt.written and worked


def settlement(
    context: RequestContext, decision: Decision, hold: Hold, sent: Attempt, usage: Usage, course: RequestOutcome
) -> Settlement:
    route = sent.candidate.route
    exchange = sent.exchange
    exact = exact_other = 0.0
    model = hold.cell.model
    if usage.input or usage.output or usage.units is not NO_UNITS:
        if usage.input and hold.counters.all and not usage.estimated and exchange.broken is None:
            context.serving.holding.bounds.learn(model, context.facts.input_tokens, usage.input, usage.output)
        usage = _as_served(context, route, usage, exchange.asked_at)
        exact, exact_other = _prices(context, decision, route, usage, exchange.asked_at)
    failed = exchange.status >= 400 or exchange.broken is not None
    cell = hold.cell
    if route.backend != cell.backend:
        cell = cell_of(route, model, context.key)
    cost, other = _whole(context, cell, exact, exact_other)
    return Settlement(
        id=hold.id,
        cell=cell,
        at=hold.at,
        usage=usage,
        cost=cost,
        counterfactual=other,
        error=failed,
        eligible=hold.eligible,
        course=course,
        local=route.owned,
        requests=1,
        counted=hold.counted,
        captive=hold.captive,
    )


def booking_of(context: RequestContext, decision: Decision, sent: Attempt, booked: Settlement) -> Booking | None:
    """What is remembered of an answer that goes on in the background, to be corrected once it is known what it took;
    None for all that is known."""
    if not (context.reading.background and booked.usage.estimated) or booked.error:
        return None
    route, at = sent.candidate.route, _epoch(context, sent.exchange.asked_at)
    others = decision.alternatives.cloud if route.owned else decision.alternatives.own
    return Booking(
        settlement=booked,
        most_input=most_tokens(context.reading, route).input,
        most_output=most_tokens(context.reading, route).output,
        tariff=route.prices.at(at),
        others=tuple([other.prices.at(at) for other in others]),
        guessed=route.guessed_price,
    )


def correction_of(context: RequestContext, booking: Booking, reported: Usage) -> Settlement:
    """What the request took that was booked as an estimate; `context` is of whoever asked for it now."""
    booked, usage = booking.settlement, used(booking, reported)
    cost, other = _whole(context, booked.cell, *priced(booking, usage))
    return replace(booked, usage=usage, cost=cost, counterfactual=other)


def _as_served(context: RequestContext, route: Route, usage: Usage, asked_at: float) -> Usage:
    """With the service tier of the answer, or else of the request. A tier without a known price costs the standard
    one, and counts as estimated."""
    if context.reading.units is not NO_UNITS:
        usage = as_asked(usage, context.reading.units, context.reading.likely)
    service = usage.service or context.reading.service
    if service in STANDARD:
        return replace(usage, estimated=True) if route.guessed_price else usage
    unknown = not route.owned and not is_priced(route, service, _epoch(context, asked_at))
    return replace(usage, service=service, estimated=usage.estimated or unknown)


def _prices(
    context: RequestContext, decision: Decision, route: Route, usage: Usage, asked_at: float
) -> tuple[float, float]:
    """What it cost when it was asked for, and what the other side would have charged then, see `compared`."""
    return compared(decision.alternatives, route, usage, _epoch(context, asked_at))


def _epoch(context: RequestContext, at: float) -> float:
    """Of a time of the monotonic clock, by the clock that the request's arrival was read from."""
    return context.at + at - context.arrived


def _whole(context: RequestContext, cell: Cell, cost: float, other: float) -> tuple[int, int]:
    holding = context.serving.holding
    return holding.costs.whole(cell, cost), holding.others.whole(cell, other)


def settlement_of_failure(hold: Hold, course: RequestOutcome) -> Settlement:
    """Nobody answered."""
    local = hold.local_first
    return Settlement(
        id=hold.id,
        cell=hold.cell,
        at=hold.at,
        usage=_NOTHING,
        cost=0,
        counterfactual=0,
        error=True,
        eligible=False,
        course=course,
        local=local,
        requests=1,
        counted=hold.counted,
        captive=hold.captive,
    )


def course_of(
    context: RequestContext,
    decision: Decision,
    *,
    reason: str,
    status: int,
    attempts: int,
    ended: float,
    sent: float = 0.0,
    first_byte: float = 0.0,
    detail: str = "",
) -> RequestOutcome:
    """Times are of the monotonic clock; 0 for what did not happen."""
    arrived = context.arrived
    return RequestOutcome(
        request=context.request.id,
        level=decision.level,
        tags=decision.tags,
        reason=reason,
        status=status,
        stream=context.reading.stream,
        attempts=attempts,
        sent=int((sent - arrived) * 1e6) if sent else 0,
        first_byte=int((first_byte - arrived) * 1e6) if first_byte else 0,
        duration=_micros(ended, arrived),
        detail=detail,
        endpoint=context.facts.endpoint,
        grounds=context.grounds(reason),
        dimensions=context.dimensions,
        via=context.key.via,
    )


def record_of_refusal(
    context: RequestContext, decision: Decision, code: str, status: int, message: str, ended: float
) -> bytes:
    """A record of a request that nothing was sent of."""
    course = course_of(context, decision, reason=code, status=status, attempts=0, ended=ended, detail=message)
    key = context.key
    return pack_refused(at=context.at, key=key.name, team=key.team, model=decision.model, course=course)


def _micros(at: float, since: float) -> int:
    return int((at - since) * 1e6) if at else 0
