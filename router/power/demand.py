"""What the ledger has counted lately by hour and by model, of which `core.power.demand` makes the demand."""

from __future__ import annotations

from router.core.power.demand import NOTHING, Figures, Totals, plus
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look

HOUR_SECONDS = 3600
LONGEST_SECONDS = 6 * HOUR_SECONDS
"""What was longer ago is not looked for: it would count for nothing."""


def hours_to_look_at(since: float, now: float) -> list[int]:
    """Hours since the epoch, the one before the present at least."""
    first = max(since, now - LONGEST_SECONDS) if since else now
    return list(range(int(min(first, now) // HOUR_SECONDS) - 1, int(now // HOUR_SECONDS) + 1))


async def read_totals(report: Report, hours: list[int]) -> dict[int, Totals]:
    """Of these hours, the present one last. Raises `LedgerUnavailable`."""
    tallies = await report.hours_by(Look(("model",), names=False), hours, hours[-1])
    found: dict[int, Totals] = {}
    for hour, tally in zip(hours, tallies, strict=True):
        models: dict[str, Figures] = {}
        for row in tally.rows:
            more = (row.eligible_tokens, row.cloud_value, row.captive)
            models[row.cell.model] = plus(models.get(row.cell.model, NOTHING), more)
        found[hour] = models
    return found
