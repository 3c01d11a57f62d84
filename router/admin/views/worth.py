"""Worth it? What own GPUs saved or lost, this month and last, and what the same traffic would be on other terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from router.admin.answers.worth import DemandHour, NetForecast, Supposed, UnitSwitch, WorthAnswer, WorthPeriod
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import HOUR_SECONDS, Days, begin_of, next_day, timezone_of
from router.admin.request_types import WhatIfQuery
from router.admin.views.months import Months, forecast_of, months_of
from router.admin.views.spend import could_not_leave
from router.core.cost.net import Account
from router.core.cost.passed_by import past_gpu_sentence, sent_past
from router.core.cost.rent import RentState
from router.core.cost.verdict import supposed, verdict
from router.core.cost.volume import day_of
from router.core.cost.what_if import Hour, Setup, what_if
from router.core.money import in_usd, micro_usd
from router.core.power.history import Change, Span, on_by_hour, seen_on
from router.core.power.states import Phase
from router.core.values import Plan, Row
from router.ledger.power import PowerEvent, PowerLook
from router.ledger.reports.account import owned_zones, part_of
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look

HOURS = 7 * 24
MONTH_HOURS = 30 * 24
_DAY_HOURS = 24
_MOST_EVENTS = 1000
_BY_BACKEND = Look(("backend",), names=False)


async def worth(control: HandlerContext, ask: HandlerRequest) -> WorthAnswer:
    plan, now = control.desk.plan, control.clock()
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        today = day_of(now, timezone)
        owned = await owned_zones(report, plan.policy)
        months = await months_of(report, _BY_BACKEND, Days(today, today, timezone), owned)
        hours = await _hours(plan, report, now)
    look, events = await control.books.power(_MOST_EVENTS)
    account, past = (part_of(months.account, days.first, days.last) for days in (months.this, months.last))
    month, before = _period("this month so far", account), _period("last month", past)
    return WorthAnswer(
        sentence=month.sentence,
        past_gpu=past_gpu_sentence(plan, sent_past(plan, [row for hour in hours[-24:] for row in hour.rows]), now),
        timezone=timezone.key,
        this_month=month,
        last_month=before if before.requests or before.rent_micro_usd else None,
        forecast=_forecast(months, now),
        could_not_leave=could_not_leave(account),
        hours=_shown(plan, hours, look, events, now, _seen_on(plan, months, hours, now)),
        switches=_switches(events, hours[0].begin),
        now=_supposed(plan, [hour.demand for hour in hours], WhatIfQuery()),
    )


async def suppose(control: HandlerContext, ask: HandlerRequest) -> Supposed:
    """The same traffic under other terms."""
    query: WhatIfQuery = ask.query
    plan, now = control.desk.plan, control.clock()
    async with control.books.open() as report:
        hours = await _hours(plan, report, now)
    return _supposed(plan, [hour.demand for hour in hours], query)


# --- months


def _period(when: str, account: Account) -> WorthPeriod:
    net, states = account.total(), account.rent_by_state()
    busy = states.get(RentState.BUSY, 0)
    return WorthPeriod(
        first=account.days[0],
        last=account.days[-1],
        requests=sum(row.requests for day in account.rows for row in day),
        cloud_alone_micro_usd=_micro(net.cloud_alone),
        bought_micro_usd=micro_usd(net.bought),
        not_bought_micro_usd=_micro(net.not_bought),
        rent_micro_usd=micro_usd(net.rent),
        rent_busy_micro_usd=micro_usd(busy),
        rent_idle_micro_usd=micro_usd(net.rent - busy),
        net_micro_usd=_micro(net.net),
        sentence=verdict(when, net),
    )


def _micro(nano: int | None) -> float | None:
    return None if nano is None else micro_usd(nano)


def _forecast(months: Months, now: float) -> NetForecast | None:
    found = forecast_of(months, now)
    if found is None or found.net_micro_usd is None:
        return None
    return NetForecast(
        day=found.day,
        likely_micro_usd=found.net_micro_usd,
        low_micro_usd=found.net_low_micro_usd,
        high_micro_usd=found.net_high_micro_usd,
    )


# --- hours


class _Demand:
    """One hour of what both sides could have served."""

    def __init__(self, plan: Plan, number: int, rows: Sequence[Row]) -> None:
        owned = {name for name, zone in plan.policy.zones.items() if zone.owned}
        self.begin = float(number * HOUR_SECONDS)
        self.rows = rows
        self.local_tokens = sum(row.eligible_tokens for row in rows if row.cell.zone in owned)
        self.demand = Hour(sum(row.eligible_tokens for row in rows), in_usd(sum(row.cloud_value for row in rows)))


async def _hours(plan: Plan, report: Report, now: float) -> list[_Demand]:
    last = int(now // HOUR_SECONDS)
    numbers = range(last - HOURS + 1, last + 1)
    tallies = await report.hours_by(_BY_BACKEND, numbers, last)
    return [_Demand(plan, number, tally.rows) for number, tally in zip(numbers, tallies, strict=True)]


def _shown(
    plan: Plan,
    hours: Sequence[_Demand],
    look: PowerLook,
    events: Iterable[PowerEvent],
    now: float,
    seen: Iterable[Span],
) -> list[DemandHour]:
    changes = [Change(each.at, each.backend, each.before, each.after, each.units) for each in events]
    units = on_by_hour(changes, _present(plan, look), [hour.begin for hour in hours], now, seen)
    return [
        DemandHour(
            at=hour.begin,
            tokens=hour.demand.tokens,
            local_tokens=hour.local_tokens,
            cloud_usd=hour.demand.cloud_usd,
            units_on=on,
        )
        for hour, on in zip(hours, units, strict=True)
    ]


def _present(plan: Plan, look: PowerLook) -> dict[str, int]:
    """Units of each own backend that are on, where somebody switches them."""
    found = {}
    for name, backend in plan.policy.backends.items():
        if plan.policy.zones[backend.zone].owned and backend.power is not None:
            kept = look.kept.get(name)
            on = kept is not None and kept.state.phase in (Phase.ON, Phase.DRAINING)
            found[name] = kept.state.units if kept is not None and on else 0
    return found


def _seen_on(plan: Plan, months: Months, hours: Sequence[_Demand], now: float) -> list[Span]:
    """When own backends that nobody switches were on: while a gateway ran, by the account of their rent; of one that
    costs nothing by time there is none, and it was on since the first traffic."""
    zone = months.this.timezone
    bounds = [(day, begin_of(day, zone), min(now, begin_of(next_day(day), zone))) for day in months.account.days]
    began = next((hour.begin for hour in hours if hour.rows), hours[-1].begin)
    found: list[Span] = []
    for name, backend in plan.policy.backends.items():
        if not plan.policy.zones[backend.zone].owned or backend.power is not None:
            continue
        if backend.cost is None:
            found.append(Span(began, now, 1))
        else:
            found += seen_on([row for row in months.account.rent if row.backend == name], bounds)
    return found


def _switches(events: Iterable[PowerEvent], since: float) -> list[UnitSwitch]:
    return [
        UnitSwitch(
            at=each.at,
            backend=each.backend,
            units=each.units,
            before=each.before,
            after=each.after,
            reason=each.reason,
            explanation=each.explanation,
            who=each.who,
        )
        for each in events
        if each.at >= since
    ]


# --- other terms


def setup_of(plan: Plan) -> Setup:
    """The own units that the policy has, as if all were alike."""
    zones, backends = plan.policy.zones, plan.policy.backends.values()
    owned = [each for each in backends if zones[each.zone].owned and each.cost is not None]
    units = sum(1 if each.power is None else each.power.units for each in owned)
    capacity = plan.gpu.capacity_tokens_per_day
    return Setup(
        usd_per_hour=plan.gpu.fixed_usd_per_day / 24 / len(owned) if owned else 0.0,
        units=units,
        tokens_per_second=None if capacity is None or not owned else capacity / 86_400 / len(owned),
        usd_per_million_tokens=plan.gpu.variable_usd_per_million,
        switched=any(each.power is not None and each.power.mode == "auto" for each in owned),
    )


def _supposed(plan: Plan, hours: Sequence[Hour], query: WhatIfQuery) -> Supposed:
    """From the first hour with traffic on, scaled to a month."""
    began = next((at for at, hour in enumerate(hours) if hour.tokens), len(hours) - 1)
    seen = hours[began:]
    given = setup_of(plan)
    setup = Setup(
        usd_per_hour=given.usd_per_hour if query.usd_per_hour is None else query.usd_per_hour,
        units=given.units if query.units is None else query.units,
        tokens_per_second=given.tokens_per_second,
        usd_per_million_tokens=given.usd_per_million_tokens,
        switched=given.switched,
    )
    found, scale = what_if(seen, setup, query.volume), MONTH_HOURS / len(seen)
    return Supposed(
        sentence=supposed(found.net * scale, setup.units, setup.usd_per_hour, query.volume, len(seen)),
        usd_per_hour=setup.usd_per_hour,
        volume=query.volume,
        units=setup.units,
        cloud_alone_usd=found.cloud_alone * scale,
        bought_usd=found.bought * scale,
        rent_usd=found.rent * scale,
        net_usd=found.net * scale,
        unit_hours=found.unit_hours * scale,
        tokens_per_day=sum(hour.tokens for hour in seen) * query.volume * 24 / len(seen),
        from_hours=len(seen),
        extrapolated_day=len(seen) < _DAY_HOURS,
    )
