"""All backends of a plan: which replica to use, and what each backend looks like now."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import zip_longest
from weakref import WeakSet

from msgspec import Struct

from router.core.backend_kinds import Backend
from router.core.policy import Health
from router.core.power.outlook import while_off
from router.core.resilience.circuit_breaker import CLOSED, describe
from router.core.resilience.rate_limited import Rest
from router.core.resilience.worker_status import PowerState
from router.core.values import BackendState
from router.upstream.pool import Pool
from router.upstream.replica import Replica
from router.upstream.target import Target

TICK_SECONDS = 0.25
SETTLING_SECONDS = 30.0
"""How long requests go on to wait for a unit that was switched on and has not answered a probe from here."""


class BackendSpec(Struct, frozen=True):
    """What the fleet needs of one backend. Two equal specs share connections and breakers across a reload."""

    name: str
    backend: Backend
    targets: tuple[Target, ...]
    health: Health
    powered: bool = False
    """Its units are switched on and off by a controller."""
    probed: bool = False
    """Probes tell when it answers."""
    adapted: tuple[Target, ...] = ()
    """The way to each of `targets` through the adapter, for what the backend does not speak; empty for none."""

    @property
    def upstream_models(self) -> frozenset[str]:
        served = self.backend.serves.values()
        return frozenset(each if isinstance(each, str) else each.model for each in served)


def _takes(replica: Replica, model: str, now: float, endpoint: str) -> bool:
    return replica.free and replica.usable(now) and replica.resting(model, now, endpoint) is None


def _on_trial(replica: Replica) -> bool:
    return replica.on_trial


class BackendRuntime:
    def __init__(
        self,
        spec: BackendSpec,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[], None],
        on_opened: Callable[[Replica], None],
        on_left: Callable[[], None],
    ) -> None:
        self.spec = spec
        self.replicas = [
            Replica(
                Pool(target, spec.backend.connect_timeout, loop),
                spec.backend,
                spec.health,
                on_change,
                on_opened,
                adapted=None if adapted is None else Pool(adapted, spec.backend.connect_timeout, loop),
                on_left=on_left,
            )
            for target, adapted in zip_longest(spec.targets, spec.adapted)
        ]
        self._power: PowerState | None = None
        self._ready_at = 0.0
        self._off = False
        self._on_since = loop.time()
        for replica in self.replicas if spec.powered else ():
            replica.switched(False, spec.probed)

    def told(self, power: PowerState | None, shift: float, now: float) -> bool:
        """What the controller says of it, or None; `shift` is what makes loop time of its times. Whether decisions may
        be others by it."""
        before, self._power = self._power, power
        self._ready_at = 0.0 if power is None else power.ready_at + shift
        off = power is not None and power.known and not power.serves
        if off is not self._off:
            self._off, self._on_since = off, now
            for replica in self.replicas:
                replica.switched(off, self.spec.probed)
        return power is not before and (power is None or not power.says_as(before))

    @property
    def failing(self) -> str:
        """Why its units fail to start; empty while they do not."""
        return "" if self._power is None else self._power.failing

    def starts_in(self, now: float) -> float:
        """Seconds until a unit answers that is being switched on, or is asked for now, as far as is known."""
        if self._power is None:  # nobody has told yet: as long as the policy expects
            return 0.0 if self.spec.backend.power is None else self.spec.backend.power.start_time
        return max(0.0, self._ready_at - now)

    def pick(
        self, now: float, tried: frozenset[Replica] | set[Replica], model: str, keeper: str = "", endpoint: str = ""
    ) -> Replica | None:
        """The least loaded replica with a free slot where `model` (the upstream's name) may be asked for now, at
        `endpoint`; one that was not tried yet if there is one. `keeper` is the identity of the one that alone may
        answer; empty for any."""
        if keeper:
            kept = [each for each in self.replicas if each.identity == keeper]
            return next((each for each in kept if _takes(each, model, now, endpoint)), None)
        if len(self.replicas) == 1:
            only = self.replicas[0]
            usable_now = (only.breaker is CLOSED and not only.probed_down) or only.usable(now)
            fit = usable_now and only.inflight < only.most
            return only if fit and (not only.rests or only.resting(model, now, endpoint) is None) else None
        usable = [replica for replica in self.replicas if _takes(replica, model, now, endpoint)]
        fresh = [replica for replica in usable if replica not in tried] or usable
        return min(fresh, key=lambda replica: (bool(replica.full), replica.burden), default=None)

    def rest(self, model: str, now: float, endpoint: str = "") -> Rest | None:
        """The first rest to end of `model` at `endpoint`, of replicas that are well otherwise."""
        rests = [each.resting(model, now, endpoint) for each in self.replicas if not each.probed_down]
        return min((rest for rest in rests if rest is not None), key=lambda rest: rest.until, default=None)

    def occupied(self, model: str, now: float, endpoint: str = "") -> bool:
        """Whether it is full, and `model` might be asked for at `endpoint` if there was another slot."""
        usable = [replica for replica in self.replicas if replica.usable(now)]
        slotless = any(not replica.free and replica.resting(model, now, endpoint) is None for replica in usable)
        return slotless and all(replica.full for replica in usable)

    def state(self, now: float) -> BackendState:
        usable = [replica for replica in self.replicas if replica.usable(now)]
        if not usable:
            return (self._switched_off(now) if self.spec.powered else None) or self._unhealthy(now)
        context, models = min((r.context for r in usable if r.context is not None), default=None), _listed(usable)
        if all(replica.full for replica in usable):
            return BackendState(full=True, load=usable[0].full, context=context, models=models)
        return BackendState(context=context, models=models)

    def headroom(self, now: float) -> int:
        return sum(replica.headroom for replica in self.replicas if replica.usable(now))

    def _switched_off(self, now: float) -> BackendState | None:
        """None when it should answer by now. What is said to be on is trusted as far as it answers."""
        power, wait = self._power, max(1.0, self.starts_in(now))
        if power is None or not power.known:
            why = power.why if power is not None else "The gateway that switches it has not told yet whether it is on."
            rests = power is not None and power.rests
            return BackendState(off=f"{why} It does not answer.", rests=rests, retry_after=wait)
        if not power.serves:
            return while_off(power, wait, _listed(self.replicas))
        if now < self._on_since + SETTLING_SECONDS:
            return BackendState(off="It was switched on, and has not answered this gateway yet.", coming=True)
        return None

    def trial(self, now: float) -> str:
        """Why the next request is but a trial, for people; empty where a replica has not failed."""
        return "; ".join(describe(r.breaker, now) for r in self.replicas) if all(map(_on_trial, self.replicas)) else ""

    def _unhealthy(self, now: float) -> BackendState:
        why = "; ".join(r.probed_down or describe(r.breaker, now) for r in self.replicas)
        waits = [r.breaker.until - now for r in self.replicas if r.breaker.until > now]
        context = min((r.context for r in self.replicas if r.context is not None), default=None)
        wait = max(1.0, min(waits, default=2.0))
        return BackendState(healthy=False, why=why, retry_after=wait, context=context, models=_listed(self.replicas))


class Fleet:
    """`states` is replaced, never changed, whenever a backend's state may have changed; hand it to a Snapshot as it is.

    `on_room` is called with `headroom` after each such change, and when a request ended while others wait, of whom
    `awaited` says how many there are: a probe comes too rarely to let them go on by. `on_opened` with a replica whose
    circuit opened by what happened here; `on_wanted` with a backend that is off and that a request waits for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.backends: dict[str, BackendRuntime] = {}
        self.on_room: Callable[[Callable[[str], int]], None] = lambda headroom: None
        self.awaited: Callable[[], int] = lambda: 0
        self.on_opened: Callable[[Replica], None] = lambda replica: None
        self.on_wanted: Callable[[str], None] = lambda name: None
        self._powers: Mapping[str, PowerState] = {}
        self._shift = 0.0
        self._loop = loop
        self._states: Mapping[str, BackendState] = {}
        self._stale = self._dirty = False
        # Of former plans, for as long as a request that began with one of them holds it: their clocks must go on.
        self._retired: WeakSet[BackendRuntime] = WeakSet()
        self._ticker: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._tick()

    def apply(self, specs: Iterable[BackendSpec]) -> None:
        """Take over a new plan's backends; unchanged ones keep their connections, breakers and load.

        `backends` is replaced, not changed: requests that began before go on with those that they began with.
        """
        before, self.backends = self.backends, {}
        for spec in specs:
            kept = before.get(spec.name)
            if kept is None or kept.spec != spec:
                kept = BackendRuntime(spec, self._loop, self.changed, self._opened, self._left)
                if spec.powered:
                    kept.told(self._powers.get(spec.name), self._shift, self._loop.time())
            self.backends[spec.name] = kept
        gone = [backend for name, backend in before.items() if self.backends.get(name) is not backend]
        for backend in gone:
            _close(backend)
        self._retired.update(gone)
        self.changed()

    def told(self, powers: Mapping[str, PowerState], shift: float) -> None:
        """What the controller says of backends, by name; see `BackendRuntime.told`."""
        self._powers, self._shift = powers, shift
        now = self._loop.time()
        for backend in (*self.backends.values(), *self._retired):
            if backend.spec.powered and backend.told(powers.get(backend.spec.name), shift, now):
                self.changed()

    @property
    def states(self) -> Mapping[str, BackendState]:
        """As of now: whoever decides in the same turn of the loop in which the last slot was taken sees it taken."""
        if self._stale:
            self._stale = False
            now = self._loop.time()
            self._states = {name: backend.state(now) for name, backend in self.backends.items()}
        return self._states

    def headroom(self, name: str) -> int:
        """How many more requests a backend would take now; no limit for one that nobody waits for any more, since a
        reload took it away or its start failed: whoever does is to decide anew."""
        backend = self.backends.get(name)
        if backend is None or self.states[name].rests:
            return sys.maxsize
        return backend.headroom(self._loop.time())

    def changed(self) -> None:
        """A state may be another one. Several changes in one turn of the loop wake those who wait but once."""
        self._stale = True
        if not self._dirty:
            self._dirty = True
            self._loop.call_soon(self._wake)

    def _left(self) -> None:
        if self.awaited():
            self.changed()

    def _opened(self, replica: Replica) -> None:
        self.on_opened(replica)

    def _wake(self) -> None:
        self._dirty = False
        self.on_room(self.headroom)

    def _tick(self) -> None:
        now = self._loop.time()
        for backend in (*self.backends.values(), *self._retired):
            for replica in backend.replicas:
                replica.pool.tick(now)
                if replica.adapted is not None:
                    replica.adapted.tick(now)
                if 0 < replica.breaker.until <= now:
                    self.changed()
        self._ticker = self._loop.call_later(TICK_SECONDS, self._tick)

    def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        for backend in self.backends.values():
            _close(backend)


def _listed(replicas: Iterable[Replica]) -> frozenset[str] | None:
    """What each of them has: any may be asked."""
    known = [each.models for each in replicas if each.models is not None]
    return frozenset.intersection(*known) if known else None


def _close(backend: BackendRuntime) -> None:
    for replica in backend.replicas:
        replica.pool.close()
        if replica.adapted is not None:
            replica.adapted.close()
