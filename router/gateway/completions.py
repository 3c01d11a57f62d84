"""The main job: read, decide, reserve, forward, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic

from msgspec.structs import replace

from router.core.bill import Admission, Reached, on_own_backends
from router.core.budget import warning_of
from router.core.facts import build_facts
from router.core.policy import Endpoint
from router.core.reading import BadBody
from router.core.values import BackendState, Decision, KeyGrant
from router.gateway.ask import Ask
from router.gateway.endings import Endings
from router.gateway.errors import ApiError
from router.gateway.forward import Forwarding, NoAnswer
from router.gateway.headers import to_backend, to_client, to_own_backend
from router.gateway.http import Client
from router.gateway.job import Job, Sent
from router.gateway.permission import Permission
from router.gateway.reader import Reader
from router.gateway.refusals import full, no_answer, over_budget, refused, retry_lines
from router.gateway.request import Request
from router.gateway.reservation import Reservation
from router.gateway.respond import header, told
from router.gateway.room import Place, Room
from router.gateway.state import State
from router.upstream.replica import Replica, Slot

PATHS: dict[Endpoint, str] = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}
_NONE_TRIED: frozenset[Replica] = frozenset()

log = logging.getLogger("breakeven.gateway")


class Completions:
    """Handles the three POST endpoints."""

    def __init__(self, state: State, room: Room, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._room = room
        self._loop = loop
        self._endings = Endings(state.ledger)
        self._reader = Reader(loop)

    def close(self) -> None:
        """Ends the processes that read large bodies."""
        self._reader.close()

    async def handle(self, endpoint: Endpoint, request: Request, client: Client, key: KeyGrant) -> None:
        ask = await self._read(endpoint, request, client, key)
        decision = self._decide(ask, self._room.for_newcomers(self._state.fleet.states))
        slot = self._take(ask, decision)
        if decision.waiting:
            decision, slot = await self._find_room(ask, decision)
        try:
            await self._serve(ask, decision, slot, client)
        finally:
            if slot is not None:
                slot.leave(self._loop.time())

    async def _serve(self, ask: Ask, decision: Decision, slot: Slot | None, client: Client) -> None:
        """Reserve, forward, settle."""
        ledger = self._state.ledger
        id = ledger.next_id(ask.at, ask.serving.plan.policy.ledger.lease)
        hold = ask.serving.holding.hold(id, ask.at, ask.request.id, decision, ask.key, ask.reading, ask.states)
        reservation = Reservation(ledger, hold)
        forwarding: Forwarding | None = None
        settled = False
        try:
            admission = await reservation.admission()
            if admission is not None and (admission.verdict or admission.warnings):
                decision = self._within_budget(ask, decision, admission)
            forwarding = Forwarding(self._state, self._job(ask, decision, reservation), self._room, self._loop, slot)
            sent = await forwarding.answer()
            answered = monotonic()
            exchange = sent.exchange
            reason = forwarding.reason(sent.candidate)
            lines = _lines(ask, decision, reason, sent) + ask.request.warnings
            if exchange.streaming:
                client.start(exchange.status, lines)
                await self._stream(ask, sent, client)
            else:
                client.respond(exchange.status, lines, exchange.body)
            self._endings.answered(ask, decision, reservation, forwarding, sent, answered, reason)
            settled = True
        except NoAnswer as failure:
            self._endings.unanswered(ask, decision, reservation, failure)
            settled = True
            self._give_up(ask, decision, failure, client)
        finally:
            if not settled:
                self._endings.left(ask, decision, reservation, forwarding)
            if forwarding is not None:
                forwarding.release()

    def _within_budget(self, ask: Ask, decision: Decision, admission: Admission) -> Decision:
        """What is left of a decision after the limits of its key; raises ApiError when nothing is."""
        if admission.verdict is not None:
            if not admission.sides:
                raise self._refuse(ask, decision, over_budget(ask, decision, admission.verdict, self._state.clock()))
            decision = replace(decision, candidates=on_own_backends(decision.candidates, admission.verdict))
        for reached in admission.warnings:
            self._warn(ask, reached)
        return decision

    def _warn(self, ask: Ask, reached: Reached) -> None:
        """A soft limit: a header on every answer, and one line in the log for each period."""
        warning = warning_of(reached.limit, reached.used, reached.held)
        ask.request.warnings += header("x-breakeven-budget", warning)
        if self._state.warns_first(reached, ask.serving.holding.bills.periods.ids(ask.at)):
            log.warning("soft limit reached", extra={"limit": reached.limit.name, "warning": warning})

    def _refuse(self, ask: Ask, decision: Decision, error: ApiError) -> ApiError:
        """Writes down that nothing was sent, and why."""
        names = {"request": ask.request.id, "key": ask.key.name, "model": decision.model, "code": error.code}
        log.warning("refused", extra=names)
        self._endings.refused(ask, decision, error)
        return error

    # --- read and decide

    async def _read(self, endpoint: Endpoint, request: Request, client: Client, key: KeyGrant) -> Ask:
        """Raises ApiError."""
        serving, keyring, states = self._state.serving, self._state.keyring, self._state.fleet.states
        plan = serving.plan
        arrived, now = monotonic(), self._state.clock()
        deadline = self._loop.time() + plan.policy.retry.deadline
        found = self._reader.at_once(serving, endpoint, request)
        if found is None:
            found = await self._reader.apart(serving, endpoint, request)
        if found.body is not request.body:
            client.hold(request, len(found.body))
            request.body = found.body
        try:
            facts = build_facts(plan, endpoint, found.reading, key, request.headers, found.detectors, found.body)
        except BadBody as error:
            raise ApiError(400, error.code or "invalid_request", error.message, param=error.param) from None
        return Ask(
            endpoint, serving, key, keyring, found.body, found.reading, facts, request, now, arrived, deadline, states
        )

    def _decide(self, ask: Ask, states: Mapping[str, BackendState]) -> Decision:
        """A decision with candidates, or with backends to wait for. Raises ApiError for a refusal."""
        state = self._state
        decision = ask.serving.recall.decide(ask.facts, state.snapshot(ask.at, states))
        state.side = decision.side
        if decision.refusal is not None:
            raise self._refuse(ask, decision, refused(decision, decision.refusal))
        return decision

    def _take(self, ask: Ask, decision: Decision) -> Slot | None:
        """A slot for the first attempt, in the same turn of the loop as the decision: what was free is free still."""
        now = self._loop.time()
        for candidate in decision.candidates:
            route = candidate.route
            replica = ask.serving.backends[route.backend].pick(now, _NONE_TRIED, route.upstream_model)
            if replica is not None:
                return replica.take(now)
        return None

    async def _find_room(self, ask: Ask, decision: Decision) -> tuple[Decision, Slot | None]:
        """Wait until a backend takes the request; it may have become another one. Raises ApiError 503."""
        room, fleet, backends = self._room, self._state.fleet, ask.serving.backends
        place, slot = Place(room, self._loop, ask.deadline), None
        try:
            while decision.waiting:
                names = [candidate.route.backend for candidate in decision.waiting]
                if not await place.wait({name: backends[name].spec.backend.capacity for name in names}):
                    raise self._refuse(ask, decision, full(decision))
                decision = self._decide(ask, fleet.states)
                slot = self._take(ask, decision)
            return decision, slot
        finally:
            if room:
                fleet.changed()

    # --- forward

    def _job(self, ask: Ask, decision: Decision, reservation: Reservation) -> Job:
        policy = ask.serving.plan.policy
        state = self._state
        state.retry_budget = state.retry_budget.earn()
        return Job(
            ask.endpoint,
            PATHS[ask.endpoint],
            to_backend(ask.request.headers),
            to_own_backend(ask.request.headers),
            ask.body,
            ask.reading,
            decision.candidates,
            ask.serving.backends,
            Permission(state, ask, _permitted(decision, ask.key), self._reader),
            reservation,
            policy.ledger.on_loss == "allow",
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
        if exchange.scanner is not None and exchange.scanner.done:  # it said so, and that it is over
            client.finish()
        backend, why = sent.candidate.route.backend, str(exchange.broken)
        sent.replica.report_failure(self._loop.time(), why)
        log.warning("stream broken", extra={"request": ask.request.id, "backend": backend, "why": why})
        client.close()

    def _give_up(self, ask: Ask, decision: Decision, failure: NoAnswer, client: Client) -> None:
        """No backend answered: relay the last error status that one gave, or say what happened."""
        log.warning("no answer", extra={"request": ask.request.id, "model": decision.model, "attempts": str(failure)})
        if failure.last is None:
            raise no_answer(failure, decision)
        exchange = failure.last.exchange
        lines = _lines(ask, decision, failure.last.candidate.reason, failure.last)
        client.respond(exchange.status, lines + retry_lines(failure, exchange.headers), exchange.body)


def _permitted(decision: Decision, key: KeyGrant) -> frozenset[str]:
    """What connections may reach: the gate's answer, held against the key once more, whoever remembered it."""
    return decision.permitted if key.zones is None else decision.permitted & key.zones


def _lines(ask: Ask, decision: Decision, reason: str, sent: Sent) -> bytes:
    """The answer's header lines: the backend's, and where it ran and why."""
    route = sent.candidate.route
    where = told(route.backend, route.zone, decision.level, reason)
    passed = to_client(sent.exchange.headers, ask.request.id, sent.replica.pool.target.credential)
    return ask.request.common + passed + where
