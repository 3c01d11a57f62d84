"""Backends, workers and budgets as Prometheus sees them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.reported import REPORT

from router.admin.answers.backends import BackendReport
from router.admin.answers.budgets import BudgetUse
from router.admin.answers.operations import LedgerReport, Operations, WorkerReport
from router.admin.policy.answers import PolicyState, Reload
from router.admin.telemetry.gauges import alert_metrics, budget_gauges, operations_gauges
from router.ledger.alerts import LaneReport


def backend(name: str, **fields) -> BackendReport:
    return BackendReport(**{"name": name, "zone": "local", "local": True, "kind": "vllm", "state": "healthy"} | fields)


def test_targets_of_alerts_are_counted_by_name():
    waiting, failing, lost = alert_metrics({"ops": LaneReport(waiting=3, failures=2, dropped=1)})
    for metric, value in ((waiting, 3), (failing, 2), (lost, 1)):
        assert [(each.labels, each.value) for each in metric.samples] == [({"target": "ops"}, value)]
    assert lost.samples[0].name == "breakeven_alerts_given_up_total"


def operations(*backends: BackendReport, workers: tuple[WorkerReport, ...] = ()) -> Operations:
    return Operations(
        backends=list(backends),
        workers=list(workers),
        reporting=bool(workers),
        ledger=LedgerReport(True, ""),
        policy=PolicyState(version="v", path="p", reload=Reload(1.0, "v", True)),
    )


def figures(metrics) -> dict[tuple, float]:
    return {(each.name, *each.labels.values()): each.value for family in metrics for each in family.samples}


@pytest.mark.parametrize(("state", "value"), [("healthy", 1), ("degraded", 0.5), ("unhealthy", 0)])
def test_health_as_the_workers_see_it(state, value):
    found = figures(operations_gauges(operations(backend("gpu", state=state))))
    assert found["breakeven_backend_healthy", "gpu", "local"] == value


def test_load_of_backends_that_report_it():
    gpu = backend("gpu", full=True, waiting=9, running=64, kv_cache=0.5)
    found = figures(operations_gauges(operations(gpu, backend("api", zone="cloud"))))
    assert found["breakeven_backend_full", "gpu", "local"] == 1 and found["breakeven_backend_full", "api", "cloud"] == 0
    assert found["breakeven_backend_waiting", "gpu", "local"] == 9
    assert found["breakeven_backend_running", "gpu", "local"] == 64
    assert found["breakeven_backend_kv_cache_share", "gpu", "local"] == 0.5
    assert ("breakeven_backend_waiting", "api", "cloud") not in found


def test_units_that_are_switched():
    gpu = backend("gpu", power=replace(REPORT, units=2))
    found = figures(operations_gauges(operations(gpu, backend("api", zone="cloud"))))
    power = {name.removeprefix("breakeven_backend_"): value for (name, *_), value in found.items()}
    assert {name: power[name] for name in ("units", "units_ready", "units_wanted", "start_failing", "controlled")} == {
        "units": 2,
        "units_ready": 1,
        "units_wanted": 1,
        "start_failing": 1,
        "controlled": 1,
    }
    assert ("breakeven_backend_units", "api", "cloud") not in found


def test_what_nobody_reports_is_left_out():
    assert operations_gauges(operations(backend("gpu", state="unknown"))) == []


def test_workers_that_lost_the_ledger_are_counted():
    well, cut_off = WorkerReport(id="a", seen=1, policy="v"), WorkerReport(id="b", seen=1, policy="v", ledger="gone")
    found = figures(operations_gauges(operations(workers=(well, cut_off))))
    assert found["breakeven_workers",] == 2 and found["breakeven_workers_without_ledger",] == 1


def test_budgets():
    use = BudgetUse(scope="team:search", measure="usd", period="month", amount=100, used=60, held=10, left=30)
    labels = ("team:search", "all", "", "usd", "month")
    assert figures(budget_gauges([use])) == {
        ("breakeven_budget_amount", *labels): 100,
        ("breakeven_budget_used", *labels): 60,
        ("breakeven_budget_held", *labels): 10,
    }
    assert budget_gauges([]) == []
