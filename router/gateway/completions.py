"""The main job: read, decide, reserve, forward, settle."""

from __future__ import annotations

import asyncio
import logging
import math

from msgspec.structs import replace

from router.core.bill import Admission, Reached, on_own_backends
from router.core.budget import Verdict, refusal_of, warning_of
from router.core.editing import edit, wants_continuous
from router.core.facts import build_facts
from router.core.policy import Endpoint
from router.core.reading import BadBody, read
from router.core.retry import client_retry_after
from router.core.values import Candidate, Decision, KeyGrant, Refusal, Route, Settlement
from router.gateway.accounts import (
    Times,
    course_of,
    hold_for,
    record_of_refusal,
    settlement,
    settlement_of_failure,
    usage_of_answer,
    usage_of_rest,
)
from router.gateway.ask import Ask
from router.gateway.errors import ApiError
from router.gateway.forward import Forwarding, Job, NoAnswer, Sent
from router.gateway.headers import to_backend, to_client
from router.gateway.http import Client, Request
from router.gateway.inflate import inflate
from router.gateway.reservation import Reservation
from router.gateway.respond import header, told
from router.gateway.room import Room
from router.gateway.state import Serving, State

PATHS: dict[Endpoint, str] = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}
LARGE_BODY = 256 * 1024
"""Bytes from which a body is read in a thread, as compressed ones are, so that others are not held up by it."""
_NO_RETRY = header("x-should-retry", "false")

log = logging.getLogger("breakeven.gateway")


