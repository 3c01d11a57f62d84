"""What the API says of whether own GPUs are worth it."""

from __future__ import annotations

from msgspec import Struct

from router.admin.answers.spend import CouldNotLeave


class WorthPeriod(Struct, frozen=True, kw_only=True):
    """Some days: net = cloud alone - bought - rent, in micro-USD."""

    first: str
    last: str
    requests: int
    cloud_alone_micro_usd: float | None
    """What the cloud alone would have charged for what could have gone there; None where there is no cloud price."""
    bought_micro_usd: float
    """What it did charge, and the variable cost of own backends."""
    not_bought_micro_usd: float | None
    """The difference."""
    rent_micro_usd: float
    rent_busy_micro_usd: float
    """The part of it for time in which requests ran."""
    rent_idle_micro_usd: float
    """The rest of it: idle, starting, stopping, and what billing steps round up."""
    net_micro_usd: float | None
    """Above zero it was saved, below it lost."""
    sentence: str


class NetForecast(Struct, frozen=True, kw_only=True):
    """Of this month's net, to its last day."""

    day: str
    likely_micro_usd: float
    low_micro_usd: float | None
    """Nine times in ten it ends above this; None where there is too little to tell."""
    high_micro_usd: float | None


class DemandHour(Struct, frozen=True, kw_only=True):
    at: float
    """When it begins."""
    tokens: int
    """That both sides could have served, whoever did."""
    local_tokens: int
    cloud_usd: float
    """What the cloud charged, or would have charged, for them."""
    units_on: float
    """Units that were on, as a mean over the hour; where nobody switches them while a gateway ran."""


class UnitSwitch(Struct, frozen=True, kw_only=True):
    at: float
    backend: str
    units: int
    """That there were to be."""
    before: str
    after: str
    """Phases."""
    reason: str
    explanation: str
    who: str


class Supposed(Struct, frozen=True, kw_only=True):
    """A month of 30 days with the last week's traffic, under some terms; money in USD."""

    sentence: str
    usd_per_hour: float
    """Rent of one unit."""
    volume: float
    units: int
    cloud_alone_usd: float
    bought_usd: float
    rent_usd: float
    net_usd: float
    unit_hours: float
    tokens_per_day: float
    """That both sides could have served, as a mean over the hours that it is computed from."""
    from_hours: int
    """Hours with traffic that all this is computed from: those of the last week since the first one."""
    extrapolated_day: bool
    """They are fewer than a day has: nobody has seen a whole day yet, and even `tokens_per_day` is extrapolated."""


class WorthAnswer(Struct, frozen=True, kw_only=True):
    sentence: str
    """The answer in words."""
    past_gpu: str
    """What it costs to send tokens to the cloud past a GPU whose rent runs; empty where that is not done."""
    timezone: str
    this_month: WorthPeriod
    last_month: WorthPeriod | None
    """None where nothing was used."""
    forecast: NetForecast | None
    """None before a day with traffic is over."""
    could_not_leave: CouldNotLeave
    """This month."""
    hours: list[DemandHour]
    """The last seven days."""
    switches: list[UnitSwitch]
    """In these days, the latest first."""
    now: Supposed
    """Under the terms in force: where the sliders begin."""
