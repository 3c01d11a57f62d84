"""What workers report of themselves and of backends, through the ledger's server."""

from __future__ import annotations

from collections.abc import Sequence

from router.admin.answers.backends import Circuit, ReplicaReport
from router.admin.answers.operations import WorkerReport
from router.admin.sources.interface import Seen, WorkerStatus
from router.core.resilience.worker_status import BackendStatus, is_silent
from router.core.resilience.worker_status import WorkerStatus as Status
from router.ledger.shared_status import look_at


class LedgerWorkers:
    def __init__(self, url: str) -> None:
        self._url = url

    async def statuses(self) -> Sequence[WorkerStatus]:
        """Of all gateways on the ledger, in the order of their starts. Raises LedgerUnavailable."""
        now, found = await look_at(self._url)
        return [WorkerStatus(report_of(each, now), {b.name: seen_of(b, each) for b in each.backends}) for each in found]


def report_of(status: Status, now: float) -> WorkerReport:
    reload = status.reload
    return WorkerReport(
        id=status.id,
        seen=status.at,
        policy=status.policy,
        ledger="" if status.ledger_available else status.ledger_why or "not available",
        host=status.host,
        pid=status.pid,
        started=status.started,
        silent=is_silent(status, now),
        draining=status.draining,
        waiting=status.waiting,
        inflight=status.inflight,
        reloaded=None if reload is None else reload.at,
        problems=[] if reload is None else list(reload.problems),
        keys=status.keys if status.stored_keys else None,
    )


def seen_of(backend: BackendStatus, status: Status) -> Seen:
    replicas = backend.replicas
    changes = [
        Circuit(at=each.at, state=each.state, why=each.why, replica=replica.label, worker=status.id)
        for replica in replicas
        for each in replica.changes
    ]
    return Seen(
        healthy=backend.healthy,
        why=backend.why,
        full=backend.full,
        load=backend.load,
        off=backend.off,
        waiting=sum(each.waiting for each in replicas),
        running=sum(each.running for each in replicas),
        kv_cache=max((each.kv_cache for each in replicas), default=None),
        inflight=sum(each.inflight for each in replicas),
        changes=sorted(changes, key=lambda each: each.at, reverse=True),
        replicas=[
            ReplicaReport(
                worker=status.id,
                label=each.label,
                circuit=each.circuit,
                until=each.until or None,
                why=each.why,
                inflight=each.inflight,
            )
            for each in replicas
        ],
    )
