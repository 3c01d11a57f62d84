"""What the API says of the gateway's own parts: workers, the ledger, the policy in force."""

from __future__ import annotations

from msgspec import Struct

from router.admin.answers.backends import BackendReport, Latency
from router.admin.policy.answers import PolicyState


class WorkerReport(Struct, frozen=True, kw_only=True):
    id: str
    seen: float
    policy: str
    """Version in force there."""
    ledger: str = ""
    """Why it cannot reach the ledger; empty when it can."""
    host: str = ""
    pid: int = 0
    started: float = 0.0
    silent: bool = False
    """It has said nothing for some seconds; what it said last is not counted any more."""
    draining: bool = False
    waiting: int = 0
    """Requests that wait for room."""
    inflight: int = 0
    reloaded: float | None = None
    """When it last looked at an edited policy."""
    problems: list[str] = []
    """Why it did not adopt that edit; empty when it did."""
    keys: int | None = None
    """Version of the stored keys that it has read; None when the policy lets no keys live in the ledger."""


class Operations(Struct, frozen=True, kw_only=True):
    backends: list[BackendReport]
    workers: list[WorkerReport]
    reporting: bool
    """False when no worker reports; states are unknown then."""
    overhead: Latency | None = None
    """What the gateway itself took before it sent a request that was sent once, waiting for room included."""
    window_seconds: int = 0
    """What latencies and rates look back on; 0 when nothing is measured."""
    policies: dict[str, int] = {}
    """Workers by the version of the policy that is in force there: one version, unless they disagree."""
    ledger: LedgerReport
    policy: PolicyState


class LedgerReport(Struct, frozen=True):
    available: bool
    why: str = ""
