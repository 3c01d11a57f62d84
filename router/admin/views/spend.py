"""What was spent, on what, and what the other side would have charged."""

from __future__ import annotations

import calendar
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial

import msgspec
from aiohttp import web

from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import HOUR_SECONDS, Days, begin_of, days_back, timezone_of
from router.admin.request_types import By, SpendQuery
from router.admin.response_types import Choices, Figures, Forecast, Point, Spend, SpendRow
from router.admin.views.breakeven import line_to_draw
from router.core.cost.volume import day_of
from router.core.money import MICRO_PER_USD, micro_usd
from router.core.values import Plan, Row
from router.ledger.reports.totals import day_range
from router.ledger.reports.totals_by_dimension import Dimension, Look, Tally, all_names, open_from
from router.ledger.stored_keys import StoredKey

HOURLY_DAYS = 3
MOST_DAYS = 400
_DAY_SECONDS = 86_400
_FORMULA = "spent so far / share of the month that is over; the rent is that of all its days"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets would compute; names come from outside."""


async def spend(control: HandlerContext, ask: HandlerRequest) -> Spend | web.Response:
    """Raises ApiError for a range that cannot be read."""
    query: SpendQuery = ask.query
    answer = await spend_of(control, query)
    if query.format == "csv":
        name = f"breakeven-{query.by}-{answer.first}-{answer.last}.csv"
        return web.Response(
            text=await control.aside.run(partial(as_csv, answer)),
            content_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )
    return answer


async def spend_of(control: HandlerContext, query: SpendQuery) -> Spend:
    plan, now, look = control.desk.plan, control.clock(), look_of(query)
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        today = day_of(now, timezone)
        days = days_asked(query, Days(today, today, timezone))
        names = day_range(days.first, days.last)
        hourly = len(names) <= HOURLY_DAYS
        daily = await report.days_by(look, names, open_from(today))
        hours = days.hours(now) if hourly else []
        by_hour = await report.hours_by(look, hours)
        lines = await line_to_draw(plan, report, now)
        stored = await report.stored_keys()
    owned = owned_zones(plan)
    total = figures_of([row for tally in daily for row in tally.rows], owned)
    rent = None if filtered(query) else _rent(plan, days, names, daily, now)
    return Spend(
        first=days.first,
        last=days.last,
        timezone=timezone.key,
        by=query.by,
        total=total,
        rent_micro_usd=rent,
        net_saved_micro_usd=None if rent is None else total.avoided_micro_usd - rent,
        rows=rows_by(query.by, daily, owned),
        step="hour" if hourly else "day",
        series=(
            [_point(n * HOUR_SECONDS, days, tally, owned) for n, tally in zip(hours, by_hour, strict=True)]
            if hourly
            else [_point(begin_of(day, timezone), days, tally, owned) for day, tally in zip(names, daily, strict=True)]
        ),
        lines=lines,
        forecast=_forecast(plan, query, days, total, now) if query.range == "month" and query.first is None else None,
        choices=choices_of(plan, all_names(daily), stored),
    )


def days_asked(query: SpendQuery, today: Days) -> Days:
    """Raises ApiError."""
    if query.first is None:
        if query.last is not None:
            raise ApiError(400, "bad_range", "`to` needs a `from`")
        back = {"today": 1, "7d": 7, "30d": 30, "month": date.fromisoformat(today.last).day}[query.range]
        return Days(days_back(today.last, back), today.last, today.timezone)
    try:
        first, last = date.fromisoformat(query.first), date.fromisoformat(query.last or today.last)
    except ValueError:
        raise ApiError(400, "bad_range", "`from` and `to` are days such as 2026-11-20") from None
    if not first <= last:
        raise ApiError(400, "bad_range", "`from` must not be after `to`")
    if (last - first).days >= MOST_DAYS:
        raise ApiError(400, "bad_range", f"at most {MOST_DAYS} days can be asked for at once")
    return Days(first.isoformat(), last.isoformat(), today.timezone)


def filtered(query: SpendQuery) -> bool:
    return any(wanted is not None for wanted in _wanted(query).values())


def _wanted(query: SpendQuery) -> Mapping[By, str | None]:
    return {
        "backend": query.backend,
        "zone": query.zone,
        "model": query.model,
        "team": query.team,
        "key": query.key,
    }


def look_of(query: SpendQuery) -> Look:
    wanted: dict[Dimension, str] = {name: value for name, value in _wanted(query).items() if value is not None}
    return Look((query.by,), wanted)


def owned_zones(plan: Plan) -> frozenset[str]:
    """A zone that the policy does not name any more counts as the cloud."""
    return frozenset(name for name, zone in plan.policy.zones.items() if zone.owned)


def figures_of(rows: Iterable[Row], owned: frozenset[str]) -> Figures:
    """All of them together."""
    names = Row.__struct_fields__[1:]
    sums = dict.fromkeys(names, 0)
    local = cloud = cloud_only = 0
    for row in rows:
        for name in names:
            sums[name] += getattr(row, name)
        if row.cell.zone in owned:
            local += row.input + row.output
            cloud_only += row.counterfactual
        else:
            cloud += row.input + row.output
            cloud_only += row.cost
    cost, counterfactual = sums.pop("cost"), sums.pop("counterfactual")
    cloud_value, captive_cost = sums.pop("cloud_value"), sums.pop("captive_cost")
    return Figures(
        **sums,
        cost_micro_usd=micro_usd(cost),
        counterfactual_micro_usd=micro_usd(counterfactual),
        saved_micro_usd=micro_usd(counterfactual - cost),
        cloud_value_micro_usd=micro_usd(cloud_value),
        captive_cost_micro_usd=micro_usd(captive_cost),
        local_tokens=local,
        cloud_tokens=cloud,
        cloud_only_micro_usd=micro_usd(cloud_only),
        avoided_micro_usd=micro_usd(cloud_only - cost),
    )


def rows_by(by: By, tallies: Iterable[Tally], owned: frozenset[str]) -> list[SpendRow]:
    """Dearest first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for tally in tallies:
        for row in tally.rows:
            zone = row.cell.zone if by in ("backend", "zone") else ""
            groups.setdefault((getattr(row.cell, by), zone), []).append(row)
    made = [
        SpendRow(name=name, zone=zone, local=zone in owned, **msgspec.structs.asdict(figures_of(rows, owned)))
        for (name, zone), rows in groups.items()
    ]
    return sorted(made, key=lambda row: (-row.cost_micro_usd, -row.cloud_only_micro_usd, row.name))


