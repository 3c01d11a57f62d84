"""One replica of a backend: its connections, its circuit breaker and its load."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from router.core.breaker import CLOSED, Breaker, Event, State, allows, step
from router.core.policy import Backend, Health
from router.core.status import Opening, rest_left
from router.upstream.load import Load
from router.upstream.pool import Pool

FORGIVEN_PROBES = 1
KEPT_CHANGES = 5


class Replica:
    """Mutable on purpose: the event loop's one view of a replica.

    `on_change` is called when `usable` or `full` may differ, `on_opened` when the circuit opened, or its rest became
    longer, by what happened here.
    """

    def __init__(
        self,
        pool: Pool,
        backend: Backend,
        health: Health,
        on_change: Callable[[], None],
        on_opened: Callable[[Replica], None],
    ) -> None:
        self.pool = pool
        self.capacity = backend.capacity
        self.first_byte_timeout = backend.first_byte_timeout
        self.idle_timeout = backend.idle_timeout
        self.health = health
        self.breaker = CLOSED
        self.changes: deque[tuple[float, State, str]] = deque(maxlen=KEPT_CHANGES)
        """When the circuit last changed, to which state, and why."""
        self.succeeded = -inf
        """When a request last succeeded."""
        self.inflight = 0
        self.load = Load()
        self.probed_down = ""
        """Why the last probe failed; empty when it succeeded or there are no probes."""
        self.context: int | None = None
        self._missed_probes = 0
        self._on_change = on_change
        self._on_opened = on_opened

    def report(self, event: Event, now: float, *, rest: float = 0.0, why: str = "") -> None:
        if event is Event.SUCCESS:
            self.succeeded = now
            if self.breaker is CLOSED:
                return
        if self._step(event, now, rest, why) and self.breaker.state is State.OPEN:
            self._on_opened(self)

    def heard(self, opening: Opening, now: float) -> None:
        """Another worker told of an opening; its times are in the time of `now`. Nobody is told of it again."""
        rest = rest_left(opening, now, self.succeeded)
        if rest:
            event = Event.HEARD if opening.failures else Event.REST
            self._step(event, now, rest, f"{opening.why}, seen by another worker")

    def _step(self, event: Event, now: float, rest: float, why: str) -> bool:
        """Whether that changed anything."""
        before = self.breaker
        self.breaker = after = step(before, event, now, self.health, rest=rest, why=why)
        if after is before:
            return False
        if after.state is not before.state:
            self.changes.append((now, after.state, _cause(after, why)))
        self._on_change()
        return True

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


def _cause(breaker: Breaker, why: str) -> str:
    return why if breaker.state is State.OPEN else ""
