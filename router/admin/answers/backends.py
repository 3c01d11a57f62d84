"""What the API says of backends: their health, their replicas, what they did."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from router.admin.answers.power import PowerReport


class Latency(Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class BackendReport(Struct, frozen=True, kw_only=True):
    """One backend, over all workers."""

    name: str
    zone: str
    local: bool
    kind: str
    state: Literal["healthy", "degraded", "unhealthy", "off", "unknown"]
    """`degraded`: some workers see it healthy, others not. `off`: it is not switched on. `unknown`: nobody has
    reported."""
    why: str = ""
    full: bool = False
    load: str = ""
    waiting: int | None = None
    running: int | None = None
    kv_cache: float | None = None
    inflight: int = 0
    """Requests that it is working on for all workers."""
    openings: list[float] = []
    """When its circuit opened, latest first."""
    changes: list[Circuit] = []
    """What its circuits did in all workers, latest first."""
    replicas: list[ReplicaReport] = []
    """Each, as each worker sees it."""
    requests: int = 0
    """Today."""
    errors: int = 0
    error_rate: float | None = None
    """Today's."""
    retry_rate: float | None = None
    """Share of the last minutes' requests that needed more than one attempt; see `Operations.window_seconds`."""
    latency: Latency | None = None
    first_byte: Latency | None = None
    """Time to the first token, of answers that were streamed."""
    recent_requests: int = 0
    """In the last minutes."""
    recent_error_rate: float | None = None
    power: PowerReport | None = None
    """What switches its units, and why; of backends with a power section."""
    unlisted: list[str] = []
    """Models that the policy has it serve, by its own names, and that it does not list."""


class Circuit(Struct, frozen=True, kw_only=True):
    """A change of a circuit breaker."""

    at: float
    state: str
    """`closed`, `open` or `half_open`."""
    why: str = ""
    replica: str = ""
    worker: str = ""


class ReplicaReport(Struct, frozen=True, kw_only=True):
    """One replica of a backend, as one worker sees it."""

    worker: str
    label: str
    circuit: str
    until: float | None = None
    """End of the rest while the circuit is open."""
    why: str = ""
    """Why no request is sent to it; empty when it is usable."""
    inflight: int = 0
