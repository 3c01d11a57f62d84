"""The main job: read, decide, reserve, forward, settle."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from functools import partial
from time import monotonic

from msgspec.structs import replace

from router.core.backend_kinds import Capacity
from router.core.decision.facts import build_facts
from router.core.limits.counters import Admission, Reached, on_own_backends
from router.core.limits.limits import warning_of
from router.core.pins import Pin
from router.core.reading import BadBody
from router.core.resilience.retry import Fault
from router.core.values import BackendState, Decision, KeyGrant, Refusal, Settlement
from router.gateway.body_reader import BodyReader
from router.gateway.context import RequestContext
from router.gateway.error_responses import (
    full,
    lacks_model,
    no_answer,
    over_budget,
    refused,
    retry_lines,
    shut_out,
    still_off,
    without_model,
)
from router.gateway.errors import ApiError
from router.gateway.forward import Forwarding, NoAnswer
from router.gateway.forward_request import Attempt, ForwardRequest
from router.gateway.headers import passed, to_backend, to_client, to_own_backend
from router.gateway.http_connection import Client
from router.gateway.models import askable
from router.gateway.permission import Permission
from router.gateway.request import Request
from router.gateway.reservation import Reservation
from router.gateway.response_lines import header, told
from router.gateway.settle import Settler
from router.gateway.settlements import booking_of
from router.gateway.stored_objects import StoredObjects, replica_of
from router.gateway.used_up import check_again
from router.gateway.wait_queue import Position, WaitQueue
from router.gateway.worker_state import WorkerState
from router.surfaces.base import Surface
from router.surfaces.headers import TO_BACKEND
from router.upstream.replica import Replica, Slot

_NONE_TRIED: frozenset[Replica] = frozenset()
_NO_PINS: Mapping[str, Pin] = {}
_LOST = (Fault.REFUSED, Fault.RESET_BEFORE_HEAD)
"""How one meets a unit that is gone."""

log = logging.getLogger("breakeven.gateway")


class Pipeline:
    """Handles what is posted to a surface."""

    def __init__(
        self, state: WorkerState, room: WaitQueue, loop: asyncio.AbstractEventLoop, reader: BodyReader
    ) -> None:
        self._state = state
        self._room = room
        self._loop = loop
        self._endings = Settler(state.ledger)
        self._reader = reader
        self._stored = StoredObjects(state.ledger)
        self.wanted: Counter[str] = Counter()
        """How many requests wait for which backend that is off; none that nobody waits for."""

    async def handle(self, surface: Surface, request: Request, client: Client, key: KeyGrant) -> None:
        context = await self._read(surface, request, client, key)
        decision = self._decide(context, self._room.for_newcomers(self._state.fleet.states))
        slot = self._take(context, decision)
        if decision.waiting:
            decision, slot = await self._find_room(context, decision)
        try:
            await self._serve(context, decision, slot, client)
        finally:
            if slot is not None:
                slot.leave(self._loop.time())

    async def _serve(self, context: RequestContext, decision: Decision, slot: Slot | None, client: Client) -> None:
        """Reserve, forward, settle."""
        ledger = self._state.ledger
        id = ledger.next_id(context.at, context.serving.plan.policy.ledger.lease)
        hold = context.serving.holding.hold(
            id=id,
            at=context.at,
            request=context.request.id,
            decision=decision,
            key=context.key,
            reading=context.reading,
            states=context.states,
        )
        reservation = Reservation(ledger, hold)
        forwarding: Forwarding | None = None
        settled = False
        try:
            admission = await reservation.admission()
            if admission is not None and (admission.verdict or admission.warnings):
                decision = self._within_budget(context, decision, admission)
            if context.pins:
                await self._stored.grow(context, decision)
            job = self._job(context, decision, reservation)
            forwarding = Forwarding(self._state, job, self._room, self._loop, slot)
            sent = await forwarding.answer()
            answered = monotonic()
            exchange = sent.exchange
            reason = forwarding.reason(sent.candidate)
            lines = _lines(context, decision, reason, sent) + context.request.warnings
            if context.reading.stores:
                await self._remember(context, decision, sent)
            if exchange.streaming:
                client.start(exchange.status, lines)
                await self._stream(context, decision, sent, client)
            else:
                client.respond(exchange.status, lines, exchange.body)
            booked = self._endings.answered(
                context=context,
                decision=decision,
                reservation=reservation,
                forwarding=forwarding,
                sent=sent,
                answered=answered,
                reason=reason,
            )
            settled = True
            if context.reading.background:
                await self._book(context, decision, sent, booked)
        except NoAnswer as failure:
            self._endings.unanswered(context, decision, reservation, failure)
            settled = True
            self._give_up(context, decision, failure, client)
        finally:
            if not settled:
                self._endings.left(context, decision, reservation, forwarding)
            if forwarding is not None:
                forwarding.release()

    async def _remember(self, context: RequestContext, decision: Decision, sent: Attempt) -> None:
        """Before the client can come back with its id, which a stream tells in its first event."""
        exchange = sent.exchange
        if exchange.status == 200:
            scanner, surface = exchange.scanner, context.surface
            id = surface.stored_id(exchange.outline) if scanner is None else scanner.stored_id
            if id:
                parts = surface.stored_parts(exchange.outline) if scanner is None else ()
                await self._stored.remember(context, decision, sent.replica, (id, *parts))

    async def _book(self, context: RequestContext, decision: Decision, sent: Attempt, booked: Settlement) -> None:
        """What goes on has hardly begun when its answer ends: what it took is corrected by who asks for it then."""
        booking, scanner = booking_of(context, decision, sent, booked), sent.exchange.scanner
        id = context.surface.stored_id(sent.exchange.outline) if scanner is None else scanner.stored_id
        if booking is not None and id:
            await self._stored.book(context, id, booking)

    def _within_budget(self, context: RequestContext, decision: Decision, admission: Admission) -> Decision:
        """What is left of a decision after the limits of its key; raises ApiError when nothing is."""
        if admission.verdict is not None:
            if not admission.sides:
                raise self._refuse(
                    context, decision, over_budget(context, decision, admission.verdict, self._state.clock())
                )
            decision = replace(decision, candidates=on_own_backends(decision.candidates, admission.verdict))
        for reached in admission.warnings:
            self._warn(context, reached)
        return decision

    def _warn(self, context: RequestContext, reached: Reached) -> None:
        """A soft limit: a header on every answer, and one line in the log for each period."""
        warning = warning_of(reached.limit, reached.used, reached.held)
        context.request.warnings += header("x-breakeven-budget", warning)
        if self._state.warns_first(reached, context.serving.holding.counter_sets.periods.ids(context.at)):
            log.warning("soft limit reached", extra={"limit": reached.limit.name, "warning": warning})

    def _refuse(self, context: RequestContext, decision: Decision, error: ApiError) -> ApiError:
        """Writes down that nothing was sent, and why."""
        names = {"request": context.request.id, "key": context.key.name, "model": decision.model, "code": error.code}
        log.warning("refused", extra=names)
        self._endings.refused(context, decision, error)
        return error

    def turned_away(self, request: Request, key: KeyGrant, error: ApiError) -> None:
        """Writes down that nobody looked at what it says, and why."""
        log.warning("refused", extra={"request": request.id, "key": key.name, "code": error.code})
        self._endings.turned_away(request, key, error, self._state.clock())

    # --- read and decide

    async def _read(self, surface: Surface, request: Request, client: Client, key: KeyGrant) -> RequestContext:
        """Raises ApiError."""
        serving, keyring, states = self._state.serving, self._state.keyring, self._state.fleet.states
        plan = serving.plan
        arrived, now = monotonic(), self._state.clock()
        deadline = self._loop.time() + plan.policy.retry.deadline
        try:
            found = self._reader.at_once(serving, surface, request)
            if found is None:
                check = partial(check_again, self._state, request, key)
                found = await self._reader.apart(serving, surface, request, key.name, check)
        except ApiError as refused:
            if refused.status == 429:
                self.turned_away(request, key, refused)
            raise (without_model(refused, askable(plan, key, states)) if lacks_model(refused) else refused) from None
        if found.body is not request.body:
            client.hold(request, len(found.body))
            request.body = found.body
        named = found.reading.refers_to or found.reading.mentions
        pins = await self._stored.find(surface, serving, found.reading, key) if named else _NO_PINS
        try:
            facts = build_facts(
                plan=plan,
                endpoint=surface.name,
                reading=found.reading,
                key=key,
                headers=request.headers,
                passed=TO_BACKEND,
                detectors=found.detectors,
                body=found.body,
                pins=pins.values(),
            )
        except BadBody as error:
            raise ApiError(400, error.code or "invalid_request", error.message, param=error.param) from None
        if serving.entities is not None:
            facts = await self._state.entities.added(serving, facts, found.reading, found.body, request, deadline)
        return RequestContext(
            surface=surface,
            serving=serving,
            key=key,
            keyring=keyring,
            body=found.body,
            reading=found.reading,
            facts=facts,
            request=request,
            at=now,
            arrived=arrived,
            deadline=deadline,
            states=states,
            pins=pins,
            replica=replica_of(pins.values()),
            dimensions=found.dimensions,
        )

    def _decide(self, context: RequestContext, states: Mapping[str, BackendState]) -> Decision:
        """A decision with candidates, or with backends to wait for. Raises ApiError for a refusal."""
        state = self._state
        snapshot = state.snapshot(context.at, states)
        decision = context.serving.recall.decide(context.facts, snapshot)
        context.decided(decision, snapshot, state.notes.of(states))
        state.side = decision.side
        refusal = decision.refusal
        if refusal is not None:
            raise self._refuse(context, decision, refused(decision, self._as_of_now(context, decision, refusal)))
        return decision

    def _as_of_now(self, context: RequestContext, decision: Decision, refusal: Refusal) -> Refusal:
        """With when a unit answers that rests after a failure, which is asked for: a decision is remembered, and that
        was another moment."""
        if not decision.wakes:
            return refusal
        self._state.fleet.on_wanted(decision.wakes)
        return replace(refusal, retry_after=context.serving.backends[decision.wakes].starts_in(self._loop.time()))

    def _take(self, context: RequestContext, decision: Decision) -> Slot | None:
        """A slot for the first attempt, in the same turn of the loop as the decision: what was free is free still."""
        now = self._loop.time()
        for candidate in decision.candidates:
            route = candidate.route
            replica = context.serving.backends[route.backend].pick(
                now, _NONE_TRIED, route.upstream_model, context.replica, context.surface.name
            )
            if replica is not None:
                return replica.take(now)
        return None

    async def _find_room(self, context: RequestContext, decision: Decision) -> tuple[Decision, Slot | None]:
        """Wait until a backend takes the request; it may have become another one. Raises ApiError 503."""
        room, fleet, backends = self._room, self._state.fleet, context.serving.backends
        position = Position(room, self._loop, context.deadline)
        slot: Slot | None = None
        permission = Permission(self._state, context, _permitted(decision, context.key), self._reader)
        try:
            while decision.waiting:
                if not permission.current:
                    await permission.renew()
                names = [each.route.backend for each in decision.waiting if each.route.zone in permission.zones]
                if not names:
                    raise self._refuse(context, decision, shut_out(decision))
                limits = {name: backends[name].spec.backend.capacity for name in names}
                if decision.until_on:
                    await self._until_on(context, decision, position, limits)
                elif not await position.wait(limits):
                    raise self._refuse(context, decision, full(decision))
                decision = self._decide(context, fleet.states)
                slot = self._take(context, decision)
            return decision, slot
        finally:
            if room:
                fleet.changed()

    async def _until_on(
        self, context: RequestContext, decision: Decision, position: Position, limits: Mapping[str, Capacity]
    ) -> None:
        """Wait until one of these backends is on, or its start has failed: for the rest of its start, and as long as
        for a turn. It is asked for even where no place is left to wait in. Raises ApiError 503."""
        fleet, began = self._state.fleet, self._loop.time()
        starts_in = min(context.serving.backends[name].starts_in(began) for name in limits)
        position.allow(starts_in + max(limit.queue_timeout for limit in limits.values()))
        self.wanted.update(wanted := [decision.wakes] if decision.wakes else [])
        try:
            if wanted:
                fleet.on_wanted(decision.wakes)
            woken = began + starts_in < self._room.ends and await position.wait(limits)
        finally:
            self.wanted.subtract(wanted)
            self.wanted = +self.wanted
        if not woken:
            latest = self._decide(context, fleet.states)
            now = self._loop.time()
            rest = min(context.serving.backends[name].starts_in(now) for name in limits)
            raise self._refuse(context, decision, still_off(latest if latest.until_on else decision, rest))
        context.waited(self._state.clock(), fleet.states)

    # --- forward

    def _job(self, context: RequestContext, decision: Decision, reservation: Reservation) -> ForwardRequest:
        policy = context.serving.plan.policy
        state = self._state
        state.retry_budget = state.retry_budget.earn()
        return ForwardRequest(
            surface=context.surface,
            headers=to_backend(context.request.headers, context.surface.expected_headers),
            trace=to_own_backend(context.request.headers),
            body=context.body,
            reading=context.reading,
            candidates=decision.candidates,
            backends=context.serving.backends,
            permission=Permission(state, context, _permitted(decision, context.key), self._reader),
            reservation=reservation,
            spend_unheld=policy.ledger.on_loss == "allow",
            deadline=context.deadline,
            retry=policy.retry,
            cooldown=policy.health.cooldown,
            replica=context.replica,
            query=passed(context.request.query),
            request_id=context.request.id,
            secrets=context.serving.secrets,
        )

    async def _stream(self, context: RequestContext, decision: Decision, sent: Attempt, client: Client) -> None:
        exchange = sent.exchange
        await exchange.relay(client)
        if exchange.broken is None:
            if context.reading.stores and exchange.scanner is not None and exchange.scanner.stored_parts:
                await self._stored.remember(context, decision, sent.replica, exchange.scanner.stored_parts)
            client.finish()
            return
        if exchange.scanner is not None and exchange.scanner.done:  # it said so, and that it is over
            client.finish()
        backend, why = sent.candidate.route.backend, str(exchange.broken)
        sent.replica.report_failure(self._loop.time(), why)
        log.warning("stream broken", extra={"request": context.request.id, "backend": backend, "why": why})
        client.close()

    def _give_up(self, context: RequestContext, decision: Decision, failure: NoAnswer, client: Client) -> None:
        """No backend answered: relay the last error status that one gave, or say what happened."""
        log.warning(
            "no answer", extra={"request": context.request.id, "model": decision.model, "attempts": str(failure)}
        )
        if failure.last is None:
            raise no_answer(failure, decision, _gone(context, failure))
        exchange = failure.last.exchange
        lines = _lines(context, decision, failure.last.candidate.reason, failure.last)
        client.respond(exchange.status, lines + retry_lines(failure, exchange.headers), exchange.body)


def _gone(context: RequestContext, failure: NoAnswer) -> float | None:
    """Seconds until units are there again that are switched here and seem to be gone; None where anything else failed,
    too."""
    backends = [context.serving.backends[attempt.backend] for attempt in failure.attempts]
    lost = all(attempt.outcome.fault in _LOST for attempt in failure.attempts)
    waits = [each.spec.backend.power.start_time for each in backends if each.spec.backend.power is not None]
    return min(waits) if lost and waits and len(waits) == len(backends) else None


def _permitted(decision: Decision, key: KeyGrant) -> frozenset[str]:
    """What connections may reach: the gate's answer, held against the key once more, whoever remembered it."""
    zones = key.permits.zones
    return decision.permitted if zones is None else decision.permitted & zones


def _lines(context: RequestContext, decision: Decision, reason: str, sent: Attempt) -> bytes:
    """The answer's header lines: the backend's, and where it ran and why."""
    route = sent.candidate.route
    where = told(route.backend, route.zone, decision.level, reason)
    passed = to_client(sent.exchange.headers, context.request.id, context.serving.secrets)
    return context.request.common + passed + where
