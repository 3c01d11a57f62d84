"""One replica of a backend: its connections, its circuit breaker and its load."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from router.core.backend_kinds import Backend
from router.core.name_patterns import is_pattern
from router.core.policy import Health
from router.core.resilience import room
from router.core.resilience.circuit_breaker import CLOSED, Breaker, Event, State, allows, step
from router.core.resilience.rate_limited import AWAKE, LONG, Rest, answered, refused
from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.timeouts import Needed
from router.core.resilience.worker_status import Opening, rest_left
from router.upstream.pool import Pool

FORGIVEN_PROBES = 1
KEPT_CHANGES = 5
log = logging.getLogger("breakeven.upstream")
_OFF = "it is off"
_UNPROBED = "no probe has reached it yet"

_MOST_RESTS = 1024
"""Models that are remembered as resting: clients may name what a pattern takes."""


def _at(model: str, endpoint: str) -> str:
    return f"{model} at {endpoint}"


def _tell_nobody() -> None:
    pass


class Replica:
    """Mutable on purpose: the event loop's one view of a replica.

    `on_change` is called when `usable` or `full` may differ, `on_opened` when the circuit opened, or its rest became
    longer, by what happened here, and `on_left` when a request has ended.
    """

    def __init__(
        self,
        pool: Pool,
        backend: Backend,
        health: Health,
        on_change: Callable[[], None],
        on_opened: Callable[[Replica], None],
        adapted: Pool | None = None,
        on_left: Callable[[], None] = _tell_nobody,
    ) -> None:
        self.pool = pool
        self.adapted = adapted
        """The way to it through the adapter, for what it does not speak."""
        self.capacity = backend.capacity
        self.most = backend.capacity.max_running or sys.maxsize
        """Requests that may run here at a time, of those that this worker sends."""
        self.first_byte_timeout = backend.first_byte_timeout
        self.answer_timeout = backend.answer_timeout
        self.idle_timeout = backend.idle_timeout
        self.stream_timeout = backend.stream_timeout
        self.health = health
        self.breaker = CLOSED
        self.changes: deque[tuple[float, State, str]] = deque(maxlen=KEPT_CHANGES)
        """When the circuit last changed, to which state, and why."""
        self.succeeded = -inf
        """When a request last succeeded."""
        self.alive = -inf
        """When a probe last succeeded, or a stream was last seen to go on."""
        self.needed: dict[tuple[str, bool], Needed] = {}
        """How long answers took, by the upstream's name of the model and whether they were streams."""
        self.rests: dict[str, Rest] = {}
        """Models (by the upstream's name) that a limit spoke of, and those that it does not know."""
        self._models = len({each if isinstance(each, str) else each.model for each in backend.serves.values()})
        self._models += sum(map(is_pattern, backend.serves))
        self.inflight = 0
        self.load = ReplicaLoad()
        self.probed_down = ""
        """Why the last probe failed, or is awaited; empty when it succeeded or there are no probes."""
        self.off = False
        """It is not switched on, so nothing that happens there says how it is."""
        self.context: int | None = None
        self.models: frozenset[str] | None = None
        """What it lists, where it serves what it lists; None while nobody has asked it."""
        self._missed_probes = 0
        self._on_change = on_change
        self._on_opened = on_opened
        self._on_left = on_left

    @property
    def identity(self) -> str:
        """Of its address."""
        return self.pool.target.identity

    @property
    def backend(self) -> str:
        """Its backend's name."""
        return self.pool.target.backend

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
        if self.off:
            return False
        before = self.breaker
        self.breaker = after = step(before, event, now, self.health, rest=rest, why=why)
        if after is before:
            return False
        if after.state is not before.state:
            self.changes.append((now, after.state, _cause(after, why)))
            self._tell(before, after)
        self._on_change()
        return True

    def _tell(self, before: Breaker, after: Breaker) -> None:
        """Trials that fail are no news."""
        about = {"backend": self.pool.target.backend, "replica": self.pool.target.label}
        if before.state is State.CLOSED:
            log.warning("circuit opened", extra={**about, "why": after.why})
        elif after.state is State.CLOSED:
            log.info("circuit closed", extra=about)

    @property
    def on_trial(self) -> bool:
        """Its circuit has been open, and nothing has shown yet that it answers."""
        return self.breaker.state is not State.CLOSED

    def switched(self, off: bool, probed: bool) -> None:
        """It is off, or may be on from now on: what was seen of it before does not count. `probed` is whether a probe
        tells when it answers."""
        self.off = off
        self.breaker, self.load, self.context, self._missed_probes = CLOSED, ReplicaLoad(), None, 0
        self.rests.clear()
        self.probed_down = _OFF if off else _UNPROBED if probed else ""
        self._on_change()

    def refused(
        self, model: str, sent: float, now: float, asked: float | None, why: str, *, passes: bool, endpoint: str = ""
    ) -> None:
        """A limit spoke of `model` (the upstream's name): it rests as long as `asked`, or for a while. A long rest of
        all that is served here is told to others, as any opening is. Waiting does not help where it does not pass.

        With an `endpoint` it rests for that one alone: who does not have it may serve others all the same."""
        name = _at(model, endpoint) if endpoint else model
        rest = refused(self.rests.get(name, AWAKE), sent, now, asked, self.health.cooldown, why, passes=passes)
        if len(self.rests) >= _MOST_RESTS:
            self.rests.clear()
        self.rests[name] = rest
        if endpoint:
            return
        if rest.length > LONG and self._models == 1:
            self.report(Event.REST, now, rest=rest.until - now, why=why)

    def lists(self, models: frozenset[str]) -> None:
        """What it has come and gone with."""
        if models != self.models:
            self.models = models
            self._on_change()

    def answered(self, model: str, now: float, endpoint: str = "") -> None:
        """`model` gave an answer at `endpoint`."""
        for name in (model, _at(model, endpoint)) if self.rests else ():
            rest = self.rests.pop(name, None)
            if rest is not None and (rest := answered(rest, now)) is not AWAKE:
                self.rests[name] = rest

    def resting(self, model: str, now: float, endpoint: str = "") -> Rest | None:
        """The rest of `model` that is not over, as far as it is asked for at `endpoint`."""
        for name in (model, _at(model, endpoint)) if self.rests else ():
            rest = self.rests.get(name)
            if rest is not None and now < rest.until:
                return rest
        breaker = self.breaker
        if breaker.state is State.OPEN and not breaker.failures and now < breaker.until:
            return Rest(breaker.until, breaker.until - now, 1, breaker.why)
        return None

    def report_failure(self, now: float, why: str) -> None:
        self.report(Event.FAILURE, now, why=why)

    def take(self, now: float) -> Slot:
        """A slot for a request that was assigned here, before anything is awaited for it: nobody else gets it then.

        Only while there is a `free` one. While the circuit is not closed the request is the one trial.
        """
        trial = self.breaker is not CLOSED and self.breaker.state is not State.CLOSED
        if trial:
            self.report(Event.TRIAL_STARTED, now)
        self.inflight += 1
        if self.inflight >= self.most:
            self._on_change()
        return Slot(self, trial)

    def _left(self) -> None:
        self.inflight -= 1
        if self.inflight + 1 >= self.most or self.load.waiting:
            self._on_change()
        self._on_left()

    def needs(self, model: str, *, stream: bool) -> Needed:
        found = self.needed.get((model, stream))
        if found is None:
            found = self.needed[model, stream] = Needed()
        return found

    def probed(self, load: ReplicaLoad, now: float = -inf) -> None:
        """A probe succeeded, at that time."""
        self.alive = max(self.alive, now)
        if self.off:
            return
        self.load, self.probed_down, self._missed_probes = load, "", 0
        self._on_change()

    def probe_failed(self, why: str, *, certain: bool) -> None:
        """One slow answer is forgiven, since a busy server may be slow; a refusal is not."""
        if self.off:
            return
        self._missed_probes += 1
        if certain or self._missed_probes > FORGIVEN_PROBES:
            self.probed_down = f"probe failed: {why}"
            self._on_change()

    def usable(self, now: float) -> bool:
        return not self.probed_down and allows(self.breaker, now)

    @property
    def free(self) -> bool:
        """Whether there is a slot. Other figures may call it `full` and still be wrong about one request more."""
        return self.inflight < self.most

    @property
    def waiting(self) -> int:
        """Requests in its own queue, see `room.waiting`."""
        return room.waiting(self.load, self.inflight)

    @property
    def full(self) -> str:
        """Why it takes no more, for people; empty while it does."""
        return room.full(self.capacity, self.most, self.load, self.inflight)

    @property
    def headroom(self) -> int:
        """How many more requests it would take now, as far as is known."""
        return room.headroom(self.capacity, self.most, self.load, self.inflight)

    @property
    def burden(self) -> tuple[int, float]:
        """Least loaded first."""
        return room.burden(self.load, self.inflight)


class Slot:
    """One request's place at a replica. Whoever holds it leaves it, whatever becomes of the request."""

    __slots__ = ("_held", "_trial", "replica")

    def __init__(self, replica: Replica, trial: bool) -> None:
        self.replica: Final = replica
        self._held = True
        self._trial = trial
        """It is the trial of a circuit that is not closed, and nothing was heard of it yet."""

    def report(self, event: Event, now: float, *, rest: float = 0.0, why: str = "") -> None:
        """How the attempt went."""
        self._trial = False
        self.replica.report(event, now, rest=rest, why=why)

    def leave(self, now: float) -> None:
        """Once; again, it does nothing. A trial that said nothing of the backend is given back."""
        if not self._held:
            return
        self._held = False
        if self._trial:
            self.replica.report(Event.TRIAL_ABANDONED, now)
        self.replica._left()


def _cause(breaker: Breaker, why: str) -> str:
    return why if breaker.state is State.OPEN else ""
