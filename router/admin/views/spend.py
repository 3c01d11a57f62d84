"""What was spent, on what, and what the other side would have charged."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from msgspec.structs import replace

from router.admin.answers.spend import Choices, CouldNotLeave, Figures, Lines, Point, Spend, SpendRow
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest, Who
from router.admin.ledger_session import HOUR_SECONDS, Days, begin_of, days_back, timezone_of
from router.admin.request_types import GlanceQuery, SpendQuery
from router.admin.views.breakeven import line_to_draw
from router.admin.views.months import forecast_of, months_of
from router.admin.views.own_spend import own_choices, own_query
from router.config.problems import listing, suggest
from router.core.cost.net import Account, Groups, net_of
from router.core.cost.volume import day_of
from router.core.money import MICRO_PER_USD, micro_usd
from router.core.values import Plan, Row
from router.ledger.reports.account import add_up, owned_zones, read_account
from router.ledger.reports.by_record import NAME, RecordSums, by_record
from router.ledger.reports.month_groups import read_groups
from router.ledger.reports.totals import day_range, day_start
from router.ledger.reports.totals_by_dimension import Dimension, Look, all_names, is_dimension
from router.ledger.stored_key import StoredKey

HOURLY_DAYS = 3
MOST_DAYS = 400
_SUMMED = Row.__struct_fields__[1:]
_MICRO_USD = "_micro_usd"
_MONEY = ("cost", "counterfactual", "cloud_value", "captive_cost")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets would compute; names come from outside."""


async def spend(control: HandlerContext, ask: HandlerRequest) -> Spend | web.Response:
    """Raises ApiError for a range that cannot be read."""
    query = own_query(ask.query, ask.asker)
    answer = await spend_of(control, query, ask.asker)
    if query.format == "csv":
        name = f"breakeven-{query.by}-{answer.first}-{answer.last}.csv"
        return web.Response(
            text=await control.aside.run(partial(as_csv, answer)),
            content_type="text/csv",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )
    return answer


