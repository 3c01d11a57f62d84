"""Backends in virtual time, as decisions see them: the same rules as of a real one say whether they have room."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from router.core.backend_kinds import Backend
from router.core.policy import Health
from router.core.power.outlook import while_off
from router.core.resilience import room
from router.core.resilience.replica_load import ReplicaLoad
from router.core.resilience.worker_status import PowerState
from router.core.values import BackendState
from router.simulate.server_model import Server, Work
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

_IDLE = ReplicaLoad()
_READY = BackendState()
_UNTOLD = "The gateway that switches it has not told yet whether it is on. It does not answer."


class Replica:
    """`load` is what its last probe said, which is not what it would say now."""

    __slots__ = ("_interval", "_seen", "capacity", "inflight", "load", "most", "server")

    def __init__(self, server: Server, backend: Backend, health: Health) -> None:
        self.server = server
        self.capacity = backend.capacity
        self.most = backend.capacity.max_running or sys.maxsize
        self.inflight = 0
        self.load = _IDLE
        self._interval = health.probe_interval if backend.kind == "vllm" else 0.0
        self._seen = 0

    def probe(self, now: float) -> bool:
        """Whether it says something else than before, by the last probe up to now. Call it before anything changes:
        nothing has, since that probe."""
        if not self._interval:
            return False
        probe = int(now / self._interval)
        if probe == self._seen:
            return False
        self._seen = probe
        server = self.server
        if not server.waiting and not self.load.waiting and not server.room:
            return False
        before, self.load = self.load, ReplicaLoad(server.running, server.waiting, server.kv_share, self.inflight)
        return before.waiting != self.load.waiting or before.kv_cache != self.load.kv_cache

    @property
    def full(self) -> str:
        return room.full(self.capacity, self.most, self.load, self.inflight)

    @property
    def headroom(self) -> int:
        return room.headroom(self.capacity, self.most, self.load, self.inflight)


class SimulatedBackend:
    """`changed` is called when its state may be another one."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        health: Health,
        shape: Shape,
        time: VirtualTime,
        done: Callable[[Work], None],
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.backend = backend
        self.shape = shape
        self.powered = backend.power is not None
        self.power: PowerState | None = None
        self._units = 1
        self._time = time
        self._changed = changed
        count = 1 if self.powered else max(1, len(backend.addresses()))
        self.replicas = [Replica(Server(shape, time, done), backend, health) for _ in range(count)]

    @property
    def inflight(self) -> int:
        return sum(replica.inflight for replica in self.replicas)

    def told(self, power: PowerState, units: int) -> None:
        """What its controller says; `units` of it answer."""
        serves = self.power is not None and self.power.serves
        before, self.power = self.power, power
        if power.serves and units and units != self._units:
            self._units = units
            for replica in self.replicas:
                replica.server.resize(units)
        if serves is not power.serves or not power.says_as(before):
            self._changed()

    def starts_in(self) -> float:
        """As `upstream.fleet` says it of a real one."""
        if self.power is None:
            return 0.0 if self.backend.power is None else self.backend.power.start_time
        begins = self._time.now if self.power.coming else self.power.at
        return max(0.0, self.power.ready_at - begins)

    def state(self) -> BackendState:
        if self.powered and (self.power is None or not self.power.serves):
            wait = max(1.0, self.starts_in())
            if self.power is None:
                return BackendState(off=_UNTOLD, retry_after=wait)
            return while_off(self.power, wait)
        why = [replica.full for replica in self.replicas]
        return BackendState(full=True, load=why[0]) if all(why) else _READY

    def headroom(self) -> int:
        if self.powered and (self.power is None or not self.power.serves):
            return 0
        return sum(replica.headroom for replica in self.replicas)

    def pick(self) -> Replica | None:
        """The least loaded one with a free slot."""
        if len(self.replicas) == 1:
            only = self.replicas[0]
            return only if only.inflight < only.most else None
        free = [replica for replica in self.replicas if replica.inflight < replica.most]
        return min(free, key=lambda each: (bool(each.full), room.burden(each.load, each.inflight)), default=None)

    def take(self, replica: Replica, work: Work) -> None:
        replica.inflight += 1
        if replica.inflight >= replica.most:
            self._changed()
        replica.server.send(work)

    def left(self, replica: Replica) -> None:
        replica.inflight -= 1
        if replica.inflight + 1 >= replica.most or replica.load.waiting:
            self._changed()

    def probe(self, now: float) -> None:
        for replica in self.replicas:
            if replica.probe(now):
                self._changed()

    def stop(self) -> list[Work]:
        """What still runs when its units go."""
        found = [work for replica in self.replicas for work in replica.server.stop()]
        for replica in self.replicas:
            replica.inflight, replica.load = 0, _IDLE
        return found


States = Mapping[str, BackendState]
