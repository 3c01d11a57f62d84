"""The main job: read, decide, reserve, forward, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec import Struct

from router.core.decide import decide
from router.core.editing import edit
from router.core.facts import build_facts
from router.core.policy import Endpoint
from router.core.pricing import cost_micro_usd, counterfactual, worst_case
from router.core.reading import BadBody, Reading, read
from router.core.retry import client_retry_after
from router.core.usage import estimate, usage_of
from router.core.values import Candidate, Cell, Decision, Facts, Hold, KeyGrant, Plan, Route, Settlement, Usage
from router.gateway.errors import ApiError
from router.gateway.forward import Forwarding, Job, NoAnswer, Sent
from router.gateway.headers import to_backend, to_client
from router.gateway.http import Client, Request
from router.gateway.inflate import inflate
from router.gateway.respond import header
from router.gateway.room import Room
from router.gateway.state import State
from router.ledger.errors import LedgerUnavailable

PATHS: dict[Endpoint, str] = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}
DEFAULT_OUTPUT_TOKENS = 4096
"""Held for an answer whose length neither the client nor a context length bounds."""

log = logging.getLogger("breakeven.gateway")


class Ask(Struct):
    """One request on its way through."""

    endpoint: Endpoint
    plan: Plan
    key: KeyGrant
    body: bytes
    reading: Reading
    facts: Facts
    request: Request
    at: float
    deadline: float
    request_id: str
    count: Callable[[Settlement], None]
    """How the ledger is told: `settle`, or `record` when the hold was never confirmed."""


class Completions:
    """Handles the three POST endpoints. `common` are header lines that every answer to this request carries."""

    def __init__(self, state: State, room: Room, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._room = room
        self._loop = loop

    async def handle(
        self, endpoint: Endpoint, request: Request, client: Client, key: KeyGrant, request_id: str, common: bytes
    ) -> None:
        ask = self._read(endpoint, request, key, request_id)
        decision = await self._place(ask)
        held, hold, decision = await self._reserve(ask, decision)
        ask.count = self._state.ledger.settle if held else self._state.ledger.record
        forwarding = Forwarding(self._state, self._job(ask, decision), self._loop)
        settled = False
        try:
            sent = await forwarding.answer()
            await self._deliver(ask, decision, forwarding, sent, client, common)
            self._settle(ask, hold, sent, self._usage(ask, sent))
            settled = True
        except NoAnswer as failure:
            settled = True
            self._give_up(ask, decision, hold, failure, client, common)
        finally:
            if not settled:
                self._left(ask, hold, forwarding)
            forwarding.release()

    # --- read and decide

    def _read(self, endpoint: Endpoint, request: Request, key: KeyGrant, request_id: str) -> Ask:
        state = self._state
        plan = state.plan
        try:
            body = inflate(request, plan.policy.server.max_body_bytes)
            reading = read(endpoint, body)
            facts = build_facts(plan, endpoint, reading, key, request.headers, state.detectors, body)
        except BadBody as error:
            raise ApiError(400, error.code or "invalid_request", error.message, param=error.param) from None
        deadline = self._loop.time() + plan.policy.retry.deadline
        count = state.ledger.settle
        return Ask(endpoint, plan, key, body, reading, facts, request, state.clock(), deadline, request_id, count)

    async def _place(self, ask: Ask) -> Decision:
        """A decision with candidates, after waiting for room if need be. Raises ApiError for a refusal."""
        decision = self._decide(ask)
        if not decision.waiting:
            return decision
        limits = [self._state.fleet.backends[c.route.backend].spec.backend.capacity for c in decision.waiting]
        until = min(ask.deadline, self._loop.time() + max(limit.queue_timeout for limit in limits))
        ticket = self._room.ticket()
        while decision.waiting:
            if len(self._room) >= max(limit.queue for limit in limits) or not await self._room.wait(ticket, until):
                raise _full(decision)
            decision = self._decide(ask)
        return decision

    def _decide(self, ask: Ask) -> Decision:
        state = self._state
        decision = decide(ask.facts, ask.plan, state.snapshot(ask.at))
        state.side = decision.side
        refusal = decision.refusal
        if refusal is None:
            return decision
        log.warning(
            "refused",
            extra={"request": ask.request_id, "key": ask.key.name, "model": decision.model, "code": refusal.code},
        )
        wait = None if refusal.retry_after is None else client_retry_after(refusal.retry_after)
        param = "model" if refusal.status == 404 else None
        retryable = wait is not None
        raise ApiError(
            refusal.status, refusal.code, refusal.message, param=param, retry_after=wait, retryable=retryable
        )

    # --- reserve

    async def _reserve(self, ask: Ask, decision: Decision) -> tuple[bool, Hold, Decision]:
        """Hold the worst case. When the ledger is lost nothing is held, and it is decided anew, knowing that."""
        hold = self._hold(ask, decision)
        try:
            await self._state.ledger.reserve(hold)
        except LedgerUnavailable:
            decision = await self._place(ask)
            return False, self._hold(ask, decision), decision
        return True, hold, decision

    def _hold(self, ask: Ask, decision: Decision) -> Hold:
        ledger, first = self._state.ledger, decision.candidates[0].route
        output = ask.reading.max_output_tokens
        if output is None:
            output = 0 if ask.endpoint == "embeddings" else DEFAULT_OUTPUT_TOKENS
        lease = ask.plan.policy.ledger.lease
        routes = [candidate.route for candidate in decision.candidates]
        return Hold(
            id=ledger.next_id(ask.at, lease),
            cell=_cell(first, decision.model, ask.key),
            at=ask.at,
            lease=lease,
            input=ask.facts.input_tokens,
            output=output,
            cost=worst_case(routes, ask.facts.input_tokens, output),
            eligible=ask.plan.models[decision.model].eligible,
        )

    # --- forward

    def _job(self, ask: Ask, decision: Decision) -> Job:
        reading = ask.reading
        policy = ask.plan.policy
        self._state.retry_budget = self._state.retry_budget.earn()

        def body_for(route: Route) -> bytes:
            wants_usage = reading.stream and route.stream_usage and reading.include_usage is not True
            return edit(ask.body, reading, model=route.upstream_model, include_usage=wants_usage)

        return Job(
            path=PATHS[ask.endpoint],
            headers=to_backend(ask.request.headers),
            body_for=body_for,
            candidates=decision.candidates,
            permitted=decision.permitted,
            strip_usage=reading.include_usage is not True,
            deadline=ask.deadline,
            retry=policy.retry,
            cooldown=policy.health.cooldown,
        )

    async def _deliver(
        self, ask: Ask, decision: Decision, forwarding: Forwarding, sent: Sent, client: Client, common: bytes
    ) -> None:
        exchange = sent.exchange
        lines = common + to_client(exchange.headers, ask.request_id) + _told(decision, sent.candidate, forwarding)
        if not exchange.streaming:
            client.respond(exchange.status, lines, exchange.body)
            return
        client.start(exchange.status, lines)
        await exchange.relay(client)
        if exchange.broken is None and not client.gone:
            client.finish()
            return
        if exchange.broken is not None:
            outcome = exchange.broken
            sent.replica.report_failure(self._loop.time(), str(outcome))
            log.warning(
                "stream broken",
                extra={"request": ask.request_id, "backend": sent.candidate.route.backend, "why": str(outcome)},
            )
        client.close()

    def _give_up(
        self, ask: Ask, decision: Decision, hold: Hold, failure: NoAnswer, client: Client, common: bytes
    ) -> None:
        """No backend answered: relay the last error status that one gave, or say what happened."""
        log.warning("no answer", extra={"request": ask.request_id, "model": decision.model, "attempts": str(failure)})
        self._settle_failed(ask, hold)
        last = failure.last
        if last is not None:
            told = _told(decision, last.candidate, None) + header("x-should-retry", "false")
            client.respond(
                last.exchange.status,
                common + to_client(last.exchange.headers, ask.request_id) + told,
                last.exchange.body,
            )
            return
        raise _unanswered(failure)

    # --- settle

    def _usage(self, ask: Ask, sent: Sent) -> Usage:
        exchange = sent.exchange
        if exchange.status >= 400:
            return Usage()
        if exchange.streaming:
            found = exchange.scanner.usage
            return found or estimate(ask.facts.input_tokens, events=exchange.scanner.events)
        body = exchange.body
        return usage_of(body) or estimate(ask.facts.input_tokens, text_bytes=len(body))

    def _settle(self, ask: Ask, hold: Hold, sent: Sent, usage: Usage) -> None:
        route = sent.candidate.route
        failed = sent.exchange.status >= 400 or sent.exchange.broken is not None
        model = ask.plan.models[hold.cell.model]
        charged = usage.total > 0
        ask.count(
            Settlement(
                id=hold.id,
                cell=_cell(route, hold.cell.model, ask.key),
                at=hold.at,
                usage=usage,
                cost=cost_micro_usd(route.tiers, usage) if charged else 0,
                counterfactual=counterfactual(model, route, usage) if charged else 0,
                error=failed,
                eligible=hold.eligible,
            )
        )

    def _settle_failed(self, ask: Ask, hold: Hold) -> None:
        ask.count(
            Settlement(
                id=hold.id,
                cell=hold.cell,
                at=hold.at,
                usage=Usage(),
                cost=0,
                counterfactual=0,
                error=True,
                eligible=False,
            )
        )

    def _left(self, ask: Ask, hold: Hold, forwarding: Forwarding) -> None:
        """The client left, or something broke here: what was produced is charged, what was never sent is not."""
        sent = forwarding.current
        if sent is None or sent.exchange.connection is None:
            self._state.ledger.release(hold.id)
            return
        usage = sent.exchange.scanner.usage or estimate(ask.facts.input_tokens, events=sent.exchange.scanner.events)
        self._settle(ask, hold, sent, usage)
        forwarding.abandon()


def _cell(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)


def _told(decision: Decision, candidate: Candidate, forwarding: Forwarding | None) -> bytes:
    """The header lines that say where it ran and why."""
    reason = candidate.reason
    if forwarding is not None and forwarding.attempts:
        failed = forwarding.attempts[-1]
        verb = "failover" if failed.backend != candidate.route.backend else "retry"
        reason = f"{verb} from {failed.backend}: {failed.outcome.why}"
    lines = header("x-breakeven-backend", candidate.route.backend) + header("x-breakeven-zone", candidate.route.zone)
    return lines + header("x-breakeven-sensitivity", decision.level or "none") + header("x-breakeven-reason", reason)


def _full(decision: Decision) -> ApiError:
    names = ", ".join(candidate.route.backend for candidate in decision.waiting)
    message = f"Every backend that may take this request is full ({names}). Try again shortly."
    return ApiError(503, "backends_full", message, retry_after=2, retryable=True)


def _unanswered(failure: NoAnswer) -> ApiError:
    if failure.timed_out:
        return ApiError(504, "backend_timeout", f"No backend answered in time. {failure}", retryable=False)
    message = f"No backend that may take this request answered. {failure}"
    return ApiError(503, "backend_unavailable", message, retry_after=2, retryable=False)
