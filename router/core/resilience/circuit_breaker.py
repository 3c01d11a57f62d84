"""The circuit breaker of one backend, as a table.

*Closed*, everything is sent. *Open*, nothing is until the rest is over: `until` is its end, and no timer runs. *Half
open* from the first request after that, which is a trial: `until` is then the end of its lease, which shuts out all
others until the trial was heard of, or never will be. Each worker has breakers of its own. What opens one is told to
the others; what closes one is not, so each closes by trials of its own.

    state      event               next
    closed     success             closed
    closed     failure             closed
    closed     failures_reached    open
    closed     successes_reached   closed
    closed     rest                open
    closed     trial_started       closed
    closed     trial_abandoned     closed
    closed     heard               open
    open       success             open
    open       failure             open
    open       failures_reached    open
    open       successes_reached   open
    open       rest                open
    open       trial_started       half_open
    open       trial_abandoned     open
    open       heard               open
    half_open  success             half_open
    half_open  failure             open
    half_open  failures_reached    open
    half_open  successes_reached   closed
    half_open  rest                open
    half_open  trial_started       half_open
    half_open  trial_abandoned     half_open
    half_open  heard               half_open

`failures_reached` and `successes_reached` are what `step` makes of the failure or success that reaches
`health.failures_to_open` or `health.successes_to_close`. What an open circuit hears from requests that started
before it opened changes nothing, except that a `rest` may prolong it. Times are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil

from msgspec import Struct

from router.core.policy import Health

TRIAL_LEASE = 120.0
"""Seconds after which a trial that was not heard of no longer keeps others from trying."""


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Event(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"
    FAILURES_REACHED = "failures_reached"
    SUCCESSES_REACHED = "successes_reached"
    REST = "rest"
    """The backend asked for a pause: open for exactly that long."""
    TRIAL_STARTED = "trial_started"
    """A request is sent although the circuit is not closed."""
    TRIAL_ABANDONED = "trial_abandoned"
    """The trial ended without saying anything about the backend: its client left."""
    HEARD = "heard"
    """It opened in another worker, after failures there: open until the same moment. Own trials go on."""


class Breaker(Struct, frozen=True):
    """Starts closed. A backend in good health keeps the same object."""

    state: State = State.CLOSED
    failures: int = 0
    """Consecutive failures; 0 when it rests because it was asked to."""
    successes: int = 0
    """Successful trials since it was open."""
    until: float = 0.0
    """When open: the end of the rest. When half open: when the next trial may start."""
    why: str = ""
    """The last failure, for people."""


CLOSED = Breaker()

# Module names are read several times faster than members of an enum, and every request comes by here.
_C, _O, _H = State.CLOSED, State.OPEN, State.HALF_OPEN
_SUCCESS = Event.SUCCESS

TABLE: dict[State, dict[Event, State]] = {
    _C: {
        Event.SUCCESS: _C,
        Event.FAILURE: _C,
        Event.FAILURES_REACHED: _O,
        Event.SUCCESSES_REACHED: _C,
        Event.REST: _O,
        Event.TRIAL_STARTED: _C,
        Event.TRIAL_ABANDONED: _C,
        Event.HEARD: _O,
    },
    _O: {
        Event.SUCCESS: _O,
        Event.FAILURE: _O,
        Event.FAILURES_REACHED: _O,
        Event.SUCCESSES_REACHED: _O,
        Event.REST: _O,
        Event.TRIAL_STARTED: _H,
        Event.TRIAL_ABANDONED: _O,
        Event.HEARD: _O,
    },
    _H: {
        Event.SUCCESS: _H,
        Event.FAILURE: _O,
        Event.FAILURES_REACHED: _O,
        Event.SUCCESSES_REACHED: _C,
        Event.REST: _O,
        Event.TRIAL_STARTED: _H,
        Event.TRIAL_ABANDONED: _H,
        Event.HEARD: _H,
    },
}


def allows(breaker: Breaker, now: float) -> bool:
    """Whether a request may be sent. When the circuit is not closed it is a trial: tell `step` so before it starts."""
    return breaker.state is _C or now >= breaker.until


def step(breaker: Breaker, event: Event, now: float, health: Health, *, rest: float = 0, why: str = "") -> Breaker:
    """The breaker after one event; the same object when nothing changes.

    `rest` is in seconds and belongs to `Event.REST` and `Event.HEARD`. `Event.TRIAL_STARTED` is ignored while `allows`
    says no.
    """
    if event is _SUCCESS and breaker.state is _C and not breaker.failures:
        return breaker
    if event is Event.TRIAL_STARTED and not allows(breaker, now):
        return breaker
    if event is Event.HEARD and breaker.state is not _C:
        return breaker
    event = _reached(breaker, event, health)
    target = TABLE[breaker.state][event]
    if target is State.CLOSED:
        return _close(breaker, event, why)
    if target is State.OPEN:
        return _open(breaker, event, now, health, rest, why)
    return _half_open(breaker, event, now)


def describe(breaker: Breaker, now: float) -> str:
    """One clause for people, such as "circuit open for 12 s after 5 failures (connection refused)"; "" when closed."""
    if breaker.state is State.CLOSED:
        return ""
    cause = f"after {breaker.failures} failures ({breaker.why})" if breaker.failures else f"as asked ({breaker.why})"
    seconds = ceil(breaker.until - now)
    if seconds <= 0:
        return f"circuit open {cause}; the next request is a trial"
    if breaker.state is State.OPEN:
        return f"circuit open for {seconds} s {cause}"
    return f"circuit open {cause}; a trial request is under way"


def _reached(breaker: Breaker, event: Event, health: Health) -> Event:
    if event is Event.FAILURE and breaker.failures + 1 >= health.failures_to_open:
        return Event.FAILURES_REACHED
    if event is Event.SUCCESS and breaker.successes + 1 >= health.successes_to_close:
        return Event.SUCCESSES_REACHED
    return event


def _close(breaker: Breaker, event: Event, why: str) -> Breaker:
    if event is Event.FAILURE:
        return Breaker(failures=breaker.failures + 1, why=why)
    if event in (Event.SUCCESS, Event.SUCCESSES_REACHED):
        return CLOSED
    return breaker


def _open(breaker: Breaker, event: Event, now: float, health: Health, rest: float, why: str) -> Breaker:
    if breaker.state is State.OPEN and (event is not Event.REST or now + rest <= breaker.until):
        return breaker
    if event is Event.REST:
        return Breaker(State.OPEN, until=now + rest, why=why)
    if event is Event.HEARD:
        return Breaker(State.OPEN, failures=health.failures_to_open, until=now + rest, why=why)
    return Breaker(State.OPEN, failures=breaker.failures + 1, until=now + health.cooldown, why=why)


def _half_open(breaker: Breaker, event: Event, now: float) -> Breaker:
    """A trial under way shuts the circuit for its lease; else the next one may start at once."""
    until = now + TRIAL_LEASE if event is Event.TRIAL_STARTED else now
    successes = breaker.successes + 1 if event is Event.SUCCESS else breaker.successes
    return Breaker(State.HALF_OPEN, breaker.failures, successes, until, breaker.why)
