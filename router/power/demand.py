"""What own units could have served lately, from what the ledger has counted, whoever served it.

The ledger counts by hour and by model. What was added to two hours since somebody looked is the demand of that time: a
request counts in the hour in which it arrived, and is added when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from router.core.money import NANO_PER_USD
from router.core.power.savings import Slot
from router.core.power.terms import PowerTerms
from router.ledger.power import KeptUnits
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Look

HOUR_SECONDS = 3600
LONGEST_SECONDS = 6 * HOUR_SECONDS
"""What was longer ago is not looked for: it would count for nothing."""

Totals = Mapping[str, tuple[int, int, int]]
"""By model: eligible tokens, nano-USD that the cloud charges for them, and requests that may not leave."""
NOTHING = (0, 0, 0)


class Demand(Struct, frozen=True):
    slot: Slot | None
    """None before there is a time to speak of."""
    captive: int
    """Requests that came and may not leave."""
    counted: dict[int, tuple[int, int, int]]
    """What the next look begins with."""


def hours_to_look_at(since: float, now: float) -> list[int]:
    """Hours since the epoch, the one before the present at least."""
    first = max(since, now - LONGEST_SECONDS) if since else now
    return list(range(int(min(first, now) // HOUR_SECONDS) - 1, int(now // HOUR_SECONDS) + 1))


async def read_totals(report: Report, hours: list[int]) -> dict[int, Totals]:
    """Raises `LedgerUnavailable`."""
    tallies = await report.hours_by(Look(("model",)), hours)
    found: dict[int, Totals] = {}
    for hour, tally in zip(hours, tallies, strict=True):
        models: dict[str, tuple[int, int, int]] = {}
        for row in tally.rows:
            more = (row.eligible_tokens, row.cloud_value, row.captive)
            models[row.cell.model] = _plus(models.get(row.cell.model, NOTHING), more)
        found[hour] = models
    return found


def demand_of(
    kept: KeptUnits, totals: Mapping[int, Totals], models: Iterable[str], seconds: float, share: float = 1.0
) -> Demand:
    """Of the backend that serves these models, in the `seconds` since it was counted last; none when it never was.
    `share` is what others leave to it, see `share_left`."""
    names = set(models)
    counted = {hour: _sum(each for name, each in found.items() if name in names) for hour, found in totals.items()}
    if not kept.counted_at or seconds <= 0:
        return Demand(None, 0, counted)
    more = _sum(_more(each, kept.counted.get(hour, NOTHING)) for hour, each in counted.items())
    return Demand(Slot(round(share * more[0]), share * more[1] / NANO_PER_USD, seconds), more[2], counted)


def share_left(totals: Mapping[int, Totals], models: Iterable[str], left: Mapping[str, float]) -> float:
    """Share of these models' tokens that is left to a backend by those that come before it; `left` is that share by
    model. Two backends that serve one model must not both be started for the same tokens."""
    tokens = {name: sum(found.get(name, NOTHING)[0] for found in totals.values()) for name in models}
    seen = sum(tokens.values())
    return sum(each * left.get(name, 1.0) for name, each in tokens.items()) / seen if seen else 1.0


def left_by(slot: Slot, terms: PowerTerms) -> float:
    """Share of a backend's demand that all of its units together cannot serve."""
    if terms.tokens_per_second is None or not slot.tokens:
        return 0.0
    return max(0.0, 1.0 - terms.units * terms.tokens_per_second * slot.seconds / slot.tokens)


def _more(now: tuple[int, int, int], before: tuple[int, int, int]) -> tuple[int, int, int]:
    """Books that were lost begin anew, with less than before."""
    return (max(0, now[0] - before[0]), max(0, now[1] - before[1]), max(0, now[2] - before[2]))


def _plus(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def _sum(each: Iterable[tuple[int, int, int]]) -> tuple[int, int, int]:
    total = NOTHING
    for one in each:
        total = _plus(total, one)
    return total
