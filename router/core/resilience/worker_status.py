"""What the workers of all gateways on one ledger tell each other, and what follows from it.

Times are seconds since the epoch by the clock of the ledger's server, so that the clocks of machines may differ.
New fields need a default: while gateways are updated, old and new ones read each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

SILENT_SECONDS = 5.0
"""A worker that has said nothing for so long is not counted any more."""
STALE_SECONDS = 30.0
"""A worker that has said nothing for so long is gone."""
POWER_SECONDS = 30.0
"""What no controller has confirmed for so long is not believed any more."""


class Opening(Struct, frozen=True):
    """The circuit of one replica opened in one worker: the others let it rest too."""

    worker: str
    at: float
    until: float
    failures: int = 0
    """Consecutive failures that opened it; 0 when the backend asked for a rest."""
    why: str = ""


class PowerState(Struct, frozen=True):
    """What the controller tells of an own backend whose units it switches."""

    at: float
    """When it was written."""
    phase: str
    serves: bool
    """Units answer, and requests may be sent there."""
    known: bool = True
    """False while nobody can tell what is on: then a worker's own probes decide."""
    coming: bool = False
    """A unit is being switched on."""
    wakes: bool = True
    """A request that may go nowhere else can switch it on."""
    ready_at: float = 0.0
    """When a unit answers that is being switched on, or is asked for now."""
    why: str = ""
    """Why it is off, for people; without times, so that it changes only with what it says."""
    failing: str = ""
    """Why starts fail, for people."""
    rests: bool = False
    """Nothing is started now, whoever asks, since the last attempt failed."""

    def says_as(self, other: PowerState | None) -> bool:
        """Whether decisions are the same by both."""
        return other is not None and replace(other, at=self.at, ready_at=self.ready_at) == self


class CircuitChange(Struct, frozen=True):
    at: float
    state: str
    """`closed`, `open` or `half_open`."""
    why: str = ""


class ReplicaStatus(Struct, frozen=True):
    """One replica, as a worker sees it; `running`, `waiting`, `kv_cache` (0 to 1) are what it last said of itself."""

    label: str
    circuit: str = "closed"
    until: float = 0.0
    """End of the rest when the circuit is open."""
    why: str = ""
    """Why no request is sent to it, for people; empty when it is usable."""
    inflight: int = 0
    running: int = 0
    waiting: int = 0
    kv_cache: float = 0.0
    changes: tuple[CircuitChange, ...] = ()
    """The circuit's last changes, the latest one last."""


class BackendStatus(Struct, frozen=True):
    name: str
    zone: str
    healthy: bool = True
    why: str = ""
    full: bool = False
    load: str = ""
    replicas: tuple[ReplicaStatus, ...] = ()
    off: str = ""
    """Why it takes no request since it is not switched on, for people."""


class Reload(Struct, frozen=True):
    """The last look at an edited policy."""

    at: float
    problems: tuple[str, ...] = ()
    """Empty when it was adopted."""


class WorkerStatus(Struct, frozen=True):
    """One worker process, as it sees itself and its backends."""

    id: str
    host: str
    pid: int
    started: float
    at: float
    """When this was written."""
    policy: str
    """Version of the policy in force."""
    reload: Reload | None = None
    draining: bool = False
    ledger_available: bool = True
    ledger_why: str = ""
    stored_keys: bool = False
    """Whether its policy lets keys live in the ledger."""
    keys: int = 0
    """Version of the stored keys that it has read."""
    waiting: int = 0
    """Requests that wait for room."""
    inflight: int = 0
    """Requests that backends are working on for it."""
    backends: tuple[BackendStatus, ...] = ()


def is_silent(status: WorkerStatus, now: float) -> bool:
    return now - status.at > SILENT_SECONDS


def is_stale(status: WorkerStatus, now: float) -> bool:
    return now - status.at > STALE_SECONDS


def count_versions(versions: Iterable[str]) -> dict[str, int]:
    """How many workers serve each version of a policy, in the order of the versions."""
    return dict(sorted(Counter(versions).items()))


def rest_left(opening: Opening, now: float, succeeded: float) -> float:
    """Seconds that a replica should rest for an opening that another worker told of; 0 for none.

    `succeeded` is when this worker's last success there was. It outweighs failures seen before it elsewhere, but not
    a rest that the backend asked for.
    """
    if opening.failures and succeeded > opening.at:
        return 0.0
    return max(0.0, opening.until - now)
