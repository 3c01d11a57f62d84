"""`breakeven usage`: what was used on some days, what it cost, and what own backends saved or lost."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from router.cli.day_range import add_days, parse_day, zone_of
from router.cli.last_day import last_day
from router.cli.ledger_server import add_arguments, ledger_url
from router.cli.served_policy import served_policy
from router.cli.table import table
from router.config.load import PolicyError, load
from router.core.cost.net import Account, Net
from router.core.cost.passed_by import past_gpu_sentence
from router.core.cost.rent import RentState
from router.core.cost.volume import day_of
from router.core.money import in_usd, usd_text
from router.core.values import Row
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.reports.account import owned_zones, read_account
from router.ledger.reports.by_record import BY_RECORD, NAME, ByRecord, RecordSums, by_record, first_kept
from router.ledger.reports.record_reader import Filter, open_records
from router.ledger.reports.totals import day_range, day_start, group, open_report, total
from router.ledger.reports.totals_by_dimension import Dimension, Look

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_HEADINGS = (
    *("requests", "errors", "input", "cached", "output"),
    *("bought USD", "cloud alone USD", "rent USD", "net USD"),
)
DIMENSIONS: tuple[Dimension, ...] = ("backend", "zone", "model", "team", "key")
_BY = ", ".join((*DIMENSIONS, *BY_RECORD)) + ", or what the policy has records keep, such as metadata.project"
_NO_PRICE = "-"
NO_CLOUD_PRICE = "no cloud price to compare"


class UsageReport(msgspec.Struct, frozen=True):
    """Some days, by one dimension."""

    timezone: str
    by: Dimension
    account: Account
    recorded: ByRecord | None = None
    """Its rows are shown, where there is one."""

    @property
    def names(self) -> str:
        """What the names of its rows are."""
        return self.by if self.recorded is None else self.recorded.by.name

    @property
    def days(self) -> str:
        first, last = self.account.days[0], self.account.days[-1]
        return first if first == last else f"{first} to {last}"

    @property
    def everything(self) -> list[Row]:
        return [row for day in self.account.rows for row in day]

    @property
    def rows(self) -> list[tuple[str, Row, Net]]:
        """Each name with what it used and what that came to."""
        account = self.account if self.recorded is None else self.recorded.account
        by = self.by
        nets = account.by(lambda row: str(getattr(row.cell, by)))
        rows = group((row for day in account.rows for row in day), by)
        return [(name := str(getattr(row.cell, by)), row, nets[name]) for row in rows]


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "usage", help="what was used on some days, what it cost, and what own GPUs saved", description=__doc__
    )
    parser.add_argument("--day", metavar="DAY", help="YYYY-MM-DD, today (the default) or yesterday")
    add_days(parser)
    parser.add_argument("--by", default="backend", type=_dimension, metavar="DIMENSION", help=_BY)
    parser.add_argument("--json", action="store_true", help="print JSON; money in USD")
    add_arguments(parser)
    parser.add_argument(
        "--policy", metavar="FILE", help="says what goes past a GPU; by default what was last served from --data-dir"
    )
    parser.add_argument("--timezone", metavar="TZ", help="where today begins; by default as the ledger counts days")
    parser.set_defaults(run=run)


def _dimension(name: str) -> str:
    if name in DIMENSIONS or by_record(name) is not None:
        return name
    raise argparse.ArgumentTypeError(f'there is no "{name}": it is {_BY}')


def run(args: argparse.Namespace) -> int:
    """Prints the report; 1 when there is nothing to read from, 2 for an argument that cannot be used."""
    try:
        with ledger_url(args) as url:
            report = asyncio.run(_read(url, args))
            note = _past_gpu(args)
    except (LedgerUnavailable, EmbeddedServerError) as error:
        print(f"breakeven usage: {error}", file=sys.stderr)
        return 1
    except (ValueError, LookupError) as error:
        print(f"breakeven usage: {error}", file=sys.stderr)
        return 2
    print(as_json(report, note) if args.json else as_table(report, note))
    return 0


def _past_gpu(args: argparse.Namespace) -> str:
    """What goes past a GPU whose rent runs, by the policy that is named, or was last served from the data directory.
    Raises ValueError for one that is named and cannot be used."""
    policy = args.policy or served_policy(args)
    if not policy:
        return ""
    try:
        plan = load(policy)
    except PolicyError as error:
        if args.policy:
            raise ValueError(str(error)) from None
        return ""
    seen = last_day(args, plan)
    return "" if seen is None else past_gpu_sentence(plan, seen)


async def _read(url: str, args: argparse.Namespace) -> UsageReport:
    async with open_report(url) as report:
        timezone = zone_of(args.timezone or await report.timezone() or "UTC")
        now = time.time()
        days, owned = _days(args, now, timezone), await owned_zones(report)
        today = day_of(now, timezone)
        dimension = by_record(args.by)
        if dimension is None:
            account, _ = await read_account(report, days, Look((args.by,)), today, owned)
            return UsageReport(timezone.key, args.by, account)
        # The records first: what comes meanwhile is in the totals then, as it is with what has no record any more.
        sums, wanted = RecordSums(dimension, days, timezone), Filter(since=day_start(days[0], timezone))
        async with open_records(url) as reader:
            first = await first_kept(reader)
            await sums.add_all(reader.records(wanted))
        account, _ = await read_account(report, days, Look(), today, owned)
        return UsageReport(timezone.key, NAME, account, sums.of(account, first))


def _days(args: argparse.Namespace, now: float, timezone: ZoneInfo) -> list[str]:
    """Raises ValueError."""
    if args.since is None and args.until is None:
        return [parse_day(args.day or "today", now, timezone)]
    if args.day is not None:
        raise ValueError("--day is one day: give --from and --to, or it, not both")
    last = parse_day(args.until or "today", now, timezone)
    first = parse_day(args.since or last, now, timezone)
    days = day_range(first, last)
    if not days and args.until is None:
        raise ValueError(f"{first}, given with --from, is after today, {last}")
    if not days:
        raise ValueError("the day given with --to is before the one given with --from")
    return days


def as_json(report: UsageReport, note: str = "") -> str:
    account, by = report.account, report.names
    rows = [{by: name, **_fields(row, net)} for name, row, net in report.rows]
    captive = account.captive()
    told = {
        "from": account.days[0],
        "to": account.days[-1],
        "timezone": report.timezone,
        "by": by,
        "rows": rows,
        "total": _fields(total(report.everything), account.total()),
        "rent_usd": {state.value: in_usd(nano) for state, nano in account.rent_by_state().items()},
        "rent_used_usd": in_usd(account.used()),
        "rent_unused_usd": in_usd(account.unused()),
        "could_not_leave": {
            "requests": captive.requests,
            "tokens": captive.tokens,
            "cost_usd": in_usd(captive.cost),
            "rent_usd": in_usd(captive.rent),
        },
        "note": note,
    }
    if (recorded := report.recorded) is not None:
        told |= {"records_since": recorded.since, "not_in_records": recorded.missing}
        told |= {"with_several_tags": recorded.several} if by == "tag" else {}
        told |= {"in_other": recorded.others} if recorded.others else {}
    return msgspec.json.format(msgspec.json.encode(told)).decode()


def as_table(report: UsageReport, note: str = "") -> str:
    """Names to the left, numbers to the right."""
    account = report.account
    lines: list[tuple[str, ...]] = [(report.names, *_HEADINGS)]
    lines += [(name, *_columns(row, net)) for name, row, net in report.rows]
    if unused := account.unused():
        rent = usd_text(unused)
        lines.append(("(not used)", *[""] * 7, rent, usd_text(-unused)))
    everything = total(report.everything)
    lines.append(("total", *_columns(everything, account.total())))
    found = table(lines, 1)
    found.insert(-1, "-" * len(found[0]))
    return "\n".join([f"Usage on {report.days} ({report.timezone})", "", *found, *_notes(report, everything, note)])


def _notes(report: UsageReport, everything: Row, note: str) -> list[str]:
    account = report.account
    recorded = report.recorded
    notes = [*([note] if note else []), *([] if recorded is None else recorded.notes(ZoneInfo(report.timezone)))]
    captive = account.captive()
    if account.total().cloud_alone is None:
        notes.append(f"There is {NO_CLOUD_PRICE}: own backends alone can serve what they served.")
    if captive.requests:
        notes.append(
            f"{captive.requests:,} requests with {captive.tokens:,} tokens could not leave: serving them cost"
            f" ${usd_text(captive.cost)} by the token, and ${usd_text(captive.rent)} is their share of the rent."
        )
    if assumed := account.rent_by_state().get(RentState.ASSUMED):
        notes.append(
            f"${usd_text(assumed)} of the rent is of units that may have been on: their driver could not tell."
        )
    if everything.estimated:
        notes.append(f"{everything.estimated} requests have estimated tokens: their backend reported none.")
    if everything.unsettled:
        notes.append(f"{everything.unsettled} requests are charged as held: nobody settled them.")
    if everything.unheld:
        notes.append(f"{everything.unheld} requests went on without a hold: the ledger was lost.")
    return ["", *notes] if notes else []


def _columns(row: Row, net: Net) -> tuple[str, ...]:
    counts = (row.requests, row.errors, row.input, row.cached, row.output)
    money = (net.bought, net.cloud_alone, net.rent, net.net)
    return (*(f"{n:,}" for n in counts), *(_NO_PRICE if nano is None else usd_text(nano) for nano in money))


def _fields(row: Row, net: Net) -> dict[str, Any]:
    return {
        "requests": row.requests,
        "errors": row.errors,
        "input": row.input,
        "cached": row.cached,
        "output": row.output,
        "cost_usd": in_usd(row.cost),
        "counterfactual_usd": in_usd(row.counterfactual),
        "cloud_alone_usd": _usd(net.cloud_alone),
        "bought_usd": in_usd(net.bought),
        "rent_usd": in_usd(net.rent),
        "net_usd": _usd(net.net),
        "eligible_tokens": row.eligible_tokens,
        "could_not_leave": row.captive,
        "estimated": row.estimated,
        "unsettled": row.unsettled,
        "unheld": row.unheld,
    }


def _usd(nano: int | None) -> float | None:
    return None if nano is None else in_usd(nano)
