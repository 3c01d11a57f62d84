"""One replica of a backend: its connections, its circuit breaker and its load."""

from __future__ import annotations

from collections.abc import Callable

from router.core.breaker import CLOSED, Event, State, allows, step
from router.core.policy import Backend, Health
from router.upstream.load import Load
from router.upstream.pool import Pool

FORGIVEN_PROBES = 1


class Replica:
    """Mutable on purpose: the event loop's one view of a replica.

    `on_change` is called when `usable` or `full` may differ.
    """

    def __init__(self, pool: Pool, backend: Backend, health: Health, on_change: Callable[[], None]) -> None:
        self.pool = pool
        self.capacity = backend.capacity
        self.first_byte_timeout = backend.first_byte_timeout
        self.idle_timeout = backend.idle_timeout
        self.health = health
        self.breaker = CLOSED
        self.inflight = 0
        self.load = Load()
        self.probed_down = ""
        """Why the last probe failed; empty when it succeeded or there are no probes."""
        self.context: int | None = None
        self._missed_probes = 0
        self._on_change = on_change

    def report(self, event: Event, now: float, *, rest: float = 0.0, why: str = "") -> None:
        if event is Event.SUCCESS and self.breaker is CLOSED:
            return
        after = step(self.breaker, event, now, self.health, rest=rest, why=why)
        if after is not self.breaker:
            self.breaker = after
            self._on_change()

    def report_failure(self, now: float, why: str) -> None:
        self.report(Event.FAILURE, now, why=why)

    def started(self, now: float) -> None:
        """A request is about to be sent. While the circuit is not closed it is the one trial."""
        if self.breaker.state is not State.CLOSED:
            self.report(Event.TRIAL_STARTED, now)
        self.inflight += 1
        if self.capacity.max_running is not None and self.inflight >= self.capacity.max_running:
            self._on_change()

    def ended(self) -> None:
        self.inflight -= 1
        if self.capacity.max_running is not None or self.load.waiting:
            self._on_change()

    def probed(self, load: Load) -> None:
        """A probe succeeded."""
        self.load, self.probed_down, self._missed_probes = load, "", 0
        self._on_change()

    def probe_failed(self, why: str, *, certain: bool) -> None:
        """One slow answer is forgiven, since a busy server may be slow; a refusal is not."""
        self._missed_probes += 1
        if certain or self._missed_probes > FORGIVEN_PROBES:
            self.probed_down = f"probe failed: {why}"
            self._on_change()

    def usable(self, now: float) -> bool:
        return not self.probed_down and allows(self.breaker, now)

    @property
    def waiting(self) -> int:
        """Requests in its own queue: as scraped and, while there are any, corrected by ours that came or went."""
        if not self.load.waiting:
            return 0
        return max(0, self.load.waiting + self.inflight - self.load.inflight)

    @property
    def full(self) -> str:
        """Why it takes no more, for people; empty while it does."""
        limits = self.capacity
        if self.waiting >= max(1, limits.max_waiting):
            return f"{self.waiting} waiting"
        if self.load.kv_cache >= limits.max_kv_cache:
            return f"KV cache {self.load.kv_cache:.0%} used"
        if limits.max_running is not None and self.inflight >= limits.max_running:
            return f"{self.inflight} running"
        return ""

    @property
    def headroom(self) -> int:
        """How many more requests it would take now, as far as is known."""
        if self.full:
            return 0
        if self.capacity.max_running is not None:
            return self.capacity.max_running - self.inflight
        return max(1, self.capacity.max_waiting - self.waiting)

    @property
    def burden(self) -> tuple[int, float]:
        """Least loaded first: our requests and its queue, then its KV cache."""
        return self.inflight + self.load.waiting, self.load.kv_cache