async def spend_of(control: HandlerContext, query: SpendQuery, who: Who | None = None) -> Spend:
    """As `who` sees it; without one everything."""
    teams = None if who is None else who.teams
    plan, now, look = control.desk.plan, control.clock(), look_of(query, who, query.by)
    records_by = by_record(query.by)
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        today = day_of(now, timezone)
        days = days_asked(query, Days(today, today, timezone))
        names = day_range(days.first, days.last)
        hourly = len(names) <= HOURLY_DAYS
        owned = await owned_zones(report, plan.policy)
        by_backend = replace(look, by=("backend",))
        await add_up(report, names, [by_backend] if records_by is not None else [by_backend, look], today)
        account, daily = await read_account(report, names, by_backend, today, owned)
        recorded, since = None, day_start(days.first, timezone)
        if records_by is not None:
            # The records first: what comes meanwhile is in the totals then, as what has no record any more is.
            sums = RecordSums(records_by, names, timezone)
            sums = await control.aside.run(partial(control.sources.records.add_up, sums, query, since))
            report.look_anew()
            account, _ = await read_account(report, names, by_backend, today, owned)
            recorded = sums.of(account, sums.since)
            groups = recorded.account.groups()
        else:
            groups = await read_groups(report, look, today, account, control.books.past)
        hours = days.hours(now) if hourly else []
        by_hour = await report.hours_by(replace(look, by=("backend",), names=False), hours, int(now // HOUR_SECONDS))
        lines = await line_to_draw(plan, report, now) if teams is None else Lines()
        stored = await report.stored_keys()
        is_month = query.range == "month" and query.first is None
        months = await months_of(report, look, Days(today, today, timezone), owned) if is_month else None
    points = [
        _point(begin_of(day, timezone), days, rows, owned, net.rent)
        for day, rows, net in zip(names, account.fewest, account.daily(), strict=True)
    ]
    if hourly:
        points = [_point(n * HOUR_SECONDS, days, tally.rows, owned) for n, tally in zip(hours, by_hour, strict=True)]
    choices = choices_of(plan, all_names(daily), stored) if teams is None else own_choices(plan, stored, teams)
    return Spend(
        first=days.first,
        last=days.last,
        timezone=timezone.key,
        by=query.by,
        total=figures_of([row for rows in account.fewest for row in rows], owned, account.total().rent),
        rent_unused_micro_usd=micro_usd(account.unused()) if account.complete else None,
        could_not_leave=could_not_leave(account),
        rows=rows_by(query.by if recorded is None else NAME, groups, owned),
        step="hour" if hourly else "day",
        series=points,
        teams=sorted(set(query.team)),
        lines=lines,
        forecast=None if months is None else forecast_of(months, now),
        choices=choices,
        unknown=_unknown(query, choices),
        dimensions=list(plan.policy.ledger.dimensions),
        notes=[] if recorded is None else recorded.notes(timezone),
    )


def days_asked(query: SpendQuery, today: Days) -> Days:
    """Raises ApiError."""
    if query.first is None:
        if query.last is not None:
            raise ApiError(400, "bad_range", "`to` needs a `from`")
        back = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "month": date.fromisoformat(today.last).day}[query.range]
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


def _wanted(query: GlanceQuery) -> dict[Dimension, frozenset[str]]:
    one: dict[Dimension, str | None] = {
        "backend": query.backend,
        "zone": query.zone,
        "model": query.model,
        "key": query.key,
    }
    wanted = {name: frozenset({value}) for name, value in one.items() if value is not None}
    return {**wanted, "team": frozenset(query.team)} if query.team else wanted


def _unknown(query: SpendQuery, choices: Choices) -> list[str]:
    known = {
        "backend": choices.backends,
        "zone": choices.zones,
        "model": choices.models,
        "team": choices.teams,
        "key": choices.keys,
    }
    return [
        f'no policy, no stored key and nothing that was counted in these days has the {dimension} "{name}"'
        f"{suggest(name, known[dimension])} there are: {listing(known[dimension])}"
        for dimension, names in _wanted(query).items()
        for name in sorted(names)
        if name not in known[dimension]
    ]


def look_of(query: GlanceQuery, who: Who | None = None, by: str = "backend") -> Look:
    """Of who sees some teams only, some of these apart from all others, whose names they are not told."""
    dimensions: tuple[Dimension, ...] = (by,) if is_dimension(by) else ("backend",)
    own = who is not None and who.teams is not None
    return Look(dimensions, _wanted(query), names=not own, apart=own)


def figures_of(rows: Sequence[Row], owned: frozenset[str], rent: int = 0) -> Figures:
    """All of them together, with `rent` in nano-USD as theirs."""
    _, *columns = zip(*map(msgspec.structs.astuple, rows), strict=True) if rows else ((),) * (1 + len(_SUMMED))
    sums: dict[str, Any] = dict(zip(_SUMMED, map(sum, columns), strict=True))
    local = sum(row.input + row.output for row in rows if row.cell.zone in owned)
    sums |= {f"{name}_micro_usd": micro_usd(sums.pop(name)) for name in _MONEY}
    net = net_of(rows, owned, rent)
    return Figures(
        **sums,
        local_tokens=local,
        cloud_tokens=sums["input"] + sums["output"] - local,
        cloud_alone_micro_usd=_micro(net.cloud_alone),
        bought_micro_usd=micro_usd(net.bought),
        not_bought_micro_usd=_micro(net.not_bought),
        rent_micro_usd=micro_usd(net.rent),
        net_micro_usd=_micro(net.net),
    )


def _micro(nano: int | None) -> float | None:
    return None if nano is None else micro_usd(nano)


def rows_by(by: str, groups: Groups, owned: frozenset[str]) -> list[SpendRow]:
    """Dearest first, each with its share of the rent in which units worked."""

    def group_of(row: Row) -> str:
        return "\n".join((getattr(row.cell, by), row.cell.zone if by in ("backend", "zone") else ""))

    made = []
    for group, (rows, rent) in groups.by(group_of).items():
        name, _, zone = group.rpartition("\n")
        figures = msgspec.structs.asdict(figures_of(rows, owned, rent))
        made.append(SpendRow(name=name, zone=zone, local=zone in owned, **figures))
    return sorted(made, key=lambda row: (-row.cost_micro_usd, -(row.cloud_alone_micro_usd or 0), row.name))


def could_not_leave(account: Account) -> CouldNotLeave:
    captive = account.captive()
    return CouldNotLeave(
        requests=captive.requests,
        tokens=captive.tokens,
        cost_micro_usd=micro_usd(captive.cost),
        rent_micro_usd=micro_usd(captive.rent),
    )


def _point(at: float, days: Days, rows: Sequence[Row], owned: frozenset[str], rent: int | None = None) -> Point:
    figures = figures_of(rows, owned)
    names = [name for name in Point.__struct_fields__ if name not in ("at", "day", "rent_micro_usd")]
    return Point(
        at=at,
        day=day_of(at, days.timezone),
        rent_micro_usd=_micro(rent),
        **{name: getattr(figures, name) for name in names},
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
    """The rows, with a header; a name that a spreadsheet would compute gets an apostrophe. Money stands there exactly,
    in micro-USD, and in USD."""
    columns = ["name", "zone", *Figures.__struct_fields__]
    money = [column for column in columns if column.endswith(_MICRO_USD)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([answer.by, *columns[1:], *(column.removesuffix(_MICRO_USD) + "_usd" for column in money)])
    for row in answer.rows:
        exact = [_harmless(getattr(row, column)) for column in columns]
        writer.writerow([*exact, *(_usd(getattr(row, column)) for column in money)])
    return text.getvalue()


def _usd(micro_usd: float | None) -> str:
    """Empty where there is no price."""
    return "" if micro_usd is None else f"{micro_usd / MICRO_PER_USD:.9f}"


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