class Completions:
    """Handles the three POST endpoints."""

    def __init__(self, state: State, room: Room, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._room = room
        self._loop = loop

    async def handle(self, endpoint: Endpoint, request: Request, client: Client, key: KeyGrant) -> None:
        if len(request.body) <= LARGE_BODY and "content-encoding" not in request.headers:
            ask = self._read(self._state.serving, endpoint, request, key)
        else:
            ask = await asyncio.to_thread(self._read, self._state.serving, endpoint, request, key)
        decision = self._decide(ask)
        if decision.waiting:
            decision = await self._find_room(ask, decision)
        ledger = self._state.ledger
        id = ledger.next_id(ask.at, ask.serving.plan.policy.ledger.lease)
        reservation = Reservation(ledger, hold_for(ask, decision, id))
        forwarding: Forwarding | None = None
        settled = False
        try:
            admission = await reservation.admission()
            if admission is not None and (admission.verdict or admission.warnings):
                decision = self._within_budget(ask, decision, admission)
            forwarding = Forwarding(self._state, self._job(ask, decision, reservation), self._loop)
            sent = await forwarding.answer()
            answered = self._loop.time()
            exchange = sent.exchange
            reason = _reason(sent.candidate, forwarding)
            lines = _lines(ask, decision, reason, sent) + ask.request.warnings
            if exchange.streaming:
                client.start(exchange.status, lines)
                await self._stream(ask, sent, client)
            else:
                client.respond(exchange.status, lines, exchange.body)
            reservation.settle(self._settlement(ask, decision, reservation, forwarding, sent, answered, reason))
            settled = True
        except NoAnswer as failure:
            reservation.settle(self._failure(ask, decision, reservation, failure))
            settled = True
            self._give_up(ask, decision, failure, client)
        finally:
            if not settled:
                self._left(ask, decision, reservation, forwarding)
            if forwarding is not None:
                forwarding.release()

    def _within_budget(self, ask: Ask, decision: Decision, admission: Admission) -> Decision:
        """What is left of a decision after the limits of its key; raises ApiError when nothing is."""
        if admission.verdict is not None:
            if not admission.sides:
                raise self._over_budget(ask, decision, admission.verdict)
            decision = replace(decision, candidates=on_own_backends(decision.candidates, admission.verdict))
        for reached in admission.warnings:
            self._warn(ask, reached)
        return decision

    def _warn(self, ask: Ask, reached: Reached) -> None:
        """A soft limit: a header on every answer, and one line in the log for each period."""
        warning = warning_of(reached.limit, reached.used, reached.held)
        ask.request.warnings += header("x-breakeven-budget", warning)
        ids = ask.serving.bills.periods.ids(ask.at)
        if self._state.warns_first(reached, getattr(ids, reached.limit.period, "") if reached.limit.period else ""):
            log.warning("soft limit reached", extra={"limit": reached.limit.name, "warning": warning})

    def _over_budget(self, ask: Ask, decision: Decision, verdict: Verdict) -> ApiError:
        refusal = refusal_of(verdict, self._state.clock(), ask.serving.bills.periods)
        self._note_refusal(ask, decision, refusal.code, refusal.status, refusal.message)
        wait = None if refusal.retry_after is None else max(1, math.ceil(refusal.retry_after))
        return ApiError(
            refusal.status,
            refusal.code,
            refusal.message,
            retry_after=wait,
            retryable=refusal.retryable,
            level=decision.level,
            type=refusal.type,
        )

    def _note_refusal(self, ask: Ask, decision: Decision, code: str, status: int, message: str) -> None:
        names = {"request": ask.request.id, "key": ask.key.name, "model": decision.model, "code": code}
        log.warning("refused", extra=names)
        self._state.ledger.note(record_of_refusal(ask, decision, code, status, message, self._loop.time()))

    # --- what the ledger is told

    def _settlement(
        self,
        ask: Ask,
        decision: Decision,
        reservation: Reservation,
        forwarding: Forwarding,
        sent: Sent,
        answered: float,
        reason: str,
    ) -> Settlement:
        exchange = sent.exchange
        course = course_of(
            ask,
            decision,
            Times(exchange.asked_at, answered, self._loop.time()),
            reason=reason,
            status=exchange.status,
            attempts=len(forwarding.attempts) + 1,
            detail="" if exchange.broken is None else str(exchange.broken),
        )
        return settlement(ask, reservation.hold, sent, usage_of_answer(ask, sent), course)

    def _failure(self, ask: Ask, decision: Decision, reservation: Reservation, failure: NoAnswer) -> Settlement:
        status = _unanswered(failure, "").status if failure.last is None else failure.last.exchange.status
        course = course_of(
            ask,
            decision,
            Times(ended=self._loop.time()),
            reason=decision.candidates[0].reason,
            status=status,
            attempts=len(failure.attempts),
            detail=str(failure),
        )
        return settlement_of_failure(reservation.hold, course)

    def _left(self, ask: Ask, decision: Decision, reservation: Reservation, forwarding: Forwarding | None) -> None:
        """The client left, or something broke here: what was produced is charged, what was never sent is not."""
        sent = None if forwarding is None else forwarding.current
        if forwarding is None or sent is None or not sent.exchange.asked_at:
            reservation.release()
            return
        course = course_of(
            ask,
            decision,
            Times(sent.exchange.asked_at, 0.0, self._loop.time()),
            reason=_reason(sent.candidate, forwarding),
            status=0,
            attempts=len(forwarding.attempts) + 1,
            detail="the client left",
        )
        reservation.settle(settlement(ask, reservation.hold, sent, usage_of_rest(ask, sent), course))
        forwarding.abandon()

    # --- read and decide

    def _read(self, serving: Serving, endpoint: Endpoint, request: Request, key: KeyGrant) -> Ask:
        plan = serving.plan
        try:
            body = inflate(request, plan.policy.server.max_body_bytes)
            reading = read(endpoint, body)
            facts = build_facts(plan, endpoint, reading, key, request.headers, serving.detectors, body)
        except BadBody as error:
            raise ApiError(400, error.code or "invalid_request", error.message, param=error.param) from None
        arrived, now = self._loop.time(), self._state.clock()
        deadline = arrived + plan.policy.retry.deadline
        states = self._state.fleet.states
        return Ask(endpoint, serving, key, body, reading, facts, request, now, arrived, deadline, states)

    def _decide(self, ask: Ask) -> Decision:
        """A decision with candidates, or with backends to wait for. Raises ApiError for a refusal."""
        state = self._state
        decision = ask.serving.recall.decide(ask.facts, state.snapshot(ask.at))
        state.side = decision.side
        if decision.refusal is not None:
            raise self._refused(ask, decision, decision.refusal)
        return decision

    def _refused(self, ask: Ask, decision: Decision, refusal: Refusal) -> ApiError:
        self._note_refusal(ask, decision, refusal.code, refusal.status, refusal.message)
        wait = None if refusal.retry_after is None else client_retry_after(refusal.retry_after)
        param = "model" if refusal.status == 404 else None
        return ApiError(
            refusal.status,
            refusal.code,
            refusal.message,
            param=param,
            retry_after=wait,
            retryable=wait is not None,
            level=decision.level,
        )

    async def _find_room(self, ask: Ask, decision: Decision) -> Decision:
        """Wait until a backend takes the request; it may have become another one. Raises ApiError 503."""
        runtimes = [ask.serving.backends[candidate.route.backend] for candidate in decision.waiting]
        limits = [runtime.spec.backend.capacity for runtime in runtimes]
        until = min(ask.deadline, self._loop.time() + max(limit.queue_timeout for limit in limits))
        ticket = self._room.ticket()
        while decision.waiting:
            if len(self._room) >= max(limit.queue for limit in limits) or not await self._room.wait(ticket, until):
                raise _full(decision)
            decision = self._decide(ask)
        return decision

    # --- forward

    def _job(self, ask: Ask, decision: Decision, reservation: Reservation) -> Job:
        reading = ask.reading
        policy = ask.serving.plan.policy
        state = self._state
        state.retry_budget = state.retry_budget.earn()

        def continuous(route: Route) -> bool:
            return wants_continuous(ask.endpoint, reading, route)

        def body_for(route: Route) -> bytes:
            wants_usage = reading.stream and route.stream_usage and reading.include_usage is not True
            model = route.upstream_model
            return edit(ask.body, reading, model=model, include_usage=wants_usage, continuous_usage=continuous(route))

        return Job(
            PATHS[ask.endpoint],
            to_backend(ask.request.headers),
            body_for,
            decision.candidates,
            ask.serving.backends,
            decision.permitted,
            reservation,
            policy.ledger.on_loss == "allow",
            reading.include_usage is not True,
            continuous,
            ask.deadline,
            policy.retry,
            policy.health.cooldown,
        )

    async def _stream(self, ask: Ask, sent: Sent, client: Client) -> None:
        exchange = sent.exchange
        await exchange.relay(client)
        if exchange.broken is None:
            client.finish()
            return
        backend, why = sent.candidate.route.backend, str(exchange.broken)
        sent.replica.report_failure(self._loop.time(), why)
        log.warning("stream broken", extra={"request": ask.request.id, "backend": backend, "why": why})
        client.close()

    def _give_up(self, ask: Ask, decision: Decision, failure: NoAnswer, client: Client) -> None:
        """No backend answered: relay the last error status that one gave, or say what happened."""
        log.warning("no answer", extra={"request": ask.request.id, "model": decision.model, "attempts": str(failure)})
        if failure.last is None:
            raise _unanswered(failure, decision.level)
        exchange = failure.last.exchange
        client.respond(
            exchange.status,
            _lines(ask, decision, failure.last.candidate.reason, failure.last) + _NO_RETRY,
            exchange.body,
        )


def _lines(ask: Ask, decision: Decision, reason: str, sent: Sent) -> bytes:
    """The answer's header lines: the backend's, and where it ran and why."""
    route = sent.candidate.route
    where = told(route.backend, route.zone, decision.level, reason)
    return ask.request.common + to_client(sent.exchange.headers, ask.request.id) + where


def _reason(candidate: Candidate, forwarding: Forwarding) -> str:
    if not forwarding.attempts:
        return candidate.reason
    failed = forwarding.attempts[-1]
    verb = "failover" if failed.backend != candidate.route.backend else "retry"
    return f"{verb} from {failed.backend}: {failed.outcome.why}"


def _full(decision: Decision) -> ApiError:
    names = ", ".join(candidate.route.backend for candidate in decision.waiting)
    message = f"Every backend that may take this request is full ({names}). Try again shortly."
    return ApiError(503, "backends_full", message, retry_after=2, retryable=True, level=decision.level)


def _unanswered(failure: NoAnswer, level: str) -> ApiError:
    if failure.timed_out:
        message = f"No backend answered in time. {failure}"
        return ApiError(504, "backend_timeout", message, retryable=False, level=level)
    message = f"No backend that may take this request answered. {failure}"
    return ApiError(503, "backend_unavailable", message, retry_after=2, retryable=False, level=level)
