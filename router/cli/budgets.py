"""`breakeven budgets`: how every limit stands: used, held, left, and when it starts anew."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from router.cli.ledger_server import add_arguments, ledger_url
from router.cli.served_policy import served_policy
from router.cli.table import table
from router.core.limits.limits import Limit
from router.core.limits.measures import BY_NAME
from router.core.limits.periods import Periods
from router.core.limits.standing import Standing
from router.core.money import usd_text
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.reports.limits import standings
from router.ledger.reports.totals import open_report

if TYPE_CHECKING:
    from router.core.values import Plan

_HEADINGS = ("limit", "amount", "used", "held", "left", "at risk", "turns")
_NO_POLICY = (
    "no gateway has served a policy here whose limits could be shown: name one with --policy or $BREAKEVEN_POLICY, or"
    " where a gateway serves one, with --data-dir"
)
_NONE = "No limits: neither the policy nor a stored team or key has a budget."


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "budgets", help="show how budgets stand", description="Shows what is used, held and left of every limit."
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        default=os.environ.get("BREAKEVEN_POLICY", ""),
        help="the policy whose limits to show; by default $BREAKEVEN_POLICY, or what was last served from --data-dir",
    )
    parser.add_argument("--json", action="store_true", help="print JSON; money in micro-USD")
    add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the table; 1 when there is nothing to read from, 2 for an argument that cannot be used."""
    from router.config.load import PolicyError, load

    served = None if args.policy else served_policy(args)
    if not args.policy and served is None:
        print(f"breakeven budgets: {_NO_POLICY}", file=sys.stderr)
        return 2
    try:
        plan = load(served or args.policy)
        with ledger_url(args) as url:
            found = asyncio.run(_read(url, plan))
    except PolicyError as error:
        print(error, file=sys.stderr)
        return 1
    except (LedgerUnavailable, EmbeddedServerError) as error:
        print(f"breakeven budgets: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"breakeven budgets: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(as_json(found))
        return 0
    print(as_table(found, ZoneInfo(plan.policy.cost.timezone)))
    if served is not None:
        print(f"\nBy the policy that was last served from {served.parent}.")
    return 0


async def _read(url: str, plan: Plan) -> list[Standing]:
    from router.config.stored_teams import limits_in_force

    policy, now = plan.policy, time.time()
    owned = frozenset(name for name, zone in policy.zones.items() if zone.owned)
    async with open_report(url) as report:
        keys = {each.sha256: each.entry for each in await report.stored_keys() if each.works(now)}
        teams = {each.name: each.budget for each in await report.stored_teams()}
        limits = limits_in_force(plan, keys, teams)
        return await standings(report, limits, owned, now, Periods(ZoneInfo(policy.cost.timezone)))


def as_json(found: Sequence[Standing]) -> str:
    rows = [
        {
            **msgspec.structs.asdict(each.limit),
            "amount": each.shown(each.limit.amount),
            "used": each.shown(each.used),
            "held": each.shown(each.held),
            "left": each.shown(each.left),
            "at_risk": each.shown(each.risk),
            "charged": each.shown(each.charged),
            "note": each.note,
            "warned": each.warned,
            "turns": each.turns,
        }
        for each in found
    ]
    return msgspec.json.format(msgspec.json.encode({"budgets": rows})).decode()


def as_table(found: Sequence[Standing], timezone: ZoneInfo) -> str:
    if not found:
        return _NONE
    lines = [_HEADINGS, *(_line(each, timezone) for each in found)]
    return "\n".join([*table(lines, 1), *_notes(found)])


def _line(standing: Standing, timezone: ZoneInfo) -> tuple[str, ...]:
    limit = standing.limit
    figures = (limit.amount, standing.used, standing.held, standing.left, standing.risk)
    turns = "" if standing.turns is None else f"{datetime.fromtimestamp(standing.turns, timezone):%Y-%m-%d %H:%M}"
    return (limit.name, *(_shown(limit, figure) for figure in figures), turns)


def _shown(limit: Limit, figure: int) -> str:
    return f"${usd_text(figure)}" if BY_NAME[limit.measure].basis == "money" else f"{figure:,}"


def _notes(found: Sequence[Standing]) -> list[str]:
    notes = [f"{each.limit.name}: {each.note}" for each in found if each.note]
    if warned := sum(each.warned for each in found):
        notes.append(f"{warned} of {len(found)} limits have reached their soft share: answers carry a warning.")
    return ["", *notes] if notes else []
