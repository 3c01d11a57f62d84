"""Backends, workers, budgets and targets of alerts as gauges for Prometheus. What nobody reports is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from router.admin.answers.backends import BackendReport
from router.admin.answers.budgets import BudgetUse
from router.admin.answers.operations import Operations
from router.ledger.alerts import LaneReport

Figure = Callable[[BackendReport], float | None]


def _of_power(field: str) -> Figure:
    """A number, or whether there is something."""

    def figure(backend: BackendReport) -> float | None:
        if backend.power is None:
            return None
        value = getattr(backend.power, field)
        return float(bool(value)) if isinstance(value, str) else float(value)

    return figure


_STATES = {"healthy": 1.0, "degraded": 0.5, "unhealthy": 0.0}
_BACKENDS: Sequence[tuple[str, str, Figure]] = (
    (
        "breakeven_backend_healthy",
        "1 when every worker sees it healthy, 0 when none does, 0.5 when they disagree.",
        lambda each: _STATES.get(each.state),
    ),
    (
        "breakeven_backend_full",
        "1 while it has no room for more requests.",
        lambda each: None if each.state == "unknown" else float(each.full),
    ),
    ("breakeven_backend_waiting", "Requests in its own queue.", lambda each: each.waiting),
    ("breakeven_backend_running", "Requests that it works on.", lambda each: each.running),
    ("breakeven_backend_units", "Units that are there, of a backend that is switched.", _of_power("units")),
    ("breakeven_backend_units_ready", "Units that answer.", _of_power("ready")),
    ("breakeven_backend_units_wanted", "Units that are wanted.", _of_power("wanted")),
    ("breakeven_backend_start_failing", "1 while its units fail to start.", _of_power("failing")),
    ("breakeven_backend_controlled", "1 while a gateway controls its units.", _of_power("controlled")),
    ("breakeven_backend_kv_cache_share", "Used share of its KV cache.", lambda each: each.kv_cache),
)
_BUDGET_LABELS = ("scope", "side", "model", "measure", "period")


def alert_metrics(reports: Mapping[str, LaneReport]) -> list[Metric]:
    """How it goes with the targets of alerts, by their names."""
    labels = ("target",)
    waiting = GaugeMetricFamily("breakeven_alerts_waiting", "Alerts that wait for a target.", labels=labels)
    failing = GaugeMetricFamily(
        "breakeven_alerts_failures", "Failed attempts since the last that a target took.", labels=labels
    )
    lost = CounterMetricFamily(
        "breakeven_alerts_given_up", "Alerts that a target never got: too old, too many, or refused.", labels=labels
    )
    for name, report in reports.items():
        waiting.add_metric([name], report.waiting)
        failing.add_metric([name], report.failures)
        lost.add_metric([name], report.dropped)
    return [waiting, failing, lost]


def operations_gauges(operations: Operations) -> list[Metric]:
    families: list[Metric] = [_backend_family(*each, operations.backends) for each in _BACKENDS]
    if operations.reporting:
        workers = operations.workers
        families += [
            GaugeMetricFamily("breakeven_workers", "Workers that report.", value=len(workers)),
            GaugeMetricFamily(
                "breakeven_workers_without_ledger",
                "Workers that cannot reach the ledger.",
                value=sum(bool(worker.ledger) for worker in workers),
            ),
        ]
    return [family for family in families if family.samples]


def _backend_family(name: str, text: str, figure: Figure, backends: Iterable[BackendReport]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("backend", "zone"))
    for backend in backends:
        value = figure(backend)
        if value is not None:
            family.add_metric((backend.name, backend.zone), value)
    return family


def budget_gauges(uses: Iterable[BudgetUse]) -> list[Metric]:
    """`measure` is the unit; money is in micro-USD."""
    amount = GaugeMetricFamily("breakeven_budget_amount", "The limit.", labels=_BUDGET_LABELS)
    used = GaugeMetricFamily("breakeven_budget_used", "Settled in its period so far.", labels=_BUDGET_LABELS)
    held = GaugeMetricFamily("breakeven_budget_held", "Held by requests under way.", labels=_BUDGET_LABELS)
    for use in uses:
        labels = (use.scope, use.side, use.model, use.measure, use.period)
        amount.add_metric(labels, use.amount)
        used.add_metric(labels, use.used)
        held.add_metric(labels, use.held)
    return [family for family in (amount, used, held) if family.samples]
