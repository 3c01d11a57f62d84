"""What was booked of an answer that goes on in the background, until it is known what it took.

A backend answers at once, and works on: what the request may take at most is booked as an estimate. Who asks later for
what is kept there sees what it took; then the one is taken back, and the other is booked at the prices of the time when
it was asked for.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.core.cost.pricing import STANDARD, exact_micro_usd
from router.core.estimated_usage import bounded
from router.core.values import Settlement, Tariff, Usage


class Booking(Struct, frozen=True, gc=False):
    settlement: Settlement
    """As it was booked."""
    most_input: int
    most_output: int
    """Tokens beyond which no report is believed."""
    tariff: Tariff
    """Of the route, when it was asked for."""
    others: tuple[Tariff, ...] = ()
    """The same of the other side's routes, where it could have gone."""
    guessed: bool = False
    """Nobody knows the price."""


def used(booking: Booking, reported: Usage) -> Usage:
    """What it took, as far as that can be, in its service tier. A tier without a known price counts as estimated."""
    usage = bounded(reported, booking.most_input, booking.most_output)
    service = usage.service or booking.settlement.usage.service
    unknown = not (booking.settlement.local or service in STANDARD or service in booking.tariff.services)
    return replace(usage, service=service, estimated=usage.estimated or unknown or booking.guessed)


def priced(booking: Booking, usage: Usage) -> tuple[float, float]:
    """Exact micro-USD that it cost, and that the other side would have charged."""
    cost = _cost(booking.tariff, usage)
    nothing_saved = 0.0 if booking.settlement.local else cost
    return cost, min([_cost(other, usage) for other in booking.others], default=nothing_saved)


def _cost(tariff: Tariff, usage: Usage) -> float:
    return exact_micro_usd(tariff.services.get(usage.service, tariff.tiers), usage)
