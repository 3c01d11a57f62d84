"""What a million tokens cost on rented cards, and from how many a day that is less than an API asks."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from router.core.cost.breakeven import break_even_at
from router.core.cost.preference import BreakEven
from router.core.values import GpuFigures

_SECONDS_PER_DAY = 86_400
_HOURS_PER_DAY = 24
_MILLION = 1e6


class Cost(Struct, frozen=True):
    """At one rent. USD."""

    per_hour: float
    """Of all cards."""
    full_load: float
    """Per million tokens at the most tokens a second: a million costs no less."""
    at_volume: float | None
    """Per million tokens at a volume, with as many cards as that needs at least; None where none was given."""
    cards_for_volume: int | None
    """That the volume needs at least: those that hold the model once, or so many times as many; None where none was
    given, or no number of cards serves it."""
    against: BreakEven | None
    """With an API's price; None where none was given."""


def cost(
    rent: float, cards: int, tokens_per_second: float, volume: float | None = None, api_price: float | None = None
) -> Cost:
    """`rent` in USD per hour and card, `volume` in tokens a day, `api_price` in USD per million tokens.

    full load = rent per hour / (tokens per second · 3600); at a volume, the day's rent of as many such sets of cards as
    can serve it at full load / the day's tokens, which is never less.
    """
    per_hour = rent * cards
    capacity = round(tokens_per_second * _SECONDS_PER_DAY)
    sets = ceil(volume / capacity) if volume and capacity else None
    gpu = GpuFigures(per_hour * _HOURS_PER_DAY, 0.0, capacity)
    return Cost(
        per_hour=per_hour,
        full_load=gpu.fixed_usd_per_day / capacity * _MILLION if capacity else float("inf"),
        at_volume=sets * gpu.fixed_usd_per_day / volume * _MILLION if sets and volume else None,
        cards_for_volume=sets * cards if sets else None,
        against=None if api_price is None else break_even_at(gpu, api_price),
    )
