"""What follows from the outcome of one attempt, as two tables; and how many retries are affordable.

An attempt ends with a `Fault` or with a status, and an error status speaks of somebody (`error_cause`). The tables say
whether that is the client's answer, whether the next candidate is tried, and what the backend's circuit breaker is
told. An attempt that fails after a byte has gone to the client is never repeated, so nothing is looked up for it.

Three bounds hold whatever the tables say: the attempts and the deadline of a request, and the `RetryBudget` of all the
requests of a worker. The first two bound one request; only the budget keeps an outage from multiplying the load just
when backends can bear least.

    answer   relayed to the client: success, or an error of the request's own making
    next     the next candidate is tried, while attempts, deadline and budget last
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from math import ceil

from msgspec import Struct

from router.core.resilience.circuit_breaker import Event
from router.core.resilience.error_cause import ErrorCause, cause_of_status

LONGEST_REST = 3600.0
"""Seconds that a backend rests at most, whatever it asks for."""

LONGEST_OWN_REST = 60.0
"""Seconds that an own backend rests at most: its rent runs on, and asking it again costs nothing."""

LONGEST_CLIENT_WAIT = 60
"""Seconds that clients are asked to wait at most: above 120 some SDKs give up, and others sleep."""

RETRY_FLOOR = 3.0
"""Retries that are affordable in every `RETRY_WINDOW` however few requests there are."""

RETRY_WINDOW = 10.0
"""Seconds."""

RETRY_MEMORY = 500
"""Requests after which unused budget no longer adds up."""

_SECONDS = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")


class Fault(StrEnum):
    """How an attempt can end without a usable status. The values are shown to people."""

    REFUSED = "connection refused"
    DNS = "name not resolved"
    TLS = "TLS failed"
    CONNECT_TIMEOUT = "connecting timed out"
    RESET_BEFORE_HEAD = "connection lost before the answer"
    FIRST_BYTE_TIMEOUT = "no answer in time"
    BAD_RESPONSE = "answer not understood"
    FIRST_EVENT_ERROR = "the stream began with an error"
    TOO_LARGE = "the answer is too large"
    NO_ROOM = "no room for the answer"
    MID_STREAM = "the stream broke off"


class Outcome(Struct, frozen=True, gc=False):
    """How one attempt ended: with a fault, or with a status."""

    fault: Fault | None = None
    status: int = 0
    retry_after: float | None = None
    """Seconds, from `rest_asked`."""
    blame: ErrorCause | None = None
    """Whom an error speaks of, where more than its status is known."""
    detail: str = ""
    """For people who run this: whose mistake it is, in the policy's terms."""

    @property
    def why(self) -> str:
        """For people: "connection refused", "HTTP 503"."""
        return self.fault.value if self.fault is not None else f"HTTP {self.status}"

    @property
    def told(self) -> str:
        """The same, with the detail."""
        return f"{self.why} ({self.detail})" if self.detail else self.why


class Action(StrEnum):
    ANSWER = "answer"
    NEXT = "next"


class Verdict(Struct, frozen=True):
    action: Action
    event: Event
    """What the breaker is told."""
    rest: float | None = 0.0
    """Seconds, for `Event.REST` and where `of_model`; None where a limit names no time."""
    of_model: bool = False
    """Only this model of the backend rests."""


ANSWER = Verdict(Action.ANSWER, Event.SUCCESS)
NEXT = Verdict(Action.NEXT, Event.FAILURE)

FAULTS: dict[Fault, Verdict] = {
    Fault.REFUSED: NEXT,
    Fault.DNS: NEXT,
    Fault.TLS: NEXT,
    Fault.CONNECT_TIMEOUT: NEXT,
    Fault.RESET_BEFORE_HEAD: NEXT,
    Fault.FIRST_BYTE_TIMEOUT: NEXT,
    Fault.BAD_RESPONSE: NEXT,
    Fault.FIRST_EVENT_ERROR: NEXT,
    Fault.TOO_LARGE: Verdict(Action.NEXT, Event.SUCCESS),  # too much is no sign of bad health
    Fault.NO_ROOM: Verdict(Action.NEXT, Event.SUCCESS),
}
"""Of all but `Fault.MID_STREAM`: by then the client has a byte."""

