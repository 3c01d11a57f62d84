"""Backends, workers and budgets, as others report them."""

from __future__ import annotations

import msgspec
import pytest
from support.control import ADMIN, API, VIEWER
from support.reported import POWER, REPORT, Power

from router.admin.answers.backends import Circuit, Latency
from router.admin.answers.budgets import BudgetUse
from router.admin.answers.operations import WorkerReport
from router.admin.sources.interface import Course, NoMeters, Seen, Sources, WorkerStatus
from router.admin.views.operations import state_of
from router.core.audit.entry import read_entry
from router.ledger.audit import open_audit
from router.ledger.errors import LedgerUnavailable

BUDGET = BudgetUse(scope="team:search", measure="usd", period="month", amount=100, used=60, held=10, left=30)


OPENED = [
    Circuit(at=20.5, state="open", why="5 failures", worker="a"),
    Circuit(at=15.0, state="closed", worker="a"),
    Circuit(at=10.0, state="open", worker="a"),
]
HEARD = [Circuit(at=20.0, state="open", why="another worker said so", worker="b")]


class TwoWorkers:
    async def statuses(self):
        well = WorkerReport(id="a", seen=1.0, policy="v")
        cut_off = WorkerReport(id="b", seen=2.0, policy="v", ledger="no answer")
        return [
            WorkerStatus(report=well, backends={"gpu": Seen(waiting=2, kv_cache=0.5, inflight=3, changes=OPENED)}),
            WorkerStatus(
                report=cut_off,
                backends={"gpu": Seen(healthy=False, why="circuit open", full=True, load="8", changes=HEARD)},
            ),
        ]


class Measured(NoMeters):
    async def courses(self):
        return {"api": Course(latency=Latency(1, 2, 3), retry_rate=0.1)}

    async def overhead(self):
        return Latency(0.1, 0.2, 0.3)

    window = 900


class Lost:
    available = True

    async def statuses(self):
        raise LedgerUnavailable("gone")

    async def uses(self, now):
        raise LedgerUnavailable("gone")


class OneBudget:
    available = True

    async def uses(self, now):
        return [BUDGET]


@pytest.mark.parametrize(
    ("healthy", "state"),
    [((), "unknown"), ((True, True), "healthy"), ((True, False), "degraded"), ((False,), "unhealthy")],
)
def test_a_backend_is_what_the_workers_see(healthy, state):
    assert state_of([Seen(healthy=each) for each in healthy]) == state


async def test_every_backend_of_the_policy_with_what_is_known_of_it(start, settle):
    await settle(API, error=True)
    await settle(API)
    plane = await start(Sources(workers=TwoWorkers(), meters=Measured()))
    answer = (await plane.get("/api/backends")).json
    gpu, api = answer["backends"]
    assert (gpu["name"], gpu["state"], gpu["why"], gpu["openings"]) == ("gpu", "degraded", "circuit open", [20.5, 10.0])
    assert (gpu["waiting"], gpu["kv_cache"], gpu["full"], gpu["load"]) == (2, 0.5, True, "8")
    assert [each["at"] for each in gpu["changes"]] == [20.5, 20.0, 15.0, 10.0] and gpu["inflight"] == 3
    assert api["waiting"] is api["kv_cache"] is None  # nothing tells
    assert (api["state"], api["requests"], api["errors"], api["error_rate"]) == ("unknown", 2, 1, 0.5)
    assert api["latency"] == {"p50": 1.0, "p95": 2.0, "p99": 3.0} and api["retry_rate"] == 0.1
    assert [each["ledger"] for each in answer["workers"]] == ["", "no answer"] and answer["reporting"]
    assert answer["overhead"]["p99"] == 0.3 and answer["window_seconds"] == 900
    assert answer["policies"] == {"v": 2} and answer["ledger"] == {"available": True, "why": ""}
    assert answer["policy"]["version"] == plane.control.desk.plan.version


async def test_a_worker_that_says_nothing_any_more_is_listed_and_not_counted(start):
    class Silent:
        async def statuses(self):
            report = WorkerReport(id="a", seen=1.0, policy="old", silent=True)
            return [WorkerStatus(report, {"gpu": Seen(healthy=False)})]

    answer = (await (await start(Sources(workers=Silent()))).get("/api/backends")).json
    assert answer["workers"][0]["silent"] and not answer["reporting"] and answer["policies"] == {}
    assert answer["backends"][0]["state"] == "unknown"


