"""What the API says of spend: totals, rows, a series over days, and what can be chosen."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Figures(Struct, frozen=True, kw_only=True):
    """Totals of the ledger."""

    requests: int = 0
    errors: int = 0
    input: int = 0
    """All input tokens, the cached ones included."""
    cached: int = 0
    output: int = 0
    cost_micro_usd: float = 0
    """What it cost; for own backends their variable cost, without rent."""
    counterfactual_micro_usd: float = 0
    """What the other side would have charged."""
    estimated: int = 0
    """Requests whose tokens were estimated."""
    unsettled: int = 0
    """Requests charged as held because nobody settled them."""
    unheld: int = 0
    """Requests that went on without a hold, because the ledger was lost."""
    eligible_tokens: int = 0
    """Of requests that both sides could have served."""
    cloud_value_micro_usd: float = 0
    """What the cloud charged or would have charged for these."""
    captive: int = 0
    """Requests that could not leave."""
    captive_tokens: int = 0
    captive_cost_micro_usd: float = 0
    """The part of the cost that is theirs."""
    local_tokens: int = 0
    """Input and output in zones that are owned."""
    cloud_tokens: int = 0
    cloud_alone_micro_usd: float | None = 0
    """What the cloud would have charged for all that could have gone there; None without a cloud price to compare."""
    bought_micro_usd: float = 0
    """What was paid by the token for this, in the cloud and as variable cost."""
    not_bought_micro_usd: float | None = 0
    """Cloud alone minus bought."""
    rent_micro_usd: float = 0
    """Of own backends: in a total all of it, else the share of the time in which they worked."""
    net_micro_usd: float | None = 0
    """Cloud alone minus bought minus rent: above zero it was saved, below it lost."""


class CouldNotLeave(Struct, frozen=True, kw_only=True):
    """Requests that only own backends may serve; they are no part of what is saved or lost."""

    requests: int
    tokens: int
    cost_micro_usd: float
    """Variable cost of serving them."""
    rent_micro_usd: float
    """Their share of the rent, by tokens."""


class SpendRow(Figures, frozen=True, kw_only=True):
    name: str
    zone: str = ""
    """Of a backend."""
    local: bool = False
    """Of a backend or zone: whether it is owned."""


class Point(Struct, frozen=True, kw_only=True):
    """One hour or day of the series; those without traffic are there too, with zeros."""

    at: float
    """When it begins."""
    day: str
    local_tokens: int = 0
    cloud_tokens: int = 0
    requests: int = 0
    cost_micro_usd: float = 0
    counterfactual_micro_usd: float = 0
    cloud_alone_micro_usd: float | None = 0
    rent_micro_usd: float | None = None
    """None for an hour: rent is counted by day."""


class Forecast(Struct, frozen=True, kw_only=True):
    """Of this month, to its last day, as its days and those before it go, from the first one with traffic on."""

    day: str
    """The month's last."""
    bought_micro_usd: float
    rent_micro_usd: float
    cloud_alone_micro_usd: float | None
    net_micro_usd: float | None
    net_low_micro_usd: float | None
    """Nine times in ten it ends above this; None where there is too little to tell."""
    net_high_micro_usd: float | None


class Spend(Struct, frozen=True, kw_only=True):
    first: str
    last: str
    timezone: str
    by: str
    teams: list[str] = []
    """Whose alone it is; empty for all."""
    total: Figures
    rent_unused_micro_usd: float | None
    """The part of the rent in which units did not work: it has no team. None for a filtered view."""
    could_not_leave: CouldNotLeave
    rows: list[SpendRow]
    """Dearest first."""
    step: Literal["hour", "day"]
    series: list[Point]
    lines: Lines
    forecast: Forecast | None = None
    """For a range that is this month so far."""
    choices: Choices
    unknown: list[str]
    """A sentence for each name that was asked for and that is none of the choices: it may be misspelt."""
    dimensions: list[str] = []
    """What spend can be told apart by besides, since the policy has records keep it."""
    notes: list[str] = []
    """How far the rows tell what they are by, where they are counted from the request records."""


class Lines(Struct, frozen=True, kw_only=True):
    """To draw into the series, in tokens a day; None where there is none."""

    threshold_tokens_per_day: int | None = None
    """Where the policy's strategy is `threshold`."""
    break_even_tokens_per_day: float | None = None
    capacity_tokens_per_day: float | None = None


class Choices(Struct, frozen=True, kw_only=True):
    """Names to choose filters from: those of the policy, of stored keys, and of what was counted in the range."""

    backends: list[str]
    zones: list[str]
    models: list[str]
    teams: list[str]
    keys: list[str]
