"""What limits measure: one table, of which everything else that knows measures is made.

    core/policy.py                a budget's settings, with what the documentation and the JSON Schema say of them
    core/limits/limits.py         limits of these settings, and what a refused client is told
    core/limits/amounts.py        how much a hold, and a settlement, is of each measure
    core/limits/standing.py       how limits stand, for the API, the dashboard and the command line
    ledger/scripts/prelude.py     the same amounts, in the ledger's scripts

A new measure goes to the table's end: holds that are kept know measures by their number, counters by their name. One
that is counted of each request, such as its images, is a line here and a field of `core.reading.Reading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Period = Literal["minute", "day", "month", ""]
"""What a limit starts anew with; "" for what runs at the same time, which never does."""
MeasureName = Literal["usd", "tokens", "requests", "concurrent"]
Basis = Literal["money", "tokens", "each", "counted"]
"""How much of it a request holds: the most it may cost, or use of tokens, both at its worst or as learned; one; or as
many as were counted in it."""

_NO_REQUEST = "That admits no request at all, so a retry does not help."
_ALONE = "The request alone may take more than the limit, so a retry does not help; a smaller {output_limit} may."


class Setting(NamedTuple):
    """A limit as a policy's budget sets it."""

    name: str
    period: Period
    meaning: str
    example: float


class Measure(NamedTuple):
    name: MeasureName
    basis: Basis
    settings: tuple[Setting, ...]
    unit: str
    """One of it, for people; money is shown in dollars."""
    totals: tuple[str, ...]
    """Columns of the ledger's totals (`Row`) whose sum is what was used: a limit of a day or a month that is new, or
    whose counter was lost, begins with it. Without any it begins with nothing used."""
    pace: Literal["requests", "tokens"]
    """What a client has to have less of, where a short wait helps."""
    too_large: str
    """What a client is told whose request can never be admitted; {output_limit} is its field for an answer's length."""
    counted: str = ""
    """The field of `Reading` that has the number, where the basis is "counted"."""

    @property
    def standing(self) -> bool:
        """Whether it is what runs at the same time: then it is held, and never used."""
        return all(setting.period == "" for setting in self.settings)


MEASURES: tuple[Measure, ...] = (
    Measure(
        "usd",
        "money",
        (
            Setting("usd_per_minute", "minute", "USD per minute.", 0.5),
            Setting("usd_per_day", "day", "USD per day of `cost.timezone`.", 10),
            Setting("usd_per_month", "month", "USD per calendar month of `cost.timezone`.", 200),
        ),
        unit="dollar",
        totals=("cost",),
        pace="tokens",
        too_large=_ALONE,
    ),
    Measure(
        "tokens",
        "tokens",
        (
            Setting("tokens_per_minute", "minute", "Input and output tokens per minute.", 100_000),
            Setting("tokens_per_day", "day", "Input and output tokens per day.", 2_000_000),
            Setting("tokens_per_month", "month", "Input and output tokens per month.", 40_000_000),
        ),
        unit="token",
        totals=("input", "output"),
        pace="tokens",
        too_large=_ALONE,
    ),
    Measure(
        "requests",
        "each",
        (
            Setting("requests_per_minute", "minute", "Requests per minute.", 600),
            Setting("requests_per_day", "day", "Requests per day.", 10_000),
        ),
        unit="request",
        totals=("requests",),
        pace="requests",
        too_large=_NO_REQUEST,
    ),
    Measure(
        "concurrent",
        "each",
        (Setting("concurrent_requests", "", "Requests that run at the same time.", 32),),
        unit="request",
        totals=(),
        pace="requests",
        too_large=_NO_REQUEST,
    ),
)
"""In the order of their numbers, which begin at 1."""

NUMBERS: Mapping[str, int] = {measure.name: number for number, measure in enumerate(MEASURES, 1)}
BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}
SETTINGS: Mapping[tuple[str, Period], str] = {
    (measure.name, setting.period): setting.name for measure in MEASURES for setting in measure.settings
}
"""A policy's name of a limit, by its measure and period."""
COUNTED: tuple[str, ...] = tuple([measure.counted for measure in MEASURES if measure.basis == "counted"])


def counted_in(reading: Any) -> tuple[int, ...]:
    """What is counted of one request, in the order of `COUNTED`."""
    return tuple([getattr(reading, field) for field in COUNTED])
