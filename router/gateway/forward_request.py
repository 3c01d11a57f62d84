"""What the forwarder is given, and what it tells of its attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from router.core.policy import Retry
from router.core.reading import Reading
from router.core.redaction import NO_SECRETS, Secrets
from router.core.resilience.retry import Outcome
from router.core.values import Candidate, Usage
from router.gateway.permission import Permission
from router.gateway.reservation import Reservation
from router.gateway.upstream_response import UpstreamResponse
from router.surfaces.base import Surface
from router.upstream.fleet import BackendRuntime
from router.upstream.pool import Pool
from router.upstream.replica import Replica


class ForwardRequest:
    """One request, ready to be sent. `body` is the client's; `deadline` is in loop time."""

    __slots__ = (
        "backends",
        "body",
        "candidates",
        "cooldown",
        "deadline",
        "headers",
        "permission",
        "query",
        "reading",
        "replica",
        "request_id",
        "reservation",
        "retry",
        "secrets",
        "spend_unheld",
        "surface",
        "trace",
    )

    def __init__(
        self,
        surface: Surface,
        headers: bytes,
        trace: bytes,
        body: bytes,
        reading: Reading,
        candidates: tuple[Candidate, ...],
        backends: Mapping[str, BackendRuntime],
        permission: Permission,
        reservation: Reservation,
        spend_unheld: bool,
        deadline: float,
        retry: Retry,
        cooldown: float,
        replica: str = "",
        query: str = "",
        request_id: str = "",
        secrets: Secrets = NO_SECRETS,
    ) -> None:
        self.surface: Final = surface
        self.headers: Final = headers
        self.trace: Final = trace
        """Header lines for own backends only."""
        self.body: Final = body
        self.reading: Final = reading
        self.candidates: Final = candidates
        self.backends: Final = backends
        self.permission: Final = permission
        self.reservation: Final = reservation
        self.spend_unheld: Final = spend_unheld
        self.deadline: Final = deadline
        self.retry: Final = retry
        self.cooldown: Final = cooldown
        self.replica: Final = replica
        """The only one that may answer it, see `Replica.identity`; empty for any."""
        self.request_id: Final = request_id
        self.secrets: Final = secrets
        """What backends may tell nobody."""
        self.query: Final = query
        """What stands behind the path, with its question mark."""


class Attempt:
    """One attempt under way, or one that got an answer, of whatever kind."""

    __slots__ = ("candidate", "exchange", "pool", "replica")

    def __init__(self, candidate: Candidate, replica: Replica, exchange: UpstreamResponse, pool: Pool) -> None:
        self.candidate: Final = candidate
        self.replica: Final = replica
        self.pool: Final = pool
        """The replica's own, or its way through the adapter."""
        self.exchange: Final = exchange

    def failed(self, outcome: Outcome) -> FailedAttempt:
        """This attempt, once it has come to nothing."""
        exchange = self.exchange
        scanner = exchange.scanner
        return FailedAttempt(
            candidate=self.candidate,
            outcome=outcome,
            asked_at=exchange.asked_at,
            size=exchange.size,
            events=0 if scanner is None else scanner.produced,
            usage=exchange.reported,
            unread=exchange.unread or (scanner is not None and scanner.unread),
            began=exchange.began,
            adapter=self.pool.target.unix_path or "",
        )


class FailedAttempt(NamedTuple):
    """How one attempt failed: for the log, the reason header, and for what its backend may charge all the same."""

    candidate: Candidate
    outcome: Outcome
    """A fault, or the status that came instead of an answer."""
    asked_at: float
    """When the request was written to a connection, by the monotonic clock; 0 when it was not."""
    size: int
    """Bytes of body that came."""
    events: int
    """About the tokens of a stream that came, by its events and what they say."""
    usage: Usage | None
    """What it reported before it failed."""
    unread: bool = False
    """Something was answered that could not be read to its end: what was produced is not known."""
    began: bool = False
    """An error came where an answer had begun: what was asked was read."""
    adapter: str = ""
    """Path of the adapter's socket, if it went there."""

    @property
    def backend(self) -> str:
        return self.candidate.route.backend

    @property
    def written(self) -> bool:
        """Whether the request was written to a connection: only then can it have cost anything."""
        return self.asked_at > 0
