"""Attempts, in order, within one deadline.

The forwarder only ever chooses among the candidates that it was given, and hands the permitted zones to the
connection, which checks them again. It retries until something has been written to the client, never after.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_random_exponential

from router.core.breaker import Event
from router.core.editing import edit, hides_usage, wants_continuous
from router.core.retry import Action, Fault, Outcome, Verdict, judge, rest_asked
from router.core.values import Candidate, Route
from router.gateway.exchange import Exchange
from router.gateway.job import Attempt, Job, Sent
from router.gateway.state import State
from router.upstream.connection import Connection
from router.upstream.errors import UpstreamError
from router.upstream.replica import Replica, Slot

_OUR_CREDENTIALS = (401, 402, 403, 407)


class NoAnswer(Exception):
    """Every attempt failed. `last` is an answer with an error status, fit to be relayed, if there was one."""

    def __init__(self, attempts: list[Attempt], last: Sent | None, *, timed_out: bool, closed: str) -> None:
        told = [f"{attempt.backend}: {attempt.outcome.why}" for attempt in attempts]
        super().__init__("; ".join([*told, closed] if closed else told))
        self.attempts = attempts
        self.last = last
        self.timed_out = timed_out
        self.closed = closed
        """Why cloud backends could not be used; empty when they could."""


class Forwarding:
    """The attempts of one request. `current` is the exchange under way, for whoever has to clean up.

    `slot` is its slot for the first attempt, taken when it was decided; each attempt holds one, and `release` leaves
    it.
    """

    __slots__ = (
        "_closed",
        "_job",
        "_last",
        "_loop",
        "_slot",
        "_stale",
        "_state",
        "_tried",
        "attempts",
        "current",
    )

    def __init__(self, state: State, job: Job, loop: asyncio.AbstractEventLoop, slot: Slot | None) -> None:
        self.attempts: list[Attempt] = []
        self.current: Sent | None = None
        self._state = state
        self._job = job
        self._loop = loop
        self._slot = slot
        self._tried: set[Replica] = set()
        self._last: Sent | None = None
        self._stale = 0
        self._closed = ""
        """Why cloud backends may not be used any more."""

    async def answer(self) -> Sent:
        """The first answer that is fit for the client; its stream may still be flowing. Raises NoAnswer."""
        while len(self.attempts) < self._job.retry.attempts:
            if self.attempts and not self._affordable():
                break
            choice = self._choose()
            if choice is None:
                break
            candidate, replica = choice
            if self._slot is None:
                self._slot = replica.take(self._loop.time())
            if not candidate.route.owned and not await self._may_spend():
                self.release()
                continue
            if replica in self._tried:
                await asyncio.sleep(self._pause())
            if self._loop.time() >= self._job.deadline:
                break
            self._tried.add(replica)
            if await self._attempt(candidate, self._slot) and self.current is not None:
                return self.current
        timed_out = self._loop.time() >= self._job.deadline
        raise NoAnswer(self.attempts, self._last, timed_out=timed_out, closed=self._closed)

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
        if self._slot is not None:
            held = self._slot.replica
            for candidate in self._job.candidates:
                if candidate.route.backend == held.backend:
                    return candidate, held
            self.release()
        now = self._loop.time()
        again = None
        for candidate in self._job.candidates:
            if self._closed and not candidate.route.owned:
                continue
            replica = self._job.backends[candidate.route.backend].pick(now, self._tried)
            if replica is None:
                continue
            if replica not in self._tried:
                return candidate, replica
            again = again or (candidate, replica)
        return again

    def _pause(self) -> float:
        """Exponential backoff with full jitter, in seconds."""
        retry = self._job.retry
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = len(self.attempts)
        return wait_random_exponential(multiplier=retry.backoff, max=retry.max_backoff)(state)

    async def _attempt(self, candidate: Candidate, slot: Slot) -> bool:
        """True when `current` holds an answer for the client."""
        replica = slot.replica
        job = self._job
        continuous = hides_usage(job.reading, candidate.route)
        exchange = Exchange(self._loop, strip_usage=job.reading.include_usage is not True, continuous=continuous)
        sent = Sent(candidate, replica, exchange)
        self.current = sent
        pool = replica.pool
        try:
            connection = pool.take_idle() or await pool.connect(self._job.deadline - self._loop.time())
            self._send(sent, connection)
            await sent.exchange.ready
        except UpstreamError as error:
            if error.stale and self._stale < len(self._job.candidates):
                self._stale += 1
                self._tried.discard(replica)
                self.release()
                return False
            fault = Fault.BAD_RESPONSE if error.fault is Fault.MID_STREAM else error.fault
            self._judged(sent, slot, Outcome(fault=fault), str(error))
            self.release()
            return False
        if sent.exchange.status == 200:
            slot.report(Event.SUCCESS, self._loop.time())
            return True
        retry_after, retry_after_ms = _rest_headers(sent.exchange)
        rest = rest_asked(retry_after, retry_after_ms, self._state.clock())
        return self._judged(sent, slot, Outcome(status=sent.exchange.status, retry_after=rest), "")

    def _judged(self, sent: Sent, slot: Slot, outcome: Outcome, detail: str) -> bool:
        verdict: Verdict = judge(outcome, self._job.cooldown)
        slot.report(verdict.event, self._loop.time(), rest=verdict.rest, why=detail or outcome.why)
        if verdict.action is Action.ANSWER:
            return True
        self.attempts.append(sent.failed(outcome))
        self.release()
        if outcome.status >= 400 and outcome.status not in _OUR_CREDENTIALS:
            self._last = sent
        return False

    def _send(self, sent: Sent, connection: Connection) -> None:
        job, replica = self._job, sent.replica
        sent.exchange.connection = connection
        body = _body(job, sent.candidate.route)
        headers = job.headers + job.trace if sent.candidate.route.owned else job.headers
        head = b"%b%bcontent-length: %d\r\n\r\n" % (replica.pool.head(job.path), headers, len(body))
        first_byte = min(replica.first_byte_timeout, job.deadline - self._loop.time())
        connection.send(job.permitted, head, body, sent.exchange, first_byte, replica.idle_timeout)
        sent.exchange.asked_at = monotonic()

    def reason(self, candidate: Candidate) -> str:
        """Why the request went to `candidate`, in short."""
        if not self.attempts:
            return candidate.reason
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


def _body(job: Job, route: Route) -> bytes:
    """The client's bytes, with the route's name of the model, and asking for usage."""
    reading = job.reading
    wants_usage = reading.stream and route.stream_usage and reading.include_usage is not True
    continuous = wants_continuous(job.endpoint, reading, route)
    return edit(job.body, reading, model=route.upstream_model, include_usage=wants_usage, continuous_usage=continuous)


def _rest_headers(exchange: Exchange) -> tuple[str | None, str | None]:
    if exchange.status < 400:
        return None, None
    found = {name: value.decode("latin-1") for name, value in exchange.headers}
    return found.get(b"retry-after"), found.get(b"retry-after-ms")
