"""Worth it? What own GPUs saved or lost, this month and last, and what the same traffic would be on other terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import HOUR_SECONDS, Days, begin_of, next_day, timezone_of
from router.admin.request_types import WhatIfQuery
from router.admin.response_types import (
    CouldNotLeave,
    DemandHour,
    NetForecast,
    Supposed,
    UnitSwitch,
    WorthAnswer,
    WorthPeriod,
)
from router.admin.views.spend import figures_of, owned_zones, rent_of
from router.core.cost.forecast import forecast
from router.core.cost.passed_by import past_gpu_sentence, sent_past
from router.core.cost.verdict import NO_TRAFFIC, NOTHING_TO_COMPARE, supposed, verdict
from router.core.cost.volume import day_of
from router.core.cost.what_if import Hour, Setup, what_if
from router.core.money import MICRO_PER_USD, in_usd
from router.core.power.history import Change, on_by_hour
from router.core.power.states import Phase
from router.core.values import Plan, Row
from router.ledger.power import PowerEvent, PowerLook
from router.ledger.reports.totals import Report, day_range
from router.ledger.reports.totals_by_dimension import Look, Tally, open_from

HOURS = 7 * 24
MONTH_HOURS = 30 * 24
_MOST_EVENTS = 1000
_BY_MODEL = Look(("model",))


async def worth(control: HandlerContext, ask: HandlerRequest) -> WorthAnswer:
    plan, now = control.desk.plan, control.clock()
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        today = day_of(now, timezone)
        this, last = _months(Days(today, today, timezone))
        days = day_range(last.first, today)
        tallies = dict(zip(days, await report.days_by(_BY_MODEL, days, open_from(today)), strict=True))
        hours = await _hours(plan, report, now)
    look, events = await control.books.power(_MOST_EVENTS)
    compared = plan.cloud_reference.at(now) is not None
    month = _period(plan, "this month so far", this, tallies, now)
    before = _period(plan, "last month", last, tallies, now)
    return WorthAnswer(
        sentence=_sentence(compared, month),
        past_gpu=past_gpu_sentence(plan, sent_past(plan, [row for hour in hours[-24:] for row in hour.rows]), now),
        timezone=timezone.key,
        compared=compared,
        this_month=month,
        last_month=before if before.requests else None,
        forecast=_forecast(plan, this, month, tallies, now),
        could_not_leave=_could_not_leave(plan, month, tallies),
        hours=_shown(plan, hours, look, events, now),
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


def _months(today: Days) -> tuple[Days, Days]:
    """This one so far, and the one before it."""
    first = date.fromisoformat(today.last).replace(day=1)
    end = first - timedelta(days=1)
    zone = today.timezone
    return Days(first.isoformat(), today.last, zone), Days(end.replace(day=1).isoformat(), end.isoformat(), zone)


def _period(plan: Plan, when: str, days: Days, tallies: dict[str, Tally], now: float) -> WorthPeriod:
    names = day_range(days.first, days.last)
    daily = [tallies[name] for name in names]
    total = figures_of([row for tally in daily for row in tally.rows], owned_zones(plan))
    rent = rent_of(plan, days, names, daily, now)
    alone, bought = total.cloud_only_micro_usd, total.cost_micro_usd
    usd = [each / MICRO_PER_USD for each in (alone, bought, rent)]
    return WorthPeriod(
        first=days.first,
        last=days.last,
        requests=total.requests,
        cloud_alone_micro_usd=alone,
        bought_micro_usd=bought,
        not_bought_micro_usd=alone - bought,
        rent_micro_usd=rent,
        rent_busy_micro_usd=0,
        rent_idle_micro_usd=rent,
        net_micro_usd=alone - bought - rent,
        sentence=verdict(when, *usd),
    )


def _sentence(compared: bool, month: WorthPeriod) -> str:
    if not compared:
        return NOTHING_TO_COMPARE
    return month.sentence if month.requests else NO_TRAFFIC


def _forecast(
    plan: Plan, month: Days, so_far: WorthPeriod, tallies: dict[str, Tally], now: float
) -> NetForecast | None:
    """From the days of both months that are over, as far back as the last 28."""
    over = [name for name in tallies if name < month.last][-28:]
    nets = [_period(plan, "", Days(name, name, month.timezone), tallies, now) for name in over]
    used = next((at for at, each in enumerate(nets) if each.requests), len(nets))
    first = date.fromisoformat(month.first)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    left = (begin_of(next_day(last.isoformat()), month.timezone) - now) / 86_400
    found = forecast(so_far.net_micro_usd, [each.net_micro_usd for each in nets[used:]], left)
    if found is None:
        return None
    return NetForecast(
        day=last.isoformat(), likely_micro_usd=found.likely, low_micro_usd=found.low, high_micro_usd=found.high
    )


def _could_not_leave(plan: Plan, month: WorthPeriod, tallies: dict[str, Tally]) -> CouldNotLeave:
    total = figures_of(
        [row for day in day_range(month.first, month.last) for row in tallies[day].rows], owned_zones(plan)
    )
    share = total.captive_tokens / total.local_tokens if total.local_tokens else 0.0
    return CouldNotLeave(
        requests=total.captive,
        tokens=total.captive_tokens,
        cost_micro_usd=total.captive_cost_micro_usd,
        rent_micro_usd=round(month.rent_micro_usd * min(1.0, share)),
    )


# --- hours


class _Demand:
    """One hour of what both sides could have served."""

    def __init__(self, plan: Plan, number: int, rows: Sequence[Row]) -> None:
        owned = owned_zones(plan)
        self.begin = float(number * HOUR_SECONDS)
        self.rows = rows
        self.local_tokens = sum(row.eligible_tokens for row in rows if row.cell.zone in owned)
        self.demand = Hour(sum(row.eligible_tokens for row in rows), in_usd(sum(row.cloud_value for row in rows)))


async def _hours(plan: Plan, report: Report, now: float) -> list[_Demand]:
    last = int(now // HOUR_SECONDS)
    numbers = range(last - HOURS + 1, last + 1)
    tallies = await report.hours_by(_BY_MODEL, numbers)
    return [_Demand(plan, number, tally.rows) for number, tally in zip(numbers, tallies, strict=True)]


def _shown(
    plan: Plan, hours: Sequence[_Demand], look: PowerLook, events: Iterable[PowerEvent], now: float
) -> list[DemandHour]:
    changes = [Change(each.at, each.backend, each.before, each.after, each.units) for each in events]
    units = on_by_hour(changes, _present(plan, look), [hour.begin for hour in hours], now)
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
    """Units of each own backend that are on; of one that nobody switches there is one."""
    found = {}
    for name, backend in plan.policy.backends.items():
        if not plan.policy.zones[backend.zone].owned:
            continue
        kept = look.kept.get(name)
        on = kept is not None and kept.state.phase in (Phase.ON, Phase.DRAINING)
        found[name] = 1 if backend.power is None else kept.state.units if kept is not None and on else 0
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
        sentence=supposed(found.net * scale, setup.units, setup.usd_per_hour, query.volume),
        usd_per_hour=setup.usd_per_hour,
        volume=query.volume,
        units=setup.units,
        cloud_alone_usd=found.cloud_alone * scale,
        bought_usd=found.bought * scale,
        rent_usd=found.rent * scale,
        net_usd=found.net * scale,
        unit_hours=found.unit_hours * scale,
        tokens_per_day=sum(hour.tokens for hour in seen) * query.volume * 24 / len(seen),
    )
