"""Backends as workers report them."""

from __future__ import annotations

from support.alerting import plan_with

from router.admin.alerts.conditions.backends import BackendsDown
from router.admin.answers.operations import WorkerReport
from router.admin.sources.interface import Seen as Sight
from router.admin.sources.interface import WorkerStatus
from router.core.alerts.observation import Seen

PLAN = plan_with("http://127.0.0.1:9/x")


class Reporting:
    def __init__(self, *workers: tuple[bool, dict[str, Sight]]) -> None:
        self.workers = workers

    async def statuses(self):
        return [
            WorkerStatus(WorkerReport(id=f"w{number}", seen=0, policy="p", silent=silent), backends)
            for number, (silent, backends) in enumerate(self.workers)
        ]


async def look(*workers) -> dict[str, Seen]:
    found = await BackendsDown(Reporting(*workers)).look(PLAN, PLAN.policy.alerts, 0)
    assert found is not None
    return {each.subject: each.seen for each in found}


async def test_it_is_down_when_no_worker_reaches_it():
    down, up = Sight(healthy=False, why="refused"), Sight()
    assert await look((False, {"gpu": down, "api": up}), (False, {"gpu": down, "api": down})) == {
        "gpu": Seen.BAD,
        "api": Seen.BETWEEN,
    }


async def test_workers_that_are_silent_say_nothing():
    assert await look((True, {"gpu": Sight(healthy=False)})) == {"gpu": Seen.BETWEEN, "api": Seen.BETWEEN}