async def test_where_nobody_reports_states_are_unknown(plane):
    answer = (await plane.get("/api/backends")).json
    assert not answer["reporting"] and {each["state"] for each in answer["backends"]} == {"unknown"}


async def test_it_answers_while_the_ledger_is_lost(start, settings):
    plane = await start(Sources(workers=Lost()), msgspec.structs.replace(settings, redis="unix:///nowhere/v.sock"))
    answer = await plane.get("/api/backends")
    assert answer.status == 200 and not answer.json["ledger"]["available"]
    assert "/nowhere/v.sock" in answer.json["ledger"]["why"]


async def test_budgets(start):
    plane = await start(Sources(budgets=OneBudget()))
    assert (await plane.get("/api/budgets")).json == {"budgets": [msgspec.to_builtins(BUDGET)], "available": True}


async def test_no_budgets_are_kept(plane):
    assert (await plane.get("/api/budgets")).json == {"budgets": [], "available": False}


async def test_budgets_cannot_be_read(start):
    answer = await (await start(Sources(budgets=Lost()))).get("/api/budgets")
    assert (answer.status, answer.code) == (503, "ledger_unavailable")


# --- power

SWITCHED = "cost: {usd_per_hour: 1.0}, " + POWER


@pytest.fixture
def switched(policy) -> None:
    policy.write_text(policy.read_text().replace("cost: {usd_per_hour: 1.0},", SWITCHED))


async def test_what_is_switched_is_told_with_its_reason_and_what_comes_next(switched, start):
    answer = (await (await start(Sources(power=Power()))).get("/api/backends")).json
    gpu, api = answer["backends"]
    assert gpu["power"]["phase"] == "on" and "would save $2.40" in gpu["power"]["explanation"]
    assert gpu["power"]["changes"][0]["who"] == "gw1" and api["power"] is None


async def test_nothing_is_asked_where_nothing_is_switched(start):
    class Never:
        async def units(self):
            raise AssertionError

    answer = (await (await start(Sources(power=Never()))).get("/api/backends")).json
    assert [each["power"] for each in answer["backends"]] == [None, None]


async def test_an_order_is_noted_with_the_one_before_it(switched, start, session_valkey):
    plane = await start(Sources(power=Power()))
    await plane.ask("POST", "/api/power", ADMIN, json={"backend": "gpu", "order": "off"})
    async with open_audit(session_valkey) as chain:
        (entry,) = [read_entry(line) async for line in chain.lines()]
    assert (entry.action, entry.old, entry.new) == ("power.order", {"order": REPORT.order}, {"order": "off"})


async def test_an_order_is_the_admins_and_says_whose_it_is(switched, start):
    power = Power()
    plane = await start(Sources(power=power))
    order = {"backend": "gpu", "order": "off"}
    assert (await plane.ask("POST", "/api/power", VIEWER, json=order)).status == 403
    assert (await plane.ask("POST", "/api/power", ADMIN, json=order)).json == order
    (given,) = power.orders
    assert given[:2] == ("gpu", "off") and given[2].startswith("admin (token")


@pytest.mark.parametrize("body", [{"backend": "api", "order": "on"}, {"backend": "gpu", "order": "up"}])
async def test_an_order_for_what_is_not_switched_or_that_is_none_is_refused(switched, start, body):
    power = Power()
    answer = await (await start(Sources(power=power))).ask("POST", "/api/power", ADMIN, json=body)
    assert answer.status == 400 and not power.orders


async def test_an_order_without_the_ledger_is_refused(switched, start):
    class Lost(Power):
        async def order(self, backend, order, who):
            raise LedgerUnavailable("gone")

    plane = await start(Sources(power=Lost()))
    answer = await plane.ask("POST", "/api/power", ADMIN, json={"backend": "gpu", "order": "on"})
    assert answer.status == 503 and "gone" in answer.json["error"]["message"]


def test_a_backend_that_every_worker_sees_off_is_off():
    assert state_of([Seen(off="It is off."), Seen(off="It is off.")]) == "off"
    assert state_of([Seen(off="It is off."), Seen()]) == "healthy"
