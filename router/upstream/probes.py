"""Which kinds of backend are asked how they are, and the tasks that ask, each replica for itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from router.upstream import vllm_probe
from router.upstream.fleet import BackendRuntime
from router.upstream.replica import Replica

Probe = Callable[[Replica, frozenset[str], float], Awaitable[None]]
"""Asks a replica once, which should serve these upstream models, within so many seconds; it is told how that went."""
PROBES: Mapping[str, Probe] = {"vllm": vllm_probe.probe}
"""By kind of backend. A kind that is not here is judged by the answers that it gives."""

log = logging.getLogger("breakeven.upstream")


class Probes:
    """The probe tasks of a fleet; `apply` follows its backends after a reload."""

    def __init__(self) -> None:
        self._tasks: dict[Replica, asyncio.Task[None]] = {}

    def apply(self, backends: Iterable[BackendRuntime]) -> None:
        wanted = {
            replica: each.spec for each in backends if each.spec.backend.kind in PROBES for replica in each.replicas
        }
        for gone in self._tasks.keys() - wanted.keys():
            self._tasks.pop(gone).cancel()
        for replica in wanted.keys() - self._tasks.keys():
            spec = wanted[replica]
            health = spec.health
            probe = PROBES[spec.backend.kind]
            forever = _forever(probe, replica, spec.upstream_models, health.probe_interval, health.probe_timeout)
            self._tasks[replica] = asyncio.create_task(forever)

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def _forever(probe: Probe, replica: Replica, served: frozenset[str], interval: float, timeout: float) -> None:
    """Probe until cancelled; `interval` seconds lie between the end of one probe and the start of the next."""
    while True:
        if not replica.off or replica.inflight:  # what is off may be switched on by a question, and what drains lives
            try:
                await probe(replica, served, timeout)
            except Exception:  # a defect of ours: the replica is asked again all the same
                log.exception("a probe failed", extra={"backend": replica.backend})
        await asyncio.sleep(interval)
