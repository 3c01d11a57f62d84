"""What the API says of the break-even."""

from __future__ import annotations

from msgspec import Struct


class Share(Struct, frozen=True):
    input: float
    cached: float
    output: float


class Term(Struct, frozen=True):
    """One term of N* = F / (c - v)."""

    symbol: str
    name: str
    value: float | None
    unit: str


class BreakEvenAnswer(Struct, frozen=True, kw_only=True):
    sentence: str
    """The answer in words."""
    past_gpu: str
    """What it costs to send tokens to the cloud past a GPU whose rent runs; empty where that is not done."""
    fixed_usd_per_day: float
    cloud_usd_per_million: float | None
    """Blended over the mix; None when no model is served by both sides."""
    local_usd_per_million: float
    """Variable cost."""
    break_even_tokens_per_day: float | None
    """None when it never breaks even."""
    reachable: bool
    capacity_tokens_per_day: float | None
    """None when the policy does not say what the GPUs can serve."""
    load: float | None
    """The last 24 hours' eligible volume as a share of the capacity."""
    today_tokens: int
    """Eligible tokens since midnight: of models that both sides serve."""
    trailing_tokens: int
    """Eligible tokens of the last 24 hours."""
    window: str
    window_tokens: int
    """What the policy's strategy looks at."""
    mix: Share
    mix_is_assumed: bool
    price_is_assumed: bool
    """There is too little traffic to tell its own price: the cheapest cloud route's counts, for this mix."""
    """True while there is too little traffic to tell; the policy's mix is used."""
    gpu_usd_per_day: float
    """At the last 24 hours' volume: rent and variable cost."""
    cloud_usd_per_day: float | None
    """The same volume, bought."""
    strategy: str
    threshold_tokens_per_day: int | None
    band: str | None
    """Where the volume lies: above, hysteresis or below; None where the strategy does not look at it."""
    formula: str
    terms: list[Term]
