"""Attempts, in order, within one deadline.

A backend that refuses a request for a rate limit is asked again after its rest, where no other candidate may take it;
one that has no slot is waited for in its queue. The adapter is waited for while it starts.
The forwarder only ever chooses among the candidates that it was given, and hands the permitted zones to the
connection, which checks them again. It retries until something has been written to the client, never after.
"""

from __future__ import annotations

import asyncio
import logging
import random
from time import monotonic

from router.core.reading import Reading
from router.core.resilience.backoff import backoff
from router.core.resilience.circuit_breaker import Event
from router.core.resilience.error_cause import ErrorCause
from router.core.resilience.rate_limited import Rest, come_back
from router.core.resilience.retry import (
    LONGEST_OWN_REST,
    Action,
    Fault,
    Outcome,
    client_retry_after,
    judge,
    rest_asked,
)
from router.core.values import Candidate, Route
from router.gateway.answer_timeout import AnswerTimeout
from router.gateway.errors import NOT_PERMITTED
from router.gateway.forward_request import Attempt, FailedAttempt, ForwardRequest
from router.gateway.upstream_response import UpstreamResponse
from router.gateway.wait_queue import Position, WaitQueue
from router.gateway.worker_state import WorkerState
from router.surfaces.edited import size_of
from router.surfaces.unknown_to_adapter import is_unknown
from router.upstream.adapter_status import AdapterStatus
from router.upstream.connection import Connection
from router.upstream.errors import UpstreamError
from router.upstream.replica import Replica, Slot
from router.upstream.target import told

log = logging.getLogger("breakeven.gateway")

_OURS = frozenset({ErrorCause.CREDENTIALS, ErrorCause.NAMES, ErrorCause.NOTHING})
"""What is no client's business."""
_LASTING = frozenset({ErrorCause.ASKED, ErrorCause.CREDENTIALS, ErrorCause.UNABLE, ErrorCause.UNPAID})
"""What would be the same the next time."""

_UNBEARABLE = (Fault.TOO_LARGE, Fault.NO_ROOM)
"""Of answers that would be as large the next time, and paid once more."""

_MOST_STARTS = 3
"""So often the adapter is waited for."""


def _names_objects(reading: Reading) -> bool:
    """Whether a request names anything of the client's that may not be there."""
    return bool(reading.refers_to or reading.mentions or reading.addresses or reading.contexts)


class NoAnswer(Exception):
    """Every attempt failed, or there was none to make. `last` is an answer with an error status, fit to be relayed, if
    there was one; `rest` is when a limit will have passed, in seconds, if that is what is in the way; `closed` is why
    some of its backends could not be used."""

    def __init__(
        self,
        attempts: list[FailedAttempt],
        last: Attempt | None,
        *,
        timed_out: bool,
        closed: str,
        resting: list[str],
        rest: float | None,
    ) -> None:
        told = [f"{attempt.backend}: {attempt.outcome.told}" for attempt in attempts] + resting
        super().__init__("; ".join([*told, closed] if closed else told))
        self.attempts = attempts
        self.last = last
        self.timed_out = timed_out
        self.rest = rest
        self.closed = closed


