"""A provider's figures beside ours, by the provider's days and its names of the models."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from router.core.money import nano_of
from router.core.values import Row
from router.ledger.reports.provider_export import FIGURES, Figures, Invoice
from router.ledger.reports.totals import Report, day_end, day_start, total

JUDGED = ("input", "cached", "output", "cost")
"""Requests are shown only: providers and gateways count failed ones differently."""

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_NO_FIGURES = Figures()

Sums = Mapping[tuple[str, str], Figures]
"""By day (YYYY-MM-DD) and model."""


class Tolerance(Struct, frozen=True):
    """A figure may differ by `percent` of the provider's, and money by `nano_usd` if that is more."""

    percent: float = 1.0
    nano_usd: int = nano_of(0.01)


class Line(Struct, frozen=True):
    day: str
    model: str
    theirs: Figures
    ours: Figures
    beyond: tuple[str, ...]
    """Measures that differ by more than the tolerance."""


class Reconciliation(Struct, frozen=True):
    form: str
    measures: tuple[str, ...]
    lines: list[Line]
    theirs: Figures
    ours: Figures
    estimated: int
    """Our requests whose tokens were estimated."""
    unsettled: int
    """Our requests that are charged as held."""


class Ours(Struct, frozen=True):
    """What the ledger has of some backends, by the provider's day and our name for the provider's model."""

    sums: Sums
    everything: Row


async def read_ours(
    report: Report, days: Iterable[str], timezone: ZoneInfo, name_of: Callable[[str, str], str | None]
) -> Ours:
    """Totals of hours that begin on these days of `timezone`.

    `name_of` takes our backend and model, and answers the provider's name, or None for what is not the provider's.
    Raises `LedgerUnavailable`.
    """
    sums: dict[tuple[str, str], Figures] = {}
    counted: list[Row] = []
    for day in days:
        for row in await rows_of(report, day, timezone):
            name = name_of(row.cell.backend, row.cell.model)
            if name is not None:
                counted.append(row)
                sums[day, name] = _plus(sums.get((day, name), _NO_FIGURES), _figures(row))
    return Ours(sums, total(counted))


async def rows_of(report: Report, day: str, timezone: ZoneInfo) -> list[Row]:
    """Totals of the hours that begin on a day of any time zone."""
    start, end = (math.ceil(at / 3600) for at in (day_start(day, timezone), day_end(day, timezone)))
    return await report.hours(range(start, end))


def reconcile(invoice: Invoice, ours: Ours, tolerance: Tolerance, days: Sequence[str]) -> Reconciliation:
    """Compares these days. Where the provider names no models at all, each day is compared as a whole."""
    mine = ours.sums
    if not any(model for _, model in invoice.lines):
        mine = _renamed(mine, lambda model: "")
    names = match_models({model for _, model in invoice.lines}, {model for _, model in mine})
    theirs = _renamed({place: f for place, f in invoice.lines.items() if place[0] in set(days)}, names.__getitem__)
    lines = []
    for place in sorted({*theirs, *(place for place, figures in mine.items() if figures != _NO_FIGURES)}):
        a, b = theirs.get(place, _NO_FIGURES), mine.get(place, _NO_FIGURES)
        lines.append(Line(*place, a, b, beyond(a, b, invoice.measures, tolerance)))
    return Reconciliation(
        form=invoice.form,
        measures=invoice.measures,
        lines=lines,
        theirs=_sum(line.theirs for line in lines),
        ours=_sum(line.ours for line in lines),
        estimated=ours.everything.estimated,
        unsettled=ours.everything.unsettled,
    )


def beyond(theirs: Figures, ours: Figures, measures: Iterable[str], tolerance: Tolerance) -> tuple[str, ...]:
    """Measures that differ by more than the tolerance."""
    found = []
    for measure in measures:
        a, b = getattr(theirs, measure), getattr(ours, measure)
        allowed = max(abs(a) * tolerance.percent / 100, tolerance.nano_usd if measure == "cost" else 0)
        if measure in JUDGED and abs(a - b) > allowed:
            found.append(measure)
    return tuple(found)


def match_models(theirs: Iterable[str], ours: Iterable[str]) -> Mapping[str, str]:
    """Their name -> ours for the same model; their own where we have none, or more than one that could be meant.

    The same name first; then the same without a provider before it and a date after it, so that
    "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5" and "Claude Haiku 4.5" are one model.
    """
    mine = sorted(ours)
    by_plain: dict[str, list[str]] = defaultdict(list)
    for name in mine:
        by_plain[plain_name(name)].append(name)
    return {name: name if name in mine else _only(by_plain[plain_name(name)], name) for name in theirs}


def plain_name(model: str) -> str:
    name = re.sub(r"[\s._]+", "-", model.rpartition("/")[2].strip().lower())
    return _DATED.sub("", name)


def _only(candidates: Sequence[str], name: str) -> str:
    """Of several, the one without a date."""
    undated = [c for c in candidates if not _DATED.search(c)]
    found = candidates if len(candidates) == 1 else undated
    return found[0] if len(found) == 1 else name


def _renamed(sums: Sums, rename: Callable[[str], str]) -> Sums:
    renamed: dict[tuple[str, str], Figures] = {}
    for (day, model), figures in sums.items():
        place = day, rename(model)
        renamed[place] = _plus(renamed.get(place, _NO_FIGURES), figures)
    return renamed


def _figures(row: Row) -> Figures:
    return Figures(*(getattr(row, measure) for measure in FIGURES))


def _plus(a: Figures, b: Figures) -> Figures:
    return Figures(*(x + y for x, y in zip(*map(msgspec.structs.astuple, (a, b)), strict=True)))


def _sum(many: Iterable[Figures]) -> Figures:
    everything = _NO_FIGURES
    for figures in many:
        everything = _plus(everything, figures)
    return everything
