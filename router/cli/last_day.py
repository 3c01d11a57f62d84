"""What a ledger saw in the last 24 hours, for commands that say more where there is one; none is started for it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

from router.cli.ledger_server import running_ledger
from router.core.cost.passed_by import PassedBy, sent_past
from router.core.values import Plan, Row
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import open_report

_HOUR = 3600


class BadAddress(ValueError):
    """What is given for the ledger is no address of one; the text says what would be."""


def last_day(args: argparse.Namespace, plan: Plan) -> PassedBy | None:
    """By the ledger that `ledger_server.add_arguments` names; None where none runs, or it saw nothing of the plan.

    Raises BadAddress.
    """
    return past_of(plan, rows_of_last_day(args))


def rows_of_last_day(args: argparse.Namespace) -> Sequence[Row]:
    """Of that ledger; empty where none runs. Raises BadAddress."""
    url = running_ledger(args)
    try:
        return () if url is None else asyncio.run(_read(url))
    except LedgerUnavailable:
        return ()
    except ValueError as error:
        raise BadAddress(str(error)) from None


async def _read(url: str) -> Sequence[Row]:
    hour = int(time.time() // _HOUR)
    async with open_report(url) as report:
        return await report.hours(range(hour - 23, hour + 1))


def past_of(plan: Plan, rows: Sequence[Row]) -> PassedBy | None:
    """None where they are of nothing that the plan has."""
    known = any(row.cell.model in plan.models and row.cell.backend in plan.policy.backends for row in rows)
    return sent_past(plan, rows) if known else None
