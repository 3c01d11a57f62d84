"""What the ledger has counted, as figures that only rise: Prometheus takes a fall for a restart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.core.cost.rent import RentRow
from router.core.cost.volume import day_before
from router.core.values import Row
from router.ledger.reports.totals import Report, day_range

LABELS = ("backend", "zone", "model", "team")
Group = tuple[str, ...]
Totals = dict[Group, dict[str, int]]
COUNTED: Mapping[str, tuple[str, str]] = {
    "requests": ("breakeven_requests", "Requests that were settled."),
    "errors": ("breakeven_errors", "Requests that failed."),
    "input": ("breakeven_input_tokens", "Input tokens, cached ones included."),
    "cached": ("breakeven_cached_tokens", "Input tokens read from a provider's cache."),
    "output": ("breakeven_output_tokens", "Output tokens."),
    "cost": ("breakeven_cost_micro_usd", "What it cost, without the rent of own GPUs."),
    "counterfactual": ("breakeven_counterfactual_micro_usd", "What the other side would have charged."),
    "estimated": ("breakeven_estimated_requests", "Requests whose tokens were estimated."),
    "unsettled": ("breakeven_unsettled_requests", "Requests charged as held because nobody settled them."),
    "eligible_tokens": ("breakeven_eligible_tokens", "Tokens of requests that both sides could have served."),
    "cloud_value": ("breakeven_cloud_value_micro_usd", "What the cloud charged or would have charged for these."),
    "captive": ("breakeven_captive_requests", "Requests that could not leave."),
    "captive_tokens": ("breakeven_captive_tokens", "Their tokens."),
    "captive_cost": ("breakeven_captive_cost_micro_usd", "The part of the cost that is theirs."),
}
_CORRECTED_DAYS = 3
"""After so many days a day's totals do not change any more."""


class RisingTotals:
    """Totals since the day of the first look, by label."""

    def __init__(self) -> None:
        self._closed: Totals = {}
        self._open_from = ""
        self._shown: Totals = {}

    async def read(self, report: Report, today: str) -> Totals:
        first = self._open_from or today
        days = day_range(min(first, today), today)
        totals = {day: _by_labels(rows) for day, rows in zip(days, await report.each_day(days), strict=True)}
        self._close(totals, today)
        return self._never_falling(_added([self._closed, *totals.values()]))

    def _close(self, totals: dict[str, Totals], today: str) -> None:
        oldest = today
        for _ in range(_CORRECTED_DAYS):
            oldest = day_before(oldest)
        done = [day for day in totals if day < oldest]
        self._closed = _added([self._closed, *(totals.pop(day) for day in done)])
        self._open_from = min(totals)

    def _never_falling(self, totals: Totals) -> Totals:
        for group, figures in totals.items():
            shown = self._shown.setdefault(group, figures)
            self._shown[group] = {name: max(value, shown[name]) for name, value in figures.items()}
        return self._shown


Rents = dict[tuple[str, str], tuple[int, int]]
"""Milliseconds and nano-USD by backend and state."""


class RisingRent:
    """Rent since the day of the first look. What is written of a day never becomes less."""

    def __init__(self) -> None:
        self._closed: Rents = {}
        self._open_from = ""

    async def read(self, report: Report, today: str) -> Rents:
        first = min(self._open_from or today, today)
        days = {day: await report.rent([day]) for day in day_range(first, today)}
        self._open_from = max(first, day_before(today))
        for day in [day for day in days if day < self._open_from]:
            self._closed = _rents(self._closed, days.pop(day))
        return _rents(self._closed, [row for rows in days.values() for row in rows])


def _rents(before: Rents, rows: Iterable[RentRow]) -> Rents:
    found = dict(before)
    for row in rows:
        milliseconds, nano = found.get((row.backend, row.state.value), (0, 0))
        found[row.backend, row.state.value] = milliseconds + row.milliseconds, nano + row.nano_usd
    return found


def _by_labels(rows: Iterable[Row]) -> Totals:
    return _added(
        {tuple(getattr(row.cell, label) for label in LABELS): {name: getattr(row, name) for name in COUNTED}}
        for row in rows
    )


def _added(all_totals: Iterable[Totals]) -> Totals:
    result: Totals = {}
    for totals in all_totals:
        for group, figures in totals.items():
            sums = result.setdefault(group, dict.fromkeys(COUNTED, 0))
            for name, value in figures.items():
                sums[name] += value
    return result
