"""Prometheus: counters from the ledger's totals, gauges of the break-even, and what the records measure."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from router.admin.alerts.books import read_reports
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import timezone_of
from router.admin.telemetry.gauges import alert_metrics, budget_gauges, operations_gauges
from router.admin.telemetry.rising_totals import COUNTED, LABELS, Rents, Totals
from router.admin.views.breakeven import breakeven
from router.admin.views.operations import operations_of
from router.core.cost.net import Net
from router.core.cost.volume import day_of
from router.core.money import in_usd, micro_usd
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.account import owned_zones, read_account
from router.ledger.reports.totals_by_dimension import Look

_MONEY = ("cost", "counterfactual", "cloud_value", "captive_cost")


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def scrape(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    """Answers while the ledger is lost, too, with `breakeven_ledger_up 0`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Found(await found(control, ask)))
    return web.Response(body=generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


async def found(control: HandlerContext, ask: HandlerRequest) -> list[Metric]:
    state = control.desk.state()
    info = GaugeMetricFamily("breakeven_policy_info", "The policy in force.", labels=["version"])
    info.add_metric([state.version], 1)
    metrics: list[Metric] = [
        info,
        _gauge("breakeven_policy_adopted", "1 when the last edit was adopted.", state.reload.adopted),
    ]
    try:
        async with control.books.open() as report:
            timezone = await timezone_of(report, control.desk.plan.policy.cost.timezone)
            today = day_of(control.clock(), timezone)
            totals, rent = await control.totals.read(report, today), await control.rent.read(report, today)
            owned = await owned_zones(report, control.desk.plan.policy)
            account, _ = await read_account(report, [today], Look(names=False), today, owned)
        metrics += [*_counters(totals), *_rent(rent), *_net(account.total())]
        metrics += [*await _economy(control, ask), *await control.sources.meters.metrics()]
        metrics += operations_gauges(await operations_of(control))
        metrics += budget_gauges(await control.sources.budgets.uses(control.clock()))
        alerts = control.desk.plan.policy.alerts
        metrics += alert_metrics(await read_reports(control.alerts, alerts.targets)) if alerts is not None else []
    except (ApiError, LedgerUnavailable):
        return [*metrics, _gauge("breakeven_ledger_up", "1 while the ledger can be read.", 0)]
    return [*metrics, _gauge("breakeven_ledger_up", "1 while the ledger can be read.", 1)]


def _counters(totals: Totals) -> list[Metric]:
    families: list[Metric] = []
    for name, (metric, text) in COUNTED.items():
        family = CounterMetricFamily(metric, text, labels=LABELS)
        for group, figures in sorted(totals.items()):
            family.add_metric(group, micro_usd(figures[name]) if name in _MONEY else figures[name])
        families.append(family)
    return families


def _rent(rents: Rents) -> list[Metric]:
    labels = ("backend", "state")
    seconds = CounterMetricFamily("breakeven_rent_seconds", "Time of own units by what they were.", labels=labels)
    money = CounterMetricFamily("breakeven_rent_micro_usd", "What that cost.", labels=labels)
    for group, (milliseconds, nano) in sorted(rents.items()):
        seconds.add_metric(group, milliseconds / 1000)
        money.add_metric(group, micro_usd(nano))
    return [seconds, money]


def _net(today: Net) -> list[Metric]:
    """Of today; what there is no cloud price for is left out."""
    known = {
        "breakeven_today_cloud_alone_usd": ("What the cloud alone would have charged today.", today.cloud_alone),
        "breakeven_today_bought_usd": ("What was paid by the token today.", today.bought),
        "breakeven_today_rent_usd": ("Rent of own GPUs today.", today.rent),
        "breakeven_today_net_usd": ("Saved today, or lost: cloud alone less bought less rent.", today.net),
    }
    return [_gauge(name, text, in_usd(nano)) for name, (text, nano) in known.items() if nano is not None]


async def _economy(control: HandlerContext, ask: HandlerRequest) -> list[Metric]:
    """Gauges; those that are not known are left out."""
    answer = await breakeven(control, ask)
    known = {
        "breakeven_break_even_tokens_per_day": (
            "Volume from which the GPU is cheaper.",
            answer.break_even_tokens_per_day,
        ),
        "breakeven_volume_tokens": ("Eligible tokens of the last 24 hours.", answer.trailing_tokens),
        "breakeven_today_tokens": ("Eligible tokens since midnight.", answer.today_tokens),
        "breakeven_gpu_fixed_usd_per_day": ("Fixed cost of the own GPUs.", answer.fixed_usd_per_day),
        "breakeven_cloud_usd_per_million_tokens": ("Blended cloud price.", answer.cloud_usd_per_million),
        "breakeven_gpu_usd_per_day": ("Cost of the last 24 hours' volume on the own GPUs.", answer.gpu_usd_per_day),
        "breakeven_cloud_usd_per_day": ("Cost of the last 24 hours' volume in the cloud.", answer.cloud_usd_per_day),
        "breakeven_capacity_share": ("Volume as a share of what the GPUs can serve.", answer.load),
        "breakeven_threshold_tokens_per_day": ("The policy's threshold.", answer.threshold_tokens_per_day),
    }
    return [_gauge(name, text, value) for name, (text, value) in known.items() if value is not None]


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))
