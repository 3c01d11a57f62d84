"""What the forwarder is given, and what it tells of its attempts."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from router.core.bodies import Reading
from router.core.policy import Endpoint, Retry
from router.core.retry import Outcome
from router.core.values import Candidate
from router.gateway.exchange import Exchange
from router.gateway.reservation import Reservation
from router.upstream.fleet import BackendRuntime
from router.upstream.replica import Replica


class Job(Struct, frozen=True, gc=False):
    """One request, ready to be sent. `body` is the client's; `deadline` is in loop time."""

    endpoint: Endpoint
    path: str
    headers: bytes
    body: bytes
    reading: Reading
    candidates: tuple[Candidate, ...]
    backends: Mapping[str, BackendRuntime]
    permitted: frozenset[str]
    reservation: Reservation
    spend_unheld: bool
    deadline: float
    retry: Retry
    cooldown: float


class Sent(Struct):
    """One attempt that got an answer, of whatever kind."""

    candidate: Candidate
    replica: Replica
    exchange: Exchange


class Attempt(Struct, frozen=True):
    """How one attempt went, for the log and the reason header."""

    backend: str
    outcome: Outcome
