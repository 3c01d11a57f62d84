"""How a request ends for the ledger: exactly one of these, whatever happens."""

from __future__ import annotations

from time import monotonic

from router.core.values import Decision, KeyGrant, RequestOutcome, Settlement
from router.gateway.context import RequestContext
from router.gateway.error_responses import no_answer
from router.gateway.errors import ApiError
from router.gateway.forward import Forwarding, NoAnswer
from router.gateway.forward_request import Attempt, FailedAttempt
from router.gateway.request import Request
from router.gateway.reservation import Reservation
from router.gateway.settlements import (
    attempts_of,
    course_of,
    record_of_refusal,
    settlement,
    settlement_of_failure,
    usage_of_answer,
    usage_of_rest,
)
from router.ledger.interface import Ledger
from router.ledger.record import pack_refused


class Settler:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def answered(
        self,
        context: RequestContext,
        decision: Decision,
        reservation: Reservation,
        forwarding: Forwarding,
        sent: Attempt,
        answered: float,
        reason: str,
    ) -> Settlement:
        """By a backend, which `answered` at that time of the monotonic clock; a stream may have broken since."""
        exchange = sent.exchange
        course = course_of(
            context,
            decision,
            reason=reason,
            status=exchange.status,
            attempts=len(forwarding.attempts) + 1,
            sent=exchange.asked_at,
            first_byte=answered,
            ended=monotonic(),
            detail="" if exchange.broken is None else str(exchange.broken),
        )
        usage = usage_of_answer(context, reservation.hold, sent)
        settled = settlement(context, decision, reservation.hold, sent, usage, course)
        reservation.settle(settled)
        if forwarding.attempts:
            self._count_failed(context, decision, reservation, forwarding.attempts)
        return settled

    def unanswered(
        self, context: RequestContext, decision: Decision, reservation: Reservation, failure: NoAnswer
    ) -> None:
        """No attempt came to anything; or none was made, and nothing sent, as if that had been known before."""
        if not failure.attempts:
            reservation.release()
            self.refused(context, decision, no_answer(failure, decision))
            return
        status = no_answer(failure, decision).status if failure.last is None else failure.last.exchange.status
        course = course_of(
            context,
            decision,
            ended=monotonic(),
            reason=decision.candidates[0].reason,
            status=status,
            attempts=len(failure.attempts),
            detail=str(failure),
        )
        reservation.settle(settlement_of_failure(reservation.hold, course))
        self._count_failed(context, decision, reservation, failure.attempts)

    def left(
        self, context: RequestContext, decision: Decision, reservation: Reservation, forwarding: Forwarding | None
    ) -> None:
        """The client left, or something broke here: what was produced is charged, what was never sent is not. One that
        has its whole answer and waits for no end of the stream was answered."""
        sent = None if forwarding is None else forwarding.current
        if forwarding is not None:
            self._count_failed(context, decision, reservation, forwarding.attempts)
        if forwarding is None or sent is None or not sent.exchange.asked_at:
            reservation.release()
            return
        answered = sent.exchange.all_said
        course = course_of(
            context,
            decision,
            sent=sent.exchange.asked_at,
            ended=monotonic(),
            reason=forwarding.reason(sent.candidate),
            status=sent.exchange.status if answered else 0,
            attempts=len(forwarding.attempts) + 1,
            detail="" if answered else "the client left",
        )
        usage = usage_of_rest(context, reservation.hold, sent)
        reservation.settle(settlement(context, decision, reservation.hold, sent, usage, course))
        forwarding.release()

    def _count_failed(
        self, context: RequestContext, decision: Decision, reservation: Reservation, attempts: list[FailedAttempt]
    ) -> None:
        for spent in attempts_of(context, decision, reservation.hold, attempts, monotonic()):
            self._ledger.attempt(spent, reservation.hold.counters)

    def turned_away(self, request: Request, key: KeyGrant, error: ApiError, at: float) -> None:
        """Nobody read its body: that is only a record, which knows no model."""
        course = RequestOutcome(
            request=request.id,
            reason=error.code,
            status=error.status,
            detail=error.note,
            endpoint="" if request.surface is None else request.surface.name,
            via=key.via,
        )
        self._ledger.note(pack_refused(at=at, key=key.name, team=key.team, model="", course=course))

    def refused(self, context: RequestContext, decision: Decision, error: ApiError) -> None:
        """Nothing was sent: that is only a record."""
        self._ledger.note(record_of_refusal(context, decision, error.code, error.status, error.note, monotonic()))