BLAMES: dict[ErrorCause, Verdict] = {
    ErrorCause.REQUEST: ANSWER,
    ErrorCause.CONTENT: ANSWER,
    ErrorCause.NAMES: Verdict(Action.NEXT, Event.TRIAL_ABANDONED, of_model=True),
    ErrorCause.ASKED: Verdict(Action.NEXT, Event.TRIAL_ABANDONED),
    ErrorCause.CREDENTIALS: NEXT,
    ErrorCause.UNPAID: NEXT,
    ErrorCause.LIMIT: Verdict(Action.NEXT, Event.TRIAL_ABANDONED, of_model=True),
    ErrorCause.UNABLE: Verdict(Action.NEXT, Event.TRIAL_ABANDONED),
    ErrorCause.NOTHING: Verdict(Action.NEXT, Event.TRIAL_ABANDONED),
    ErrorCause.BACKEND: NEXT,
}
"""Of error statuses. What is not about the backend's health tells its breaker nothing."""

RESTING = frozenset({503, 529})
"""Statuses whose Retry-After is about the whole backend's load."""


def judge(outcome: Outcome, cooldown: float) -> Verdict:
    """What to do after an attempt. `cooldown` (seconds) is how long a model rests that the backend does not know."""
    if outcome.fault is not None:
        return FAULTS[outcome.fault]
    status = outcome.status
    if 200 <= status < 300:
        return ANSWER
    whose = outcome.blame or cause_of_status(status)
    if status in RESTING and outcome.retry_after is not None and whose is ErrorCause.BACKEND:
        return Verdict(Action.NEXT, Event.REST, outcome.retry_after)
    verdict = BLAMES[whose]
    if whose is ErrorCause.LIMIT:
        return Verdict(verdict.action, verdict.event, outcome.retry_after, of_model=True)
    if whose is ErrorCause.NAMES:
        return Verdict(verdict.action, verdict.event, cooldown, of_model=True)
    return verdict


def parse_retry_after(value: str, now: float) -> float | None:
    """Seconds to rest, 0 to `LONGEST_REST`, from a Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3).

    `now` is in seconds since the epoch. None when the value is neither.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return _bounded(float(value))
    try:
        date = parsedate_to_datetime(value)
        stamp = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _bounded(stamp - now)


def parse_retry_after_ms(value: str) -> float | None:
    """Seconds to rest, from a `retry-after-ms` header; None when it is no number."""
    value = value.strip()
    return _bounded(float(value) / 1000) if _SECONDS.fullmatch(value) else None


def rest_asked(retry_after: str | None, retry_after_ms: str | None, now: float) -> float | None:
    """Seconds that a backend asked for with either header; the finer one wins."""
    finer = parse_retry_after_ms(retry_after_ms) if retry_after_ms is not None else None
    if finer is not None or retry_after is None:
        return finer
    return parse_retry_after(retry_after, now)


def client_retry_after(seconds: float) -> int:
    """Whole seconds for a Retry-After header to a client, 1 to `LONGEST_CLIENT_WAIT`."""
    return ceil(min(max(1.0, seconds), LONGEST_CLIENT_WAIT))


class RetryBudget(Struct, frozen=True):
    """Retries as a share of requests, so that they cannot multiply an outage (Envoy's retry budget, as a bucket).

    Every request puts `ratio` into the bucket and every retry takes 1 out. It holds at most `cap`, and time fills
    it up to `floor` within `RETRY_WINDOW`, for those who send little.
    """

    ratio: float
    tokens: float
    floor: float
    cap: float
    at: float = 0.0
    """When a retry was last paid for, in monotonic seconds."""

    def earn(self) -> RetryBudget:
        """The budget after one more request; the same object while it is full."""
        if self.tokens >= self.cap:
            return self
        return RetryBudget(self.ratio, min(self.cap, self.tokens + self.ratio), self.floor, self.cap, self.at)

    def spend(self, now: float) -> tuple[RetryBudget, bool]:
        """The budget after a retry, and True; or unchanged, and False when it cannot be paid for."""
        tokens = self._refilled(now)
        if tokens < 1:
            return self, False
        return RetryBudget(self.ratio, tokens - 1, self.floor, self.cap, now), True

    def _refilled(self, now: float) -> float:
        if self.tokens >= self.floor:
            return self.tokens
        return min(self.floor, self.tokens + max(0.0, now - self.at) * self.floor / RETRY_WINDOW)


def retry_budget(ratio: float) -> RetryBudget:
    """A full budget. A ratio of 0 means no retries at all."""
    floor = RETRY_FLOOR if ratio > 0 else 0.0
    cap = floor + ratio * RETRY_MEMORY
    return RetryBudget(ratio, cap, floor, cap)


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_REST)
