from __future__ import annotations

from support.control import API, NOON
from support.recorded import STREAM, settled, write

from router.admin.simulation.task import SimulationTask
from router.admin.simulation.traffic import Recorded
from router.ledger.reports.export import JsonLines
from router.simulate.readers.registry import read

DAY = 86_400.0


def task(redis: str) -> SimulationTask:
    days = "2026-11-19", "2026-11-25", "Europe/Berlin"
    return SimulationTask(redis, *days, NOON, "d.yaml", b"", "p.yaml", b"", frozenset({"known"}))


def test_requests_are_those_of_an_export(valkey, session_valkey, tmp_path):
    written = [settled(NOON - 2000 + n, n, API, "known", tags=("phi",), stream=n % 2 > 0) for n in range(1200)]
    write(valkey, written)
    path = tmp_path / "week.jsonl"
    recorded = Recorded(task(session_valkey))
    with path.open("wb") as file:
        writer = JsonLines(file)
        writer.write([record for batch in recorded._batches() for record in batch])
    assert list(recorded.requests()) == list(read(path))
    assert (recorded.read, recorded.first) == (1200, NOON - 2000)


def test_what_is_missing_is_counted(valkey, session_valkey):
    old = [settled(NOON - 20 * DAY, 0, API, "known")]
    write(
        valkey,
        [*old, settled(NOON - 9, 1, API, ""), settled(NOON - 6, 2, API, "0" * 12), settled(NOON, 3, API, "known")],
    )
    valkey.xadd(STREAM, {"n": 1, "b": b"of another age"}, id=f"{int(NOON * 1000)}-*")
    recorded = Recorded(task(session_valkey))
    assert [each.id for each in recorded.requests()] == ["req_1", "req_2", "req_3"]
    assert (recorded.without_grounds, recorded.by_unknown, recorded.unreadable) == (1, 1, 1)