class Forwarding:
    """The attempts of one request. `current` is the exchange under way, for whoever has to clean up.

    `slot` is its slot for the first attempt, taken when it was decided; each attempt holds one, and `release` leaves
    it.
    """

    __slots__ = (
        "_candidates",
        "_closed",
        "_failures",
        "_job",
        "_last",
        "_loop",
        "_narrowed",
        "_passed_over",
        "_place",
        "_refusals",
        "_room",
        "_slot",
        "_stale",
        "_starting",
        "_starts",
        "_state",
        "_tried",
        "_useless",
        "_waited",
        "attempts",
        "current",
    )

    def __init__(
        self,
        state: WorkerState,
        job: ForwardRequest,
        room: WaitQueue,
        loop: asyncio.AbstractEventLoop,
        slot: Slot | None,
    ) -> None:
        self.attempts: list[FailedAttempt] = []
        self.current: Attempt | None = None
        self._state = state
        self._job = job
        self._candidates = job.candidates
        self._room = room
        self._place: Position | None = None
        """Where it waits when what it may still go to is full; behind those who waited before it failed."""
        self._loop = loop
        self._slot = slot
        self._tried: set[Replica] = set()
        self._useless: set[str] = set()
        """Backends that are not tried again."""
        self._last: Attempt | None = None
        self._stale = 0
        self._failures = 0
        """Attempts that failed otherwise than for a limit."""
        self._starting: dict[str, FailedAttempt] = {}
        """By backend: those that need the adapter, which does not take their requests yet."""
        self._starts = 0
        """How often it waited for that."""
        self._refusals = 0
        """Attempts that a limit refused, two of which count as one: they cost nothing, and a rest comes between."""
        self._waited = 0.0
        """Seconds that it waited for backends that rest."""
        self._passed_over = ""
        """The reason why another candidate than the first one was tried first, when that one rests."""
        self._closed = ""
        """Why cloud backends may not be used any more."""
        self._narrowed = ""
        """Why there are fewer candidates than it was given."""

    async def answer(self) -> Attempt:
        """The first answer that is fit for the client; its stream may still be flowing. Raises NoAnswer."""
        while self._attempts_left > 0 and self._loop.time() < self._job.deadline:
            # Every round may have waited: for a rest, a slot, the ledger or a pause. What is in force may have
            # changed, so candidates are judged again before one is chosen, and in `_attempt` before a byte is sent.
            if not self._job.permission.current:
                await self._narrow()
            choice = self._choose()
            if choice is None:
                if await self._adapter_answers() or await self._rest() or await self._find_room():
                    continue
                break
            candidate, replica = choice
            if self._slot is None:
                # In the same turn as the choice: with an await between, all who choose would see the same slot free.
                self._slot = replica.take(self._loop.time())
            if not (candidate.route.owned or self._job.reservation.confirmed or await self._may_spend()):
                self.release()
                continue
            if self._failures and not self._affordable():
                break
            if replica in self._tried:
                await asyncio.sleep(self._pause())
                if self._loop.time() >= self._job.deadline:
                    break
            self._tried.add(replica)
            if await self._attempt(candidate, self._slot) and self.current is not None:
                return self.current
        raise self._no_answer()

    @property
    def _attempts_left(self) -> float:
        return self._job.retry.attempts - self._failures - self._refusals / 2

    def _no_answer(self) -> NoAnswer:
        now = self._loop.time()
        rests = self._rests(now)
        return NoAnswer(
            self.attempts,
            self._last if self._candidates else None,
            timed_out=now >= self._job.deadline,
            closed=self._closed or self._narrowed,
            resting=[f"{backend}: {rest.why}" for backend, rest in rests if not self.attempts],
            rest=min((rest.until - now for _, rest in rests if rest.passes), default=None),
        )

    def _rests(self, now: float) -> list[tuple[str, Rest]]:
        """Of the candidates that may be used: what rests, and how long."""
        routes = [each.route for each in self._candidates if each.route.owned or not self._closed]
        endpoint = self._job.surface.name
        found = [
            (each.backend, self._job.backends[each.backend].rest(each.upstream_model, now, endpoint)) for each in routes
        ]
        return [(backend, rest) for backend, rest in found if rest is not None]

    async def _rest(self) -> bool:
        """Wait for the first rest to end, if that is soon. False when nothing is left but to give up."""
        now = self._loop.time()
        passing = [rest for _, rest in self._rests(now) if rest.passes]
        if not passing:
            return False
        wait = come_back(min(passing, key=lambda rest: rest.until), now, random.random())
        if self._waited + wait > self._job.retry.max_rest or now + wait >= self._job.deadline:
            return False
        self._tried.clear()
        await self._room.rest(wait)
        self._waited += self._loop.time() - now
        return True

    async def _adapter_answers(self) -> bool:
        """Wait until the adapter answers that the candidates left need. False when none needs it, or it will not."""
        if not self._starting:
            return False
        self._starts += 1
        waiting, self._starting = self._starting, {}
        refused = any(each.outcome.fault is Fault.REFUSED for each in waiting.values())
        path, permission = next(iter(waiting.values())).adapter, self._job.permission
        status = AdapterStatus(path)
        if await status.answers(self._job.deadline, refused=refused, unless=lambda: not permission.current):
            return True
        if not permission.current:  # it may have to go elsewhere, or nowhere: that is no start of the adapter's
            self._starts -= 1
            return True
        self._useless.update(waiting)
        self._failures += 1
        self.attempts += waiting.values()
        return False

    async def _find_room(self) -> bool:
        """Wait until a backend that lacks nothing but a slot has one. False when nothing is left but to give up.

        Who may not try again any more does not keep others waiting. A backend of a former policy has no queue.
        """
        now, fleet = self._loop.time(), self._state.fleet
        if self._failures and not self._state.retry_budget.spend(now)[1]:
            return False
        limits = {}
        for route in self._routes():
            backend = self._job.backends[route.backend]
            if fleet.backends.get(route.backend) is backend and backend.occupied(
                route.upstream_model, now, self._job.surface.name
            ):
                limits[route.backend] = backend.spec.backend.capacity
        if not limits:
            return False
        if self._place is None:
            self._place = Position(self._room, self._loop, self._job.deadline)
        try:
            return await self._place.wait(limits)
        finally:
            if self._room:
                fleet.changed()  # the next ones look again, once this one has taken what it was woken for

    def _routes(self) -> list[Route]:
        """Of the candidates that may be tried."""
        routes = [each.route for each in self._candidates if each.route.owned or not self._closed]
        return [route for route in routes if route.backend not in self._useless and route.backend not in self._starting]

    async def _narrow(self) -> None:
        """Another policy or other keys are in force: candidates that they do not permit are none any more."""
        permission = self._job.permission
        await permission.renew()
        before = len(self._candidates)
        self._candidates = tuple(each for each in self._candidates if each.route.zone in permission.zones)
        if len(self._candidates) < before:
            left = {each.route.backend for each in self._candidates}
            self._starting = {name: failed for name, failed in self._starting.items() if name in left}
            self._narrowed = NOT_PERMITTED

    async def _may_spend(self) -> bool:
        """Nothing is bought before the ledger has confirmed the hold, unless the policy says so."""
        if await self._job.reservation.admission() is not None or self._job.spend_unheld:
            return True
        self._closed = "the ledger cannot be reached, so nothing may be spent"
        return False

    def _affordable(self) -> bool:
        self._state.retry_budget, allowed = self._state.retry_budget.spend(self._loop.time())
        return allowed

    def _choose(self) -> tuple[Candidate, Replica] | None:
        """The first candidate with a replica that was not tried; then, one that was.

        The slot that is held comes first of all, if its backend is still a candidate.
        """
        now = self._loop.time()
        if self._slot is not None:
            held = self._slot.replica
            for candidate in self._candidates:
                if candidate.route.backend == held.backend:
                    if candidate is not self._candidates[0]:
                        self._pass_over(candidate, now)
                    return candidate, held
            self.release()
        again = None
        for candidate in self._candidates:
            if self._closed and not candidate.route.owned:
                continue
            route = candidate.route
            if route.backend in self._useless or route.backend in self._starting:
                continue
            replica = self._pick(route, now)
            if replica is None:
                continue
            if replica not in self._tried:
                self._pass_over(candidate, now)
                return candidate, replica
            again = again or (candidate, replica)
        return again

    def _pick(self, route: Route, now: float) -> Replica | None:
        job = self._job
        return job.backends[route.backend].pick(now, self._tried, route.upstream_model, job.replica, job.surface.name)

    def _pass_over(self, chosen: Candidate, now: float) -> None:
        first = self._candidates[0]
        if chosen is not first and not self.attempts:
            route = first.route
            rest = self._job.backends[route.backend].rest(route.upstream_model, now, self._job.surface.name)
            self._passed_over = "" if rest is None else f"failover from {route.backend}: {rest.why}"

    def _pause(self) -> float:
        """Seconds before a replica is tried again."""
        return backoff(self._failures, self._job.retry.backoff, self._job.retry.max_backoff, random.random())

    async def _attempt(self, candidate: Candidate, slot: Slot) -> bool:
        """True when `current` holds an answer for the client."""
        replica = slot.replica
        job = self._job
        pool = replica.pool
        if replica.adapted is not None and job.surface.name in candidate.route.translated:
            pool = replica.adapted
        exchange = UpstreamResponse(
            self._loop,
            surface=job.surface,
            reading=job.reading,
            route=candidate.route,
            most=self._state.plan.policy.server.max_answer_bytes,
            secrets=job.secrets,
            adapter=pool.target.through_adapter,
            request_id=job.request_id,
            answers=self._state.answers,
            owner=job.reservation.hold.cell.key,
        )
        sent = Attempt(candidate, replica, exchange, pool)
        self.current = sent
        try:
            connection = pool.take_idle() or await pool.connect(self._job.deadline - self._loop.time())
            # The last look, with no await between it and the first byte: what came into force while it connected,
            # waited for the ledger, or paused may forbid this zone.
            if not job.permission.current:
                connection.abort()
                self._tried.discard(replica)
                self.release()
                return False
            self._send(sent, connection)
            await sent.exchange.ready
        except UpstreamError as error:
            if error.stale and self._stale < len(self._candidates):
                self._stale += 1
                self._tried.discard(replica)
                self.release()
                return False
            fault = Fault.BAD_RESPONSE if error.fault is Fault.MID_STREAM else error.fault
            if fault is Fault.REFUSED and self._awaits_adapter(sent, Outcome(fault=fault, detail=str(error))):
                return False
            if fault is Fault.REFUSED and pool is replica.adapted:
                self._without_adapter(sent, str(error))
                return False
            if fault in _UNBEARABLE:
                self._useless.add(candidate.route.backend)
            self._judged(sent, slot, Outcome(fault=fault), str(error))
            self.release()
            return False
        if 200 <= sent.exchange.status < 300:
            now = self._loop.time()
            slot.report(Event.SUCCESS, now)
            replica.answered(candidate.route.upstream_model, now, job.surface.name)
            if exchange.patience is not None:
                exchange.patience.answered(now)
            return True
        if is_unknown(exchange.status, exchange.body) and self._awaits_adapter(sent, Outcome(status=exchange.status)):
            return False
        return self._judged(sent, slot, self._outcome(sent), "")

    def _awaits_adapter(self, sent: Attempt, outcome: Outcome) -> bool:
        """Whether it was the adapter that did not take it, and may do so soon. Nothing was asked of the provider.

        A backend of a former policy is one that no adapter to come will know.
        """
        backend, path = sent.candidate.route.backend, sent.pool.target.unix_path
        if path is None or self._state.fleet.backends.get(backend) is not self._job.backends[backend]:
            return False
        if self._starts >= _MOST_STARTS or not AdapterStatus(path).awaited:
            return False
        self._starting[backend] = sent.failed(outcome)
        self._tried.discard(sent.replica)
        self.release()
        return True

    def _without_adapter(self, sent: Attempt, detail: str) -> None:
        """It does not run: nothing that its backend does for others says, or is hurt by."""
        self._useless.add(sent.candidate.route.backend)
        self._failures += 1
        self.attempts.append(sent.failed(Outcome(fault=Fault.REFUSED, detail=detail)))
        self.release()

    def _outcome(self, sent: Attempt) -> Outcome:
        """Of an answer with another status than 200."""
        exchange, route = sent.exchange, sent.candidate.route
        if exchange.status < 400:
            return Outcome(status=exchange.status)
        whose = self._job.surface.error_cause(exchange.status, exchange.body)
        if exchange.status == 404 and whose is ErrorCause.REQUEST and not _names_objects(self._job.reading):
            whose = ErrorCause.NAMES  # all that could not be there is what the policy calls it
        if whose is ErrorCause.UNPAID:
            exchange.make_relayable(None)
            detail = f"its account has nothing left to spend: that of backends.{route.backend}.api_key"
            return Outcome(None, exchange.status, None, whose, detail)
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers}
        rest = rest_asked(found.get("retry-after"), found.get("retry-after-ms"), self._state.clock())
        exchange.make_relayable(None if rest is None else client_retry_after(rest))
        if rest is None and whose is ErrorCause.LIMIT:
            rest = self._job.surface.reset_asked(found)
        if rest is not None and route.owned:
            rest = min(rest, LONGEST_OWN_REST)
        detail = ""
        if whose is ErrorCause.NAMES and route.as_asked:
            return Outcome(
                None, exchange.status, None, ErrorCause.ASKED, "it does not have the model that was asked for"
            )
        if whose is ErrorCause.NAMES:
            entry = f"backends.{route.backend}.serves.{self._job.reservation.hold.cell.model}"
            surface = self._job.surface
            lacks = f"it has no {surface.path} (then `endpoints` there leaves out {surface.name})"
            detail = f"it does not know '{route.upstream_model}', which {entry} names, {lacks}, or its url is wrong"
        return Outcome(None, exchange.status, rest, whose, detail)

    def _judged(self, sent: Attempt, slot: Slot, outcome: Outcome, detail: str) -> bool:
        verdict, now, why = judge(outcome, self._job.cooldown), self._loop.time(), detail or outcome.told
        limited, unpaid = outcome.blame is ErrorCause.LIMIT, outcome.blame is ErrorCause.UNPAID
        slot.report(verdict.event, now, rest=verdict.rest or 0.0, why=why)
        if verdict.action is Action.ANSWER:
            return True
        if unpaid:
            log.warning("nothing left to spend", extra={"backend": sent.candidate.route.backend, "why": outcome.told})
        if outcome.blame is ErrorCause.NAMES:
            log.warning("model not known", extra={"backend": sent.candidate.route.backend, "why": outcome.told})
        if outcome.blame in _LASTING:
            self._useless.add(sent.candidate.route.backend)
        if verdict.of_model:
            began = now if sent.exchange.patience is None else sent.exchange.patience.asked
            model = sent.candidate.route.upstream_model
            # A page that is not there may be an endpoint that it does not have: it keeps the model for others.
            endpoint = "" if limited else self._job.surface.name
            sent.replica.refused(model, began, now, verdict.rest, why, passes=limited, endpoint=endpoint)
        if limited:
            self._refusals += 1
        else:
            self._failures += 1
        self.attempts.append(sent.failed(outcome))
        self.release()
        if outcome.status >= 400 and outcome.blame not in _OURS and (outcome.status == 429 or not unpaid):
            self._last = sent
        return False

    def _send(self, sent: Attempt, connection: Connection) -> None:
        job, replica = self._job, sent.replica
        sent.exchange.connection = connection
        surface = job.surface
        body = surface.edit(job.body, job.reading, sent.candidate.route)
        headers = job.headers + job.trace if sent.candidate.route.owned else job.headers
        first = sent.pool.head(surface.path + job.query, surface.at_root)
        if job.reading.content_type:
            first = told(first, job.reading.content_type, any_answer=job.reading.binary)
        head = b"%b%bcontent-length: %d\r\n\r\n" % (first, headers, size_of(body))
        needed = replica.needs(sent.candidate.route.upstream_model, stream=job.reading.stream)
        patience = sent.exchange.patience = AnswerTimeout(
            replica,
            needed,
            stream=job.reading.stream,
            now=self._loop.time(),
            deadline=job.deadline,
            others=self._others,
        )
        connection.send(job.permission.zones, head, body, sent.exchange, patience.first_look)
        sent.exchange.asked_at = monotonic()

    def _others(self) -> bool:
        """Whether another backend may take over now."""
        now = self._loop.time()
        if self._attempts_left <= 1 or not self._state.retry_budget.spend(now)[1]:
            return False
        for candidate in self._candidates:
            route = candidate.route
            if route.owned or not self._closed:
                replica = self._pick(route, now)
                if replica is not None and replica not in self._tried:
                    return True
        return False

    def reason(self, candidate: Candidate) -> str:
        """Why the request went to `candidate`, in short."""
        if not self.attempts:
            return self._passed_over or candidate.reason
        failed = self.attempts[-1]
        verb = "failover" if failed.backend != candidate.route.backend else "retry"
        return f"{verb} from {failed.backend}: {failed.outcome.why}"

    def release(self) -> None:
        """The current attempt is over; its connection is closed unless the answer was read to its end."""
        sent, self.current = self.current, None
        if sent is not None:
            sent.exchange.abandon()
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.leave(self._loop.time())