def _point(at: float, days: Days, tally: Tally, owned: frozenset[str]) -> Point:
    figures = figures_of(tally.rows, owned)
    return Point(
        at=at,
        day=day_of(at, days.timezone),
        **{name: getattr(figures, name) for name in Point.__struct_fields__ if name not in ("at", "day")},
    )


def _rent(plan: Plan, days: Days, names: Sequence[str], daily: Sequence[Tally], now: float) -> int:
    """From the first day with traffic on, because nothing tells whether there was a GPU before it."""
    used = [name for name, tally in zip(names, daily, strict=True) if tally.rows]
    if not used:
        return 0
    seconds = min(now, days.end) - begin_of(used[0], days.timezone)
    return max(0, round(plan.gpu.fixed_usd_per_day * MICRO_PER_USD * seconds / _DAY_SECONDS))


def _forecast(plan: Plan, query: SpendQuery, days: Days, total: Figures, now: float) -> Forecast:
    first = date.fromisoformat(days.first)
    count = calendar.monthrange(first.year, first.month)[1]
    month = Days(days.first, first.replace(day=count).isoformat(), days.timezone)
    elapsed = (now - month.begin) / (month.end - month.begin)
    scale = 1 / max(elapsed, 1e-9)
    rent = plan.gpu.fixed_usd_per_day * MICRO_PER_USD * (month.end - month.begin) / _DAY_SECONDS
    return Forecast(
        day=month.last,
        elapsed=elapsed,
        cost_micro_usd=round(total.cost_micro_usd * scale),
        cloud_only_micro_usd=round(total.cloud_only_micro_usd * scale),
        net_saved_micro_usd=None if filtered(query) else round(total.avoided_micro_usd * scale - rent),
        formula=_FORMULA,
    )


def choices_of(plan: Plan, seen: Mapping[Dimension, Sequence[str]], stored: Iterable[StoredKey]) -> Choices:
    """Those of the policy first, then stored keys, then what was counted and is neither (any more)."""
    policy = plan.policy
    keys = [str(key.entry.get("name", "")) for key in stored]
    teams = [str(key.entry.get("team", "")) for key in stored]
    return Choices(
        backends=_once(policy.backends, seen["backend"]),
        zones=_once(policy.zones, seen["zone"]),
        models=_once(policy.models, seen["model"]),
        teams=_once(sorted({*policy.teams, *(key.team for key in policy.keys)}), teams, seen["team"]),
        keys=_once((key.name for key in policy.keys), keys, seen["key"]),
    )


def _once(*lists: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(name for names in lists for name in names) if name]


def as_csv(answer: Spend) -> str:
    """The rows, with a header; a name that a spreadsheet would compute gets an apostrophe."""
    columns = ["name", "zone", *Figures.__struct_fields__]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([answer.by, *columns[1:]])
    for row in answer.rows:
        writer.writerow([_harmless(getattr(row, column)) for column in columns])
    return text.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
