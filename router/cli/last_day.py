"""What a ledger saw in the last 24 hours, for commands that say more where there is one; none is started for it."""

from __future__ import annotations

import argparse
import asyncio
import time

from router.cli.ledger_server import running_ledger
from router.core.cost.passed_by import PassedBy, sent_past
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import open_report

_HOUR = 3600


def last_day(args: argparse.Namespace, plan: Plan) -> PassedBy | None:
    """By the ledger that `ledger_server.add_arguments` names; None where none runs, or it saw nothing of the plan."""
    url = running_ledger(args)
    try:
        return None if url is None else asyncio.run(_read(url, plan))
    except LedgerUnavailable:
        return None


async def _read(url: str, plan: Plan) -> PassedBy | None:
    hour = int(time.time() // _HOUR)
    async with open_report(url) as report:
        rows = await report.hours(range(hour - 23, hour + 1))
    known = any(row.cell.model in plan.models and row.cell.backend in plan.policy.backends for row in rows)
    return sent_past(plan, rows) if known else None
