"""What workers report, as pages show it."""

from __future__ import annotations

import asyncio

import msgspec

from router.admin.answers.backends import Circuit
from router.admin.sources.interface import Sources
from router.admin.sources.workers import LedgerWorkers, report_of, seen_of
from router.core.resilience.worker_status import BackendStatus, CircuitChange, Reload, ReplicaStatus, WorkerStatus

STATUS = WorkerStatus(
    id="aa",
    host="gw1",
    pid=7,
    started=50.0,
    at=100.0,
    policy="v1",
    reload=Reload(90.0, ("line 3: no",)),
    ledger_available=False,
    ledger_why="no answer",
    stored_keys=True,
    keys=12,
    inflight=3,
    backends=(
        BackendStatus(
            "gpu",
            "local",
            healthy=False,
            why="circuit open",
            replicas=(
                ReplicaStatus("a:1", running=2, waiting=1, kv_cache=0.25, inflight=1),
                ReplicaStatus(
                    "a:2",
                    circuit="open",
                    until=120.0,
                    why="refused",
                    running=1,
                    kv_cache=0.5,
                    inflight=2,
                    changes=(CircuitChange(95.0, "half_open"), CircuitChange(99.0, "open", "refused")),
                ),
            ),
        ),
    ),
)


def test_a_worker():
    report = report_of(STATUS, 101.0)
    assert (report.id, report.host, report.pid, report.policy, report.seen) == ("aa", "gw1", 7, "v1", 100.0)
    assert (report.ledger, report.silent, report.keys, report.inflight) == ("no answer", False, 12, 3)
    assert (report.reloaded, report.problems) == (90.0, ["line 3: no"])


def test_a_worker_that_all_is_well_with():
    report = report_of(WorkerStatus("aa", "gw1", 7, 50.0, 100.0, "v1"), 101.0)
    assert (report.ledger, report.reloaded, report.problems, report.keys) == ("", None, [], None)


def test_a_worker_that_says_nothing_any_more():
    assert report_of(STATUS, 106.0).silent


def test_a_backend_is_all_its_replicas():
    seen = seen_of(STATUS.backends[0], STATUS)
    assert (seen.healthy, seen.why, seen.running, seen.waiting, seen.kv_cache, seen.inflight) == (
        False,
        "circuit open",
        3,
        1,
        0.5,
        3,
    )
    assert list(seen.changes) == [
        Circuit(at=99.0, state="open", why="refused", replica="a:2", worker="aa"),
        Circuit(at=95.0, state="half_open", replica="a:2", worker="aa"),
    ]
    assert [(each.label, each.circuit, each.until) for each in seen.replicas] == [
        ("a:1", "closed", None),
        ("a:2", "open", 120.0),
    ]


async def test_what_is_in_the_ledgers_server_is_shown(start, valkey, session_valkey):
    plane = await start(Sources(workers=LedgerWorkers(session_valkey)))
    seconds, _ = await asyncio.to_thread(valkey.time)
    for id, ago in (("aa", 1), ("bb", 10), ("cc", 300)):
        status = msgspec.structs.replace(STATUS, id=id, at=float(seconds - ago))
        valkey.hset("be:{ledger}:shared", f"worker|{id}", msgspec.msgpack.encode(status))
    answer = (await plane.get("/api/backends")).json
    assert [(each["id"], each["silent"]) for each in answer["workers"]] == [("aa", False), ("bb", True)]
    gpu = answer["backends"][0]
    assert (gpu["state"], gpu["why"], gpu["running"], gpu["openings"]) == ("unhealthy", "circuit open", 3, [99.0])
    assert answer["policies"] == {"v1": 1}
